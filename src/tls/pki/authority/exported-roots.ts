import { isAbsolute } from 'node:path'
import { readUserFile } from '../../../core/files/user-files.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { authoritiesOf } from './authorities.ts'

/** Returns the roots that an `authority` names, in PEM: of a file, of an authority of the lab with its issuers, or the lab's root. */
export async function rootsOf(
  certificates: CertificateStore,
  authority: string | undefined,
): Promise<readonly string[]> {
  if (authority === undefined) return [certificates.rootPem]
  if (isAbsolute(authority)) return [(await readUserFile(authority)).toString('utf8')]
  return [(await authoritiesOf(certificates).export(authority, 'chain')).toString()]
}
