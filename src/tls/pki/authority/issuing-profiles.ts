import { DAY_MS } from '../certificate/profiles.ts'
import type { Purpose } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import type { HashName, KeySpec } from '../keys.ts'

/** A kind of certificate that an authority issues: what it may be used for, how long, and how it is signed. */
export interface IssuingProfile {
  readonly purposes: readonly Purpose[]
  /** In milliseconds. Default: 397 days. */
  readonly lifetime?: number | undefined
  /** Default: the hash of the authority. */
  readonly hash?: HashName | undefined
  /** The type of a new key. Default: the one that the request asks for. */
  readonly key?: KeySpec | undefined
  /** Whether clients must refuse the certificate without a stapled OCSP response. RFC 7633. */
  readonly mustStaple?: boolean | undefined
}

/** The profiles of every lab. A profile of the configuration replaces the one of the same name. */
const builtInProfiles: Readonly<Record<string, IssuingProfile>> = {
  server: { purposes: ['serverAuth'] },
  client: { purposes: ['clientAuth'] },
  user: { purposes: ['clientAuth', 'emailProtection'] },
  smime: { purposes: ['emailProtection'] },
  'code-signing': { purposes: ['codeSigning'] },
  'ocsp-responder': { purposes: ['OCSPSigning'], lifetime: 30 * DAY_MS },
  'short-lived': { purposes: ['serverAuth'], lifetime: 6 * DAY_MS },
  'must-staple': { purposes: ['serverAuth'], mustStaple: true },
  // Certificates for the policies of `tls.policy` with the same names. Types and lifetimes by Mozilla's "Server Side TLS".
  modern: { purposes: ['serverAuth'], key: 'p256', hash: 'sha256', lifetime: 90 * DAY_MS },
  intermediate: { purposes: ['serverAuth'], key: 'p256', hash: 'sha256', lifetime: 366 * DAY_MS },
  old: { purposes: ['serverAuth'], key: 'rsa-2048', hash: 'sha256', lifetime: 366 * DAY_MS },
  // Windows XP before Service Pack 3 verifies no SHA-256.
  'outlook-express': { purposes: ['serverAuth'], key: 'rsa-2048', hash: 'sha1', lifetime: 366 * DAY_MS },
  pqc: { purposes: ['serverAuth'], key: 'ml-dsa-65' },
}

/** How a certificate is to be issued: a profile, and what replaces parts of it. */
export interface WantedProfile {
  readonly profile?: string
  readonly purposes?: readonly Purpose[]
  readonly days?: number
  readonly hash?: HashName
  readonly mustStaple?: boolean
}

/** Returns a profile; undefined without a name. @throws PkiError `unknown` if there is no such profile */
export function profileNamed(
  configured: Readonly<Record<string, IssuingProfile>>,
  name: string | undefined,
): IssuingProfile | undefined {
  if (name === undefined) return undefined
  const all = { ...builtInProfiles, ...configured }
  if (Object.hasOwn(all, name)) return all[name]
  throw new PkiError('unknown', `no certificate profile "${name}"; there are: ${Object.keys(all).join(', ')}`)
}

/**
 * Returns what a profile and the wishes beside it say about a certificate.
 * @param configured the profiles of the configuration
 * @throws PkiError `unknown` if there is no such profile
 */
export function issuingOptions(
  configured: Readonly<Record<string, IssuingProfile>>,
  { profile: name, ...wanted }: WantedProfile,
): Omit<WantedProfile, 'profile'> {
  const found = profileNamed(configured, name)
  if (found === undefined) return wanted
  const { purposes, lifetime, hash, mustStaple } = found
  return {
    purposes,
    ...(lifetime === undefined ? {} : { days: lifetime / DAY_MS }),
    ...(hash === undefined ? {} : { hash }),
    ...(mustStaple ? { mustStaple } : {}),
    ...wanted,
  }
}
