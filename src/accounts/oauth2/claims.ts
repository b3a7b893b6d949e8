import { inspect } from 'node:util'
import type { JWTPayload, ProtectedHeaderParameters } from 'jose'

/** The parts of a token before its signature is verified. */
export interface UnverifiedToken {
  readonly header: ProtectedHeaderParameters
  readonly claims: JWTPayload
}

/** Returns the scopes of a token. RFC 9068 section 2.2.3; `scp` is Microsoft's name. */
export function scopesIn({ scope, scp }: JWTPayload): readonly string[] {
  const value = scope ?? scp
  if (Array.isArray(value)) return value.filter((one) => typeof one === 'string')
  return typeof value === 'string' ? value.split(' ').filter((one) => one !== '') : []
}

/** Returns a claim or a header parameter that is a text. jose does not check the types of those that are not verified yet. */
export const stringClaim = (claim: unknown): string | undefined => (typeof claim === 'string' ? claim : undefined)

/** Returns whether a token is for an audience. RFC 7519 section 4.1.3. */
export const isForAudience = ({ aud }: JWTPayload, audience: string): boolean =>
  Array.isArray(aud) ? aud.includes(audience) : aud === audience

/** Returns a value that a client has sent, such as a claim, for a message: short, and without control characters. */
export function claimText(value: unknown): string {
  // Not JSON.stringify, which overflows the stack when a token is nested deeply.
  const text =
    typeof value === 'string'
      ? value
      : value === undefined
        ? 'none'
        : inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY })
  const line = text.replace(/\p{Cc}/gu, '?')
  return line.length > 100 ? `${line.slice(0, 100)}…` : line
}
