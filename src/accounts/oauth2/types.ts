import type { Account } from '../directory/types.ts'
import type { TokenDefect } from './defects.ts'
import type { TokenRefusal } from './refusals.ts'

/** The algorithms with which the lab signs. RFC 9068 section 2.1 demands RS256. */
export const signingAlgorithms = ['RS256', 'ES256'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** An access token that is wanted. */
export interface TokenRequest {
  /** The account, by any form of its log-on name. */
  readonly user: string
  /** Default: the scopes of all protocols. */
  readonly scope?: readonly string[] | undefined
  /** Default: the audience of the lab. */
  readonly audience?: string | undefined
  /** Default: `accessTokenLifetime`. */
  readonly expiresInMs?: number | undefined
  /** Default: `sealpost`. */
  readonly clientId?: string | undefined
  /** Default: RS256. */
  readonly algorithm?: SigningAlgorithm | undefined
  /** Its deliberate defect. */
  readonly defect?: TokenDefect | undefined
}

/** An access token that was issued. */
export interface IssuedToken {
  readonly accessToken: string
  readonly user: string
  readonly scope: readonly string[]
  readonly jti: string
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** The contents of an accepted token. */
interface VerifiedToken {
  readonly account: Account
  readonly scope: readonly string[]
  readonly clientId: string | undefined
  readonly issuer: string
  readonly jti: string | undefined
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** The result of a verification. */
export type Verification =
  | { readonly kind: 'valid'; readonly token: VerifiedToken }
  | { readonly kind: 'refused'; readonly refusal: TokenRefusal }
