import { DAY_MS } from '../certificate/profiles.ts'
import type { Purpose } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import type { HashName } from '../keys.ts'

/** A kind of certificate that an authority issues: what it may be used for, how long, and how it is signed. */
export interface IssuingProfile {
  readonly purposes: readonly Purpose[]
  /** In milliseconds. Default: 397 days. */
  readonly lifetime?: number | undefined
  /** Default: the hash of the authority. */
  readonly hash?: HashName | undefined
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
}

/** How a certificate is to be issued: a profile, and what replaces parts of it. */
export interface WantedProfile {
  readonly profile?: string
  readonly purposes?: readonly Purpose[]
  readonly days?: number
  readonly hash?: HashName
  readonly mustStaple?: boolean
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
  if (name === undefined) return wanted
  const all = { ...builtInProfiles, ...configured }
  const found = Object.hasOwn(all, name) ? all[name] : undefined
  if (found === undefined) {
    throw new PkiError('unknown', `no certificate profile "${name}"; there are: ${Object.keys(all).join(', ')}`)
  }
  const { purposes, lifetime, hash, mustStaple } = found
  return {
    purposes,
    ...(lifetime === undefined ? {} : { days: lifetime / DAY_MS }),
    ...(hash === undefined ? {} : { hash }),
    ...(mustStaple ? { mustStaple } : {}),
    ...wanted,
  }
}
