import type { KeySpec } from '../keys.ts'
import type { ServerNeeds } from '../types.ts'
import type { NameConstraints } from '../x509/extensions.ts'
import type { HashName } from '../x509/signature.ts'

/** Which names the certificate is issued to. */
export type NameChoice = 'own' | 'other' | 'none' | 'addresses' | 'wildcard' | 'thousand'

interface Intermediate {
  readonly key?: KeySpec
  readonly constraints?: NameConstraints
}

/** How a certificate is made, and what is wrong with it. What is absent is as it should be. */
export interface Recipe {
  readonly meaning: string
  /** Absent: P-256. */
  readonly key?: KeySpec
  /** Days from now. Absent: from an hour ago on, for 90 days. */
  readonly days?: { readonly from: number; readonly to: number }
  readonly names?: NameChoice
  /** Absent: a common name. */
  readonly subject?: 'none'
  readonly purpose?: 'clientAuth'
  /** Says that it is an authority. */
  readonly authority?: true
  /** Asks clients to insist on a stapled OCSP response. RFC 7633. */
  readonly mustStaple?: true
  /** Who issued it, or the uppermost intermediate. Absent: the lab's root. */
  readonly issuer?: 'itself' | 'unknown root'
  /** From the root down. */
  readonly intermediates?: readonly Intermediate[]
  /** Of the signature on it. Absent: what fits the issuer's key. */
  readonly hash?: HashName
  /** What the server sends above the certificate. Absent: the intermediates. */
  readonly sends?: 'nothing' | 'reversed' | 'root too'
  readonly revoked?: true
  /** What a server must allow to wear it. */
  readonly needs?: ServerNeeds
}
