import { createHash, createHmac, createPublicKey, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import { isMapping } from '../../../core/values/mapping.ts'
import { AcmeProblem } from './response.ts'

/** The protected header of a request. RFC 8555 section 6.2. */
interface JwsHeader {
  readonly alg: string
  readonly nonce?: string
  readonly url?: string
  /** Unchecked; see `readJwk`. */
  readonly jwk?: unknown
  readonly kid?: string
}

/** A parsed JWS whose signature has not been verified. */
export interface Jws {
  readonly header: JwsHeader
  /** Empty for POST-as-GET. RFC 8555 section 6.3. */
  readonly payload: Buffer
  readonly signed: string
  readonly signature: Buffer
}

const BASE64URL = /^[\w-]*$/

/** Parses a flattened JWS. RFC 7515 section 7.2.2. @throws AcmeProblem `malformed` */
export function parseJws(value: unknown): Jws {
  const { protected: head, payload, signature } = (value ?? {}) as Record<string, unknown>
  const parts = [head, payload, signature]
  if (!parts.every((part): part is string => typeof part === 'string' && BASE64URL.test(part))) {
    throw new AcmeProblem('malformed', 'the body is not a flattened JWS with protected, payload and signature')
  }
  return {
    header: readHeader(parseJson(Buffer.from(head as string, 'base64url'), 'the protected header')),
    payload: Buffer.from(payload as string, 'base64url'),
    signed: `${head}.${payload}`,
    signature: Buffer.from(signature as string, 'base64url'),
  }
}

function readHeader(header: Readonly<Record<string, unknown>>): JwsHeader {
  const { alg, nonce, url, kid, crit } = header
  if (typeof alg !== 'string') throw new AcmeProblem('malformed', 'the protected header has no alg')
  for (const [name, value] of Object.entries({ nonce, url, kid })) {
    if (value !== undefined && typeof value !== 'string') throw new AcmeProblem('malformed', `${name} is not a string`)
  }
  // A JWS with a critical header that is not supported is invalid. RFC 7515 section 4.1.11
  if (crit !== undefined) throw new AcmeProblem('malformed', 'critical headers are not supported')
  return header as unknown as JwsHeader
}

/** Parses a JSON object. @throws AcmeProblem `malformed` */
export function parseJson(octets: Buffer, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(octets.toString('utf8'))
    if (isMapping(value)) return value
  } catch {
    // Falls through to the error below.
  }
  throw new AcmeProblem('malformed', `${what} is not a JSON object`)
}

/** Verifies a signature. @throws AcmeProblem if it was made by another key */
export function checkSignature(jws: Jws, jwk: Jwk): void {
  if (!verifiesSignature(jwk, jws.header.alg, jws.signed, jws.signature)) {
    throw new AcmeProblem('malformed', 'the signature does not match the key')
  }
}

/** Verifies the MAC of an external account binding. RFC 8555 section 7.3.4. @throws AcmeProblem */
export function checkMac(jws: Jws, key: Buffer): void {
  const right = createHmac('sha256', key).update(jws.signed).digest()
  const same = right.length === jws.signature.length && timingSafeEqual(right, jws.signature)
  if (jws.header.alg !== 'HS256' || !same) {
    throw new AcmeProblem('unauthorized', 'the external account binding is not signed with the key of its kid (HS256)')
  }
}

/** A public key in JSON. RFC 7517. */
export type Jwk = Readonly<Record<string, string>>

/** Members that make up the thumbprint, in this order. RFC 7638 section 3.2, RFC 8037 section 2. */
const members: Readonly<Record<string, readonly string[]>> = {
  RSA: ['e', 'kty', 'n'],
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
}

/**
 * Returns the key in a request, without additional members (`use`, `key_ops`, `ext`).
 * @throws AcmeProblem `badPublicKey`
 */
export function readJwk(value: unknown): Jwk {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>
  const names = membersOf(given.kty)
  if (names === undefined) {
    throw new AcmeProblem('badPublicKey', `kty must be one of ${Object.keys(members).join(', ')}`)
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

/** Supported signature algorithms. RFC 7518 section 3.1, RFC 8037 section 3.1. No MAC and no `none` (RFC 8555 section 6.2). */
const algorithms: Readonly<Record<string, Algorithm>> = {
  RS256: { kty: 'RSA', hash: 'sha256' },
  ES256: { kty: 'EC', hash: 'sha256', crv: 'P-256' },
  ES384: { kty: 'EC', hash: 'sha384', crv: 'P-384' },
  ES512: { kty: 'EC', hash: 'sha512', crv: 'P-521' },
  EdDSA: { kty: 'OKP', hash: null },
}

/** Returns the SHA-256 over the key's members in base64url. RFC 7638. */
export function jwkThumbprint(jwk: Jwk): string {
  const names = membersOf(jwk.kty) ?? []
  const canonical = JSON.stringify(Object.fromEntries(names.map((name) => [name, jwk[name]])))
  return createHash('sha256').update(canonical).digest('base64url')
}

/** Returns the key for node:crypto. @throws AcmeProblem `badPublicKey` */
export function publicKeyOf(jwk: Jwk): KeyObject {
  try {
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
    const bits = key.asymmetricKeyDetails?.modulusLength
    if (bits !== undefined && bits < 2048)
      throw new Error(`an RSA key of ${bits} bits is too short; use 2048 bits or more`)
    return key
  } catch (error) {
    throw new AcmeProblem('badPublicKey', `the account key cannot be used: ${(error as Error).message}`)
  }
}

/** Returns whether the key made a signature. @throws AcmeProblem `badSignatureAlgorithm`, `badPublicKey` */
function verifiesSignature(jwk: Jwk, alg: string, signed: string, signature: Buffer): boolean {
  const algorithm = Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined
  if (!algorithm || algorithm.kty !== jwk.kty || (algorithm.crv !== undefined && algorithm.crv !== jwk.crv)) {
    throw new AcmeProblem('badSignatureAlgorithm', `${alg} does not fit this key or is not supported`, {
      extra: { algorithms: Object.keys(algorithms) },
    })
  }
  // JWS concatenates r and s instead of encoding them in DER. RFC 7518 section 3.4
  const key = { key: publicKeyOf(jwk), ...(algorithm.kty === 'EC' ? { dsaEncoding: 'ieee-p1363' as const } : {}) }
  return verify(algorithm.hash, Buffer.from(signed), key, signature)
}
