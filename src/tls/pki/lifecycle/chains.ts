import type { X509Certificate } from 'node:crypto'
import { certificatePem, readCertificate, readFacts } from '../certificate/certificate.ts'
import { buildChain, type Chain, isRoot } from '../certificate/chain.ts'
import { commonName } from '../certificate/names.ts'
import type { IndexDraft } from '../certificate-store/draft.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import { readPem } from '../der/pem.ts'

/** Returns the authority that a chain leads to, whether the chain has its certificate or not. */
export function topAuthority({ certificates }: Chain): string {
  const last = certificates.at(-1) as X509Certificate
  return commonName(readFacts(last)[isRoot(last) ? 'subject' : 'issuer'])
}

/** Returns the chain of a stored certificate with further issuers; undefined if they do not make it longer. */
export function longerChain(
  [leaf, ...stored]: readonly [X509Certificate, ...X509Certificate[]],
  issuers: readonly X509Certificate[],
): Chain | undefined {
  const chain = buildChain(leaf, [...stored, ...issuers])
  return sentChain(chain).length > stored.length + 1 ? chain : undefined
}

/** Returns the certificates of a chain that servers send: clients have the root. */
export const sentChain = ({ certificates: [leaf, ...issuers] }: Chain): [X509Certificate, ...X509Certificate[]] => [
  leaf,
  ...issuers.filter((one) => !isRoot(one)),
]

/**
 * Completes the chain that servers send with a certificate of the store, if issuers make it longer. Returns the authority
 * that it reaches then; undefined if it stays as it is.
 */
export async function completeChain(
  draft: IndexDraft,
  record: CertificateRecord,
  issuers: readonly X509Certificate[],
): Promise<string | undefined> {
  const [leaf, ...stored] = readPem(await draft.read(record.certificate)).map(({ der }) => readCertificate(der))
  if (leaf === undefined) return undefined
  const chain = longerChain([leaf, ...stored], issuers)
  if (chain === undefined) return undefined
  const sent = sentChain(chain)
  // Another path, because readers keep the content of a path.
  const path = record.certificate.replace(/(?:-\d)?\.pem$/, `-${sent.length}.pem`)
  record.certificate = draft.put(path, sent.map(certificatePem).join(''))
  return topAuthority(chain)
}
