import type { X509Certificate } from 'node:crypto'
import type { CertificateStore } from './store.ts'

/** Every authority's certificate that the store knows: its own authorities', and the chains of what is installed. */
export async function issuersKnown({ index, materials }: CertificateStore): Promise<X509Certificate[]> {
  const paths = [
    ...index.authorities.flatMap(({ certificate }) => certificate ?? []),
    ...index.certificates.map(({ certificate }) => certificate),
  ]
  // A broken file is not this question's business: what it held is merely not known.
  const all = await Promise.all(paths.map((path) => materials.certificates(path).catch(() => [])))
  return all.flat().filter((certificate) => certificate.ca)
}
