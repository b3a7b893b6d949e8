import type { Account } from '../types.ts'

/** Why an access token is not accepted. */
export interface RefusedToken {
  /** RFC 6750 section 3.1. */
  readonly error: 'invalid_request' | 'invalid_token' | 'insufficient_scope'
  /** Completes "the access token …": `expired 3 minutes ago`. */
  readonly text: string
}

/** Verifies access tokens for the protocol of a connection. */
export interface BearerTokens {
  /** Returns the account that a token names, or why it is not accepted. */
  verify(token: string): Promise<{ readonly account: Account } | RefusedToken>
  /** Returns the JSON that a refused client gets before the failure; undefined if it gets none. RFC 7628 section 3.2.2. */
  errorResponse(mechanism: 'XOAUTH2' | 'OAUTHBEARER', error: RefusedToken['error']): Buffer | undefined
}
