import type { KeyObject, X509Certificate } from 'node:crypto'
import { certificatePem, thumbprintOf } from '../certificate/certificate.ts'
import { isRoot } from '../certificate/chain.ts'
import { PkiError } from '../errors.ts'
import { privateKeyPem } from '../keys.ts'
import { judge } from '../servability.ts'
import type { InstalledCertificate } from '../types.ts'
import type { VirtualServerFacts } from './context.ts'

/** Returns why a virtual server cannot serve a certificate, as the end of a sentence; undefined if it can. */
export function servingProblem({ rejects }: VirtualServerFacts, installed: InstalledCertificate): string | undefined {
  const judged = judge(installed)
  return judged.unservable ?? rejects?.(judged)
}

/** Refuses a certificate that a virtual server cannot serve. @throws PkiError `refused` */
export function refuseNotServed(
  server: VirtualServerFacts,
  [leaf, ...issuers]: readonly [X509Certificate, ...X509Certificate[]],
  key: KeyObject,
): void {
  refuseInstalled(server, {
    friendlyName: '',
    thumbprint: thumbprintOf(leaf),
    certificatePem: certificatePem(leaf),
    chainPem: issuers.filter((one) => !isRoot(one)).map(certificatePem),
    privateKeyPem: privateKeyPem(key),
  })
}

/** Does the same for a certificate of the store. @throws PkiError `refused` */
export function refuseInstalled(server: VirtualServerFacts, installed: InstalledCertificate): void {
  const why = servingProblem(server, installed)
  if (why !== undefined) throw new PkiError('refused', `"${server.name}" cannot serve this certificate: ${why}`)
}
