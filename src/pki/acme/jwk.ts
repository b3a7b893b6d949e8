import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { AcmeProblem } from './problem.ts'

/** A public key as JSON. RFC 7517. */
export type Jwk = Readonly<Record<string, string>>

/** Members that make the thumbprint, in this order. RFC 7638 section 3.2, RFC 8037 section 2. */
const members: Readonly<Record<string, readonly string[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
}

/**
 * A key as a request holds it: the members that make it, without what goes along (`use`, `key_ops`, `ext`).
 * @throws AcmeProblem `badPublicKey`
 */
export function readJwk(value: unknown): Jwk {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
  const names = membersOf(given.kty)
  if (names === undefined) {
    throw new AcmeProblem('badPublicKey', `a key has kty ${Object.keys(members).join(', ')}`)
  }
  const missing = names.find((name) => typeof given[name] !== 'string')
  if (missing !== undefined) throw new AcmeProblem('badPublicKey', `the key has no ${missing}`)
  return Object.fromEntries(names.map((name) => [name, given[name] as string]))
}

const membersOf = (kty: unknown): readonly string[] | undefined =>
  typeof kty === 'string' && Object.hasOwn(members, kty) ? members[kty] : undefined

interface Algorithm {
  readonly kty: string
  readonly hash: string | null
  readonly crv?: string
}

/** Signature algorithms taken. RFC 7518 section 3.1, RFC 8037 section 3.1; no MAC and no `none` (RFC 8555 section 6.2). */
const algorithms: Readonly<Record<string, Algorithm>> = {
  RS256: { kty: 'RSA', hash: 'sha256' },
  ES256: { kty: 'EC', hash: 'sha256', crv: 'P-256' },
  ES384: { kty: 'EC', hash: 'sha384', crv: 'P-384' },
  ES512: { kty: 'EC', hash: 'sha512', crv: 'P-521' },
  EdDSA: { kty: 'OKP', hash: null },
}

/** SHA-256 over the key's members, base64url. RFC 7638. */
export function jwkThumbprint(jwk: Jwk): string {
  const names = membersOf(jwk.kty) ?? []
  const canonical = JSON.stringify(Object.fromEntries(names.map((name) => [name, jwk[name]])))
  return createHash('sha256').update(canonical).digest('base64url')
}

/** @throws AcmeProblem `badPublicKey` */
export function publicKeyOf(jwk: Jwk): KeyObject {
  try {
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const bits = key.asymmetricKeyDetails?.modulusLength
    if (bits !== undefined && bits < 2048) throw new Error(`an RSA key of ${bits} bits is too short`)
    return key
  } catch (error) {
    throw new AcmeProblem('badPublicKey', `the account key cannot be used: ${(error as Error).message}`)
  }
}

/** Whether a signature is the key's. @throws AcmeProblem `badSignatureAlgorithm`, `badPublicKey` */
export function isSignedBy(jwk: Jwk, alg: string, signed: string, signature: Buffer): boolean {
  const algorithm = Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined
  if (!algorithm || algorithm.kty !== jwk.kty || (algorithm.crv !== undefined && algorithm.crv !== jwk.crv)) {
    throw new AcmeProblem('badSignatureAlgorithm', `${alg} does not go with this key, or is not known here`, {
      extra: { algorithms: Object.keys(algorithms) },
    })
  }
  // JWS has r and s side by side, not in DER. RFC 7518 section 3.4
  const key = { key: publicKeyOf(jwk), ...(algorithm.kty === 'EC' ? { dsaEncoding: 'ieee-p1363' as const } : {}) }
  return verify(algorithm.hash, Buffer.from(signed), key, signature)
}
