import type { X509Certificate } from 'node:crypto'
import { certificateFields, certificatePem, type Issuer, thumbprintOf } from '../certificate/certificate.ts'
import { commonName, readName } from '../certificate/names.ts'
import { createEndEntityCertificate, type EndEntityProfile, type ServiceUrls } from '../certificate/profiles.ts'
import { type Draft, slug } from '../certificate-store/draft.ts'
import { type AuthorityRecord, findAuthority } from '../certificate-store/index-file.ts'
import type { Materials } from '../certificate-store/materials.ts'
import { readPrivateKey } from '../keys.ts'

/** An authority ready to sign: its record in the draft, its chain (itself first, the root last) and its key. */
export interface OpenAuthority {
  readonly record: AuthorityRecord
  readonly chain: readonly X509Certificate[]
  readonly issuer: Issuer
}

/** Where an authority is looked up: a draft, or the store as it is. */
export type Source = Pick<Draft, 'index' | 'read'>

/** @throws PkiError `unknown` where there is no such authority, `refused` where it has no certificate yet */
export async function openAuthority(
  source: Source,
  materials: Materials,
  name: string | undefined,
): Promise<OpenAuthority> {
  const record = findAuthority(source.index, name)
  const chain = await materials.authorityChain(record)
  const key = readPrivateKey(await source.read(record.key))
  return { record, chain, issuer: { key, certificate: chain[0], ...(record.hash ? { hash: record.hash } : {}) } }
}

/** The chain that a server sends below the root: a client that trusts the root has it. */
export const chainToSend = (chain: readonly X509Certificate[]): X509Certificate[] =>
  chain.filter((certificate) => certificate.subject !== certificate.issuer)

/** Writes a certificate into its authority's book, where it can be revoked. */
export function recordIssued(draft: Draft, record: AuthorityRecord, certificate: X509Certificate): void {
  const serial = certificate.serialNumber
  record.issued.push({
    serial,
    subject: commonName(readName(certificateFields(certificate.raw).subject)),
    thumbprint: thumbprintOf(certificate),
    certificate: draft.put(`authorities/${slug(record.name)}/issued/${serial}.pem`, certificatePem(certificate)),
    notBefore: new Date(certificate.validFrom).toISOString(),
    notAfter: new Date(certificate.validTo).toISOString(),
  })
}

/** Issues a certificate to a server or a user and writes it into the authority's book. */
export function issueFrom(draft: Draft, { record, issuer }: OpenAuthority, profile: EndEntityProfile): X509Certificate {
  const certificate = createEndEntityCertificate(profile, issuer)
  recordIssued(draft, record, certificate)
  return certificate
}

/** Paths of one authority below the authority service's address. */
export const servicePaths = (name: string) => {
  const id = slug(name)
  return { crl: `/crl/${id}.crl`, ocsp: `/ocsp/${id}`, caIssuers: `/ca/${id}.cer` } as const
}

/** What certificates of an authority say about revocation, where the lab serves it. */
export function serviceUrls(base: string | undefined, name: string): ServiceUrls | undefined {
  if (base === undefined) return undefined
  const at = base.replace(/\/$/, '')
  const paths = servicePaths(name)
  return { crl: at + paths.crl, ocsp: at + paths.ocsp, caIssuers: at + paths.caIssuers }
}
