import type { CertificateStore } from '../certificate-store/store.ts'
import { writePkcs7 } from '../pkcs7.ts'
import { certificatePem } from '../x509/certificate.ts'
import { findAuthority } from './find.ts'

/** pem and der: the authority's certificate alone. p7b: with its issuers. chain: the same in PEM. */
export const authorityFormats = ['pem', 'der', 'p7b', 'chain'] as const
export type AuthorityFormat = (typeof authorityFormats)[number]

/** The certificate of an authority, for clients to trust. Never its key. @throws PkiError */
export async function exportAuthority(
  store: CertificateStore,
  name?: string,
  format: AuthorityFormat = 'pem',
): Promise<Buffer> {
  await store.refresh()
  const chain = await store.materials.authorityChain(findAuthority(store.index, name))
  if (format === 'der') return chain[0].raw
  if (format === 'p7b') return writePkcs7(chain)
  return Buffer.from(format === 'chain' ? chain.map(certificatePem).join('') : certificatePem(chain[0]))
}
