import type { KeyObject, X509Certificate } from 'node:crypto'
import type { KeyUsage, Purpose } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { describeKey } from '../keys.ts'
import { createCertificate, type Issuer } from './certificate.ts'
import * as ext from './extensions.ts'
import type { DistinguishedName, GeneralName } from './names.ts'

export const DAY_MS = 86_400_000

/** One day less than the limit of 398 days, above which clients refuse server certificates. CA/Browser Forum BR section 6.3.2. */
const SERVER_LIFE_DAYS = 397
const AUTHORITY_LIFE_DAYS = 3650

/** The last date that a certificate can contain. RFC 5280 section 4.1.2.5. */
const endOfTime = Date.UTC(9999, 11, 31)

/** The validity of a certificate starts this long before it is issued. */
export const BACKDATED_MS = 3_600_000

/**
 * Returns a validity that starts an hour ago, so that clients with a slow clock accept the certificate. That of a
 * short-lived certificate starts a tenth of its lifetime ago.
 */
function validity(
  nowMs: number,
  days: number,
  latestMs = Number.POSITIVE_INFINITY,
): { notBefore: Date; notAfter: Date } {
  const longest = Math.floor((endOfTime - nowMs) / DAY_MS)
  if (!(days > 0 && days <= longest)) {
    throw new PkiError('refused', `a certificate cannot be valid for ${days} days; give 1 to ${longest}`)
  }
  const from = Math.floor((nowMs - Math.min(BACKDATED_MS, (days * DAY_MS) / 10)) / 1000) * 1000
  return { notBefore: new Date(from), notAfter: new Date(Math.min(from + days * DAY_MS, latestMs)) }
}

const endOfIssuer = ({ certificate }: Issuer): number | undefined =>
  certificate === 'self' ? undefined : Date.parse(certificate.validTo)

/** Addresses in a certificate: for revocation, and of the issuer's certificate. Empty if the lab has no authority service. */
export interface ServiceUrls {
  readonly crl?: string
  readonly ocsp?: string
  readonly caIssuers?: string
}

const services = ({ crl, ocsp, caIssuers }: ServiceUrls): Buffer[] => [
  ...(crl === undefined ? [] : [ext.crlDistributionPoints([crl])]),
  ...(ocsp === undefined && caIssuers === undefined
    ? []
    : [ext.authorityInfoAccess({ ...(ocsp ? { ocsp } : {}), ...(caIssuers ? { caIssuers } : {}) })]),
]

export interface AuthorityProfile {
  readonly subject: DistinguishedName | Buffer
  readonly publicKey: KeyObject
  readonly nowMs: number
  readonly days?: number
  /** When it expires at the latest. Default: when its issuer does. */
  readonly latestMs?: number
  readonly pathLength?: number
  /** A Buffer is the encoded value. */
  readonly constraints?: ext.NameConstraints | Buffer
  readonly urls?: ServiceUrls
}

/** Creates the certificate of a root (`issuer.certificate` is `self`) or of a subordinate authority. */
export function createAuthorityCertificate(profile: AuthorityProfile, issuer: Issuer): X509Certificate {
  return createCertificate(
    {
      subject: profile.subject,
      publicKey: ext.publicKeyInfo(profile.publicKey),
      ...validity(profile.nowMs, profile.days ?? AUTHORITY_LIFE_DAYS, profile.latestMs ?? endOfIssuer(issuer)),
      extensions: [
        ext.authorityConstraints(profile.pathLength),
        ext.keyUsage(['digitalSignature', 'keyCertSign', 'cRLSign']),
        ...ext.nameConstraints(profile.constraints),
        ...services(profile.urls ?? {}),
      ],
    },
    issuer,
  )
}

export interface EndEntityProfile {
  readonly subject: DistinguishedName | Buffer
  readonly publicKey: KeyObject
  readonly names: readonly GeneralName[]
  readonly purposes: readonly Purpose[]
  readonly nowMs: number
  readonly days?: number
  /** When it expires at the latest. Default: when its issuer does. */
  readonly latestMs?: number
  readonly urls?: ServiceUrls
  /** Whether clients must refuse the certificate without a stapled OCSP response. */
  readonly mustStaple?: boolean
  /** Further encoded extensions. */
  readonly extensions?: readonly Buffer[]
}

/**
 * Returns the key usages for a key and its purposes. Only RSA keys can encrypt session keys; keys on curves agree on them,
 * which mail needs (RFC 8550 section 4.4.2). RFC 5280 section 4.2.1.3, RFC 5480 section 3.
 */
function usagesFor(key: KeyObject, purposes: readonly Purpose[]): KeyUsage[] {
  const mail: KeyUsage[] = purposes.includes('emailProtection') ? ['nonRepudiation'] : []
  const { family } = describeKey(key)
  const encrypts = family === 'rsa' && !purposes.includes('OCSPSigning')
  const agrees = family === 'ec' && mail.length > 0
  return [
    'digitalSignature',
    ...mail,
    ...(encrypts ? (['keyEncipherment'] as const) : []),
    ...(agrees ? (['keyAgreement'] as const) : []),
  ]
}

/** Creates a certificate for a server, a user or an OCSP responder. */
export function createEndEntityCertificate(profile: EndEntityProfile, issuer: Issuer): X509Certificate {
  const nameless = Buffer.isBuffer(profile.subject) ? profile.subject.length <= 2 : profile.subject.length === 0
  return createCertificate(
    {
      subject: profile.subject,
      publicKey: ext.publicKeyInfo(profile.publicKey),
      ...validity(profile.nowMs, profile.days ?? SERVER_LIFE_DAYS, profile.latestMs ?? endOfIssuer(issuer)),
      extensions: [
        ext.endEntityConstraints(),
        ext.keyUsage(usagesFor(profile.publicKey, profile.purposes)),
        ext.extKeyUsage(profile.purposes),
        ...(profile.names.length === 0 ? [] : [ext.subjectAltName(profile.names, nameless)]),
        ...(profile.purposes.includes('OCSPSigning') ? [ext.ocspNoCheck()] : []),
        ...(profile.mustStaple ? [ext.mustStaple()] : []),
        ...(profile.extensions ?? []),
        ...services(profile.urls ?? {}),
      ],
    },
    issuer,
  )
}
