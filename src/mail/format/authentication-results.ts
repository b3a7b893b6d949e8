/** Results of authentication. RFC 8601 section 2.7. */
type AuthenticationResult =
  | 'none'
  | 'pass'
  | 'fail'
  | 'softfail'
  | 'policy'
  | 'neutral'
  | 'temperror'
  | 'permerror'
  | 'skipped'
  | 'declined'

interface Verdict {
  readonly result: AuthenticationResult
  /** Why, in plain words. */
  readonly reason?: string
}

/** SPF. RFC 7208. */
export interface SpfResult extends Verdict {
  /** The domain whose record counts. */
  readonly domain: string
  /** The identity that was checked: MAIL FROM, or the name of HELO if the reverse-path is null. RFC 7208 section 2.4. */
  readonly identity: 'mailfrom' | 'helo'
  readonly clientAddress?: string
  readonly helo?: string
  /** The record. */
  readonly record?: string
}

/** One DKIM signature. RFC 6376. */
export interface DkimResult extends Verdict {
  readonly domain: string
  readonly selector: string
  readonly algorithm: string
  /** Whether the domain belongs to the domain of the From field, as DMARC asks for. */
  readonly aligned: boolean
  /** The start of the signature, which tells signatures of one domain apart. RFC 6008. */
  readonly signature?: string
  readonly keyBits?: number
  readonly record?: string
}

/** DMARC. RFC 9989. */
export interface DmarcResult extends Verdict {
  /** The domain of the From field. */
  readonly domain: string
  /** The policy that applies: `p`, or `sp` for a subdomain. */
  readonly policy?: 'none' | 'quarantine' | 'reject'
  /** The action that the policy asks for: it may apply to a part of the messages only (`pct`). RFC 7489 section 6.6.4. */
  readonly disposition?: 'none' | 'quarantine' | 'reject'
  readonly percent?: number
  readonly spfAligned: boolean
  readonly dkimAligned: boolean
  readonly record?: string
  /** The domain that has the record: the author domain, or one above it. RFC 9989 section 4.10.1. */
  readonly policyDomain?: string
}

/** ARC. RFC 8617. */
export interface ArcResult extends Verdict {
  /** The number of seals. */
  readonly instance?: number
  /** The domain of the last seal. */
  readonly domain?: string
}

/** BIMI. draft-brand-indicators-for-message-identification-12 (November 2025). */
export interface BimiResult extends Verdict {
  /** The domain that has the record, and its selector. */
  readonly domain?: string
  readonly selector?: string
  /** The URL of the logo. */
  readonly location?: string
  /** The URL of the mark certificate. */
  readonly authority?: string
  /** Whether a picture of the person or the logo is preferred. */
  readonly preference?: 'brand' | 'personal'
  /** The mark certificate's result; `none`: the record names none. Absent if nothing was fetched. */
  readonly evidence?: 'pass' | 'fail' | 'none'
  /** The type of the mark, such as `Registered Mark`. */
  readonly markType?: string
  /** The logo: SVG in base64. Only if it was fetched and passes. */
  readonly indicator?: string
  /** SHA-256 of the logo in hexadecimal. */
  readonly indicatorHash?: string
}

/** The results of authenticating the sender of a message. */
export interface MessageAuthentication {
  readonly spf: SpfResult
  /** One for each signature, in the order of the fields. Empty: the message is not signed. */
  readonly dkim: readonly DkimResult[]
  readonly dmarc: DmarcResult
  readonly arc: ArcResult
  readonly bimi: BimiResult
}
