import type { RefusedToken } from '../directory/sasl/bearer-tokens.ts'

/** Why a token is refused. */
type RefusalReason =
  | 'malformed'
  | 'alg-none'
  | 'wrong-issuer'
  | 'bad-signature'
  | 'expired'
  | 'not-yet-valid'
  | 'wrong-audience'
  | 'revoked'
  | 'wrong-scope'
  | 'unknown-user'
  | 'keys-unreachable'

/** Why a token is refused, as data and in plain words. The text contains no part of the token that is secret. */
export interface TokenRefusal extends RefusedToken {
  readonly reason: RefusalReason
}

/** Creates a refusal. @param text completes "the access token …" */
export const refusal = (reason: RefusalReason, text: string): TokenRefusal => ({
  reason,
  error: reason === 'wrong-scope' ? 'insufficient_scope' : 'invalid_token',
  text,
})

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const

/** Returns a time in its largest unit: `3 minutes`. */
export function roughTime(ms: number): string {
  const [unit, size] = UNITS.find(([, one]) => ms >= one) ?? ['second', 1000]
  const count = Math.floor(ms / size)
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
