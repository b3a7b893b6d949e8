import type { X509Certificate } from 'node:crypto'
import { certificatePem, type Issuer, readFacts, thumbprintOf } from '../certificate/certificate.ts'
import { issuedToOf } from '../certificate/names.ts'
import { createEndEntityCertificate, type EndEntityProfile, type ServiceUrls } from '../certificate/profiles.ts'
import { type AuthorityKey, crossCertificates, presentKey } from '../certificate-store/authority-keys.ts'
import { type IndexDraft, slug } from '../certificate-store/draft.ts'
import { type AuthorityRecord, findAuthority, type StoreIndex } from '../certificate-store/index-file.ts'
import { openPrivateKey } from '../certificate-store/materials.ts'
import type { CertificateStore } from '../certificate-store/types.ts'
import { PkiError } from '../errors.ts'
import { latestEnd, refuseRejected } from './acceptance.ts'

/** A certificate and its issuers upward, the root last. */
export type IssuedChain = readonly [X509Certificate, ...X509Certificate[]]

/** An authority with its key, ready to sign. */
export interface OpenAuthority {
  readonly record: AuthorityRecord
  /** Its own certificate first, the root last. */
  readonly chain: IssuedChain
  /** The chain that is sent with its certificates: also for clients that trust an earlier or a later key of the root. */
  readonly served: IssuedChain
  readonly issuer: Issuer
  /** The addresses for revocation in its certificates; empty if the lab has no authority service. */
  readonly urls: ServiceUrls
}

/**
 * Opens an authority of the store, or of a draft of it.
 * @param name Default: the authority that issues for `auto`
 * @throws PkiError `unknown` if there is no such authority, `refused` if it has no certificate yet
 */
export async function openAuthority(
  store: CertificateStore,
  name: string | undefined,
  draft?: IndexDraft,
): Promise<OpenAuthority> {
  const record = findAuthority((draft ?? store).index, name)
  return openKey(store, record, presentKey(record), draft)
}

/** Opens an authority with one of its keys, which may be an earlier one. */
export async function openKey(
  store: CertificateStore,
  record: AuthorityRecord,
  { number, key: path, certificate }: AuthorityKey,
  draft?: IndexDraft,
): Promise<OpenAuthority> {
  const source = draft ?? store
  const { name, hash } = record
  const chain = await store.materials.authorityChain({ name, certificate })
  const key = await openPrivateKey(source, path)
  if (!chain[0].checkPrivateKey(key))
    throw new PkiError(
      'store',
      `${path} is not the key of ${certificate}. Restore a backup with \`sealpost store restore DIR\``,
    )
  return {
    record,
    chain,
    served: await servedChain(store, source.index, chain),
    issuer: { key, certificate: chain[0], ...(hash ? { hash } : {}) },
    urls: serviceUrls(store.serviceUrl, name, number),
  }
}

async function servedChain(
  { materials, clock }: CertificateStore,
  index: Readonly<StoreIndex>,
  chain: IssuedChain,
): Promise<IssuedChain> {
  const root = chain.at(-1) as X509Certificate
  const crosses = await crossCertificates(index, materials, root, clock.now())
  return crosses.length === 0 ? chain : ([...chain.slice(0, -1), ...crosses, root] as unknown as IssuedChain)
}

/**
 * Issues a certificate to a server or a user and records it with the authority. It does not outlive the authority, unless
 * `force` is set.
 * @param force issues it even if every client would refuse it
 * @throws PkiError `refused` if every client would refuse it
 */
export function issueFrom(
  draft: IndexDraft,
  { record, chain, issuer, urls }: OpenAuthority,
  profile: Omit<EndEntityProfile, 'urls' | 'latestMs'>,
  force = false,
): X509Certificate {
  if (!force) refuseRejected(draft.index, record.name, chain, profile)
  const latestMs = latestEnd(chain, profile.days, force)
  const certificate = createEndEntityCertificate({ ...profile, latestMs, urls }, issuer)
  recordIssued(draft, record, certificate)
  return certificate
}

/**
 * Records a certificate with the authority that issued it, so that it can be revoked.
 * @param key path of the key that signed it, if that is not the present one
 */
export function recordIssued(
  draft: IndexDraft,
  record: AuthorityRecord,
  certificate: X509Certificate,
  key?: string,
): void {
  const serial = certificate.serialNumber
  record.issued.push({
    serial,
    subject: issuedToOf(readFacts(certificate)),
    thumbprint: thumbprintOf(certificate),
    certificate: draft.put(`authorities/${slug(record.name)}/issued/${serial}.pem`, certificatePem(certificate)),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
    ...(key === undefined ? {} : { key }),
  })
}

/** Returns the paths of an authority below the address of the authority service. @param keyNumber of the key that signs */
export const servicePaths = (name: string, keyNumber: number) => {
  const id = slug(name)
  const ofKey = keyNumber === 1 ? id : `${id}_${keyNumber}`
  return { crl: `/crl/${ofKey}.crl`, ocsp: `/ocsp/${id}`, caIssuers: `/ca/${ofKey}.cer` } as const
}

export function serviceUrls(base: string | undefined, name: string, keyNumber: number): ServiceUrls {
  if (base === undefined) return {}
  const address = base.replace(/\/$/, '')
  const paths = servicePaths(name, keyNumber)
  return { crl: address + paths.crl, ocsp: address + paths.ocsp, caIssuers: address + paths.caIssuers }
}
