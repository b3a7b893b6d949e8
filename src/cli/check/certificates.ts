import { certificateWarnings } from '../../pki/lifecycle/warnings.ts'
import { labFacts } from '../cert/session.ts'
import type { Configuration } from '../configuration.ts'
import { unknownPins } from '../pinned-certificates.ts'
import { readStore } from '../read-store.ts'
import { doubtful, type Finding, mistaken, wrong } from './finding.ts'

/**
 * What is wrong with the certificates that virtual servers are to wear: dates, names, key, chain, revocation. Nothing is
 * issued or changed.
 * @throws PkiError when the store cannot be read
 */
export async function checkCertificates(configuration: Configuration): Promise<Finding[]> {
  const unknown = (await unknownPins(configuration)).map(mistaken)
  const lab = labFacts(configuration)
  const worn = await readStore(configuration.lab.certificates, (store) =>
    certificateWarnings({ store, lab: () => lab }),
  )
  const found = (worn ?? []).map(({ severity, message }) => (severity === 'error' ? wrong(message) : doubtful(message)))
  return [...unknown, ...found]
}
