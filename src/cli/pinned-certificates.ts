import { unknownCertificates } from '../config/certificates.ts'
import { ConfigError } from '../config/mistakes.ts'
import type { Configuration } from './configuration.ts'
import { readStore } from './read-store.ts'

/** The mistakes of a file that names certificates which the store does not have, each with its place. @throws PkiError */
export async function unknownPins({ lab, placed }: Configuration): Promise<string[]> {
  const known = await readStore(lab.certificates, (store) => store.index.certificates)
  return placed(unknownCertificates(lab.virtualServers, known ?? []))
}

/** @throws ConfigError naming every certificate that the store does not have; PkiError */
export async function assertPins(configuration: Configuration): Promise<void> {
  const unknown = await unknownPins(configuration)
  if (unknown.length > 0) throw new ConfigError(unknown)
}
