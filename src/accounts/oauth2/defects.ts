/** A deliberate defect of a token. */
export const tokenDefects = [
  'expired',
  'wrong-audience',
  'wrong-issuer',
  'wrong-scope',
  'revoked',
  'bad-signature',
  'alg-none',
] as const
export type TokenDefect = (typeof tokenDefects)[number]

/** How long ago an expired token has expired, in seconds. */
const EXPIRED_SECONDS = 60

/** RFC 7519 section 4.1. Not the type of jose: declarations for CommonJS cannot import it. */
type Claims = {
  iss?: string
  sub?: string
  aud?: string | string[]
  jti?: string
  nbf?: number
  [claim: string]: unknown
} & { readonly iat: number; readonly exp: number }

/** How a defect changes the claims of a token, or the token itself. Otherwise the token is a good one. */
interface DefectRecipe {
  readonly claims?: (claims: Claims) => Claims
  /** Changes the signed token. */
  readonly token?: (token: string) => string
  readonly isRevoked?: true
}

/** How each defect is made. */
export const defectRecipes: Readonly<Record<TokenDefect, DefectRecipe>> = {
  expired: {
    claims: ({ iat, exp, ...claims }) => {
      const lifetime = exp - iat
      return { ...claims, iat: iat - lifetime - EXPIRED_SECONDS, exp: iat - EXPIRED_SECONDS }
    },
  },
  'wrong-audience': { claims: (claims) => ({ ...claims, aud: 'https://other-service.invalid' }) },
  'wrong-issuer': { claims: (claims) => ({ ...claims, iss: 'https://other-issuer.invalid' }) },
  'wrong-scope': { claims: (claims) => ({ ...claims, scope: 'other' }) },
  revoked: { isRevoked: true },
  'bad-signature': { token: withOtherSignature },
  'alg-none': { token: withoutSignature },
}

/** Changes one bit in the middle of the signature. */
function withOtherSignature(token: string): string {
  const [header, payload, signature = ''] = token.split('.')
  const octets = Buffer.from(signature, 'base64url')
  const middle = octets.length >> 1
  octets[middle] = (octets[middle] ?? 0) ^ 1
  return [header, payload, octets.toString('base64url')].join('.')
}

/** An unsecured JWT. RFC 7519 section 6. */
function withoutSignature(token: string): string {
  const [, payload] = token.split('.')
  return [Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url'), payload, ''].join('.')
}
