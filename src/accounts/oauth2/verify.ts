import type { errors as JoseErrors } from 'jose'
import type { Directory } from '../directory/types.ts'
import { claimText, isForAudience, scopesIn, stringClaim, type UnverifiedToken } from './claims.ts'
import type { TrustedIssuer, TrustedIssuers } from './issuers.ts'
import { refusal, roughTime, type TokenRefusal } from './refusals.ts'
import type { Verification } from './types.ts'

/** The facts against which a token is verified. */
interface VerificationContext {
  readonly issuers: Pick<TrustedIssuers, 'find'>
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly directory: Directory
  readonly isRevoked: (jti: string) => boolean
  /** The scopes of which the token needs one; undefined: any scope will do. */
  readonly scopes: readonly string[] | undefined
}

/** The longest token that is read. Real ones have less than 4,096 octets. */
const MAX_TOKEN_OCTETS = 16_384

/** Reads a token without verifying it. Returns undefined if it is not a JWT. RFC 7519 section 7.2. */
export async function readToken(token: string): Promise<UnverifiedToken | undefined> {
  if (token.length > MAX_TOKEN_OCTETS) return undefined
  const { decodeJwt, decodeProtectedHeader } = await import('jose')
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) }
  } catch {
    return undefined
  }
}

/** Verifies a token. Returns the first thing that is wrong with it, in the order in which a reader would look. */
export async function verifyToken(token: string, context: VerificationContext): Promise<Verification> {
  const read = await readToken(token)
  if (!read) return refusedVerification(refusal('malformed', 'is not a JWT'))
  const { header, claims } = read
  // RFC 9068 section 4: never `none`.
  if (stringClaim(header.alg)?.toLowerCase() === 'none')
    return refusedVerification(refusal('alg-none', 'is not signed (alg: none)'))
  const issuer = context.issuers.find(claims.iss)
  if (!issuer) {
    const text = `names the issuer ${claimText(claims.iss)}, which is neither this lab nor listed in oauth2.issuers`
    return refusedVerification(refusal('wrong-issuer', text))
  }
  const why = (await signatureRefusal(token, read, issuer)) ?? claimsRefusal(read, issuer, context)
  if (why) return refusedVerification(why)
  const name = stringClaim(claims[issuer.userClaim]) ?? ''
  const account = context.directory.find(name) ?? context.directory.findByAddress(name)
  if (!account) {
    return refusedVerification(
      refusal('unknown-user', `names the user ${claimText(claims[issuer.userClaim])}, who has no account`),
    )
  }
  return {
    kind: 'valid',
    token: {
      account,
      scope: scopesIn(claims),
      clientId: stringClaim(claims.client_id) ?? stringClaim(claims.azp),
      issuer: String(claims.iss),
      jti: stringClaim(claims.jti),
      expiresAt: (claims.exp ?? 0) * 1000,
    },
  }
}

const refusedVerification = (why: TokenRefusal): Verification => ({ kind: 'refused', refusal: why })

/** The problems of a signature, by the error code of jose. */
const signatureErrors: Readonly<Record<string, string>> = {
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'has a signature that is not its issuer’s',
  ERR_JWKS_NO_MATCHING_KEY: 'is signed with a key that its issuer does not publish',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'does not say with which of its issuer’s keys it is signed (kid)',
  ERR_JOSE_ALG_NOT_ALLOWED: 'is signed with an algorithm that is not accepted',
  ERR_JOSE_NOT_SUPPORTED: 'is signed in a way that is not supported',
}

async function signatureRefusal(
  token: string,
  { header }: UnverifiedToken,
  issuer: TrustedIssuer,
): Promise<TokenRefusal | undefined> {
  const jose = await import('jose')
  const keys = await issuer.keys()
  try {
    await jose.compactVerify(token, keys, { algorithms: [...issuer.algorithms] })
  } catch (error) {
    const code = error instanceof jose.errors.JOSEError ? (error as JoseErrors.JOSEError).code : ''
    const text = signatureErrors[code]
    if (text !== undefined) return refusal('bad-signature', text)
    if (code.startsWith('ERR_JWS') || code.startsWith('ERR_JWT')) return refusal('malformed', 'is not a JWT')
    if (issuer.types !== undefined) throw error
    return refusal('keys-unreachable', `cannot be verified: its issuer’s keys are not available (${messageOf(error)})`)
  }
  const type = stringClaim(header.typ)?.toLowerCase()
  if (issuer.types === undefined || (type !== undefined && issuer.types.includes(type))) return undefined
  return refusal('malformed', `is not an access token: its typ is ${claimText(header.typ)}`)
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A time that a Date can have. RFC 7519 section 2: NumericDate. */
const isTime = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) <= 8.64e12

function claimsRefusal(
  { claims }: UnverifiedToken,
  { audience, requireScope }: TrustedIssuer,
  { now, isRevoked, scopes }: VerificationContext,
): TokenRefusal | undefined {
  const { exp, nbf, jti } = claims
  if (!isTime(exp)) return refusal('malformed', 'has no time of expiry (exp)')
  if (nbf !== undefined && !isTime(nbf)) return refusal('malformed', 'has a start of validity that is not a time (nbf)')
  const expiredMs = now - exp * 1000
  if (expiredMs >= 0) return refusal('expired', `expired ${roughTime(expiredMs)} ago`) // RFC 7519 section 4.1.4
  if (nbf !== undefined && nbf * 1000 > now) {
    return refusal('not-yet-valid', `is not valid before ${new Date(nbf * 1000).toISOString()}`)
  }
  if (!isForAudience(claims, audience)) {
    return refusal('wrong-audience', `is for ${claimText(claims.aud)}, not for ${audience}`)
  }
  if (typeof jti === 'string' && isRevoked(jti)) return refusal('revoked', 'has been revoked')
  const own = scopesIn(claims)
  if (!requireScope || scopes === undefined || scopes.some((scope) => own.includes(scope))) return undefined
  const needed = scopes.length === 1 ? `the scope ${scopes[0]}` : `one of the scopes ${scopes.join(', ')}`
  return refusal('wrong-scope', `has the scope ${claimText(own.join(' ') || 'none')}, but needs ${needed}`)
}
