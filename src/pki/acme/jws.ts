import { createHmac, timingSafeEqual } from 'node:crypto'
import { isSignedBy, type Jwk } from './jwk.ts'
import { AcmeProblem } from './problem.ts'

/** The protected header of a request. RFC 8555 section 6.2. */
interface JwsHeader {
  readonly alg: string
  readonly nonce?: string
  readonly url?: string
  /** As it stands there: `readJwk` makes a key of it. */
  readonly jwk?: unknown
  readonly kid?: string
}

/** A JWS taken apart, its signature not yet looked at. */
export interface Jws {
  readonly header: JwsHeader
  /** Empty: POST-as-GET. RFC 8555 section 6.3. */
  readonly payload: Buffer
  readonly signed: string
  readonly signature: Buffer
}

const BASE64URL = /^[\w-]*$/

/** Takes a flattened JWS apart. RFC 7515 section 7.2.2. @throws AcmeProblem `malformed` */
export function parseJws(value: unknown): Jws {
  const { protected: head, payload, signature } = (value ?? {}) as Record<string, unknown>
  const parts = [head, payload, signature]
  if (!parts.every((part): part is string => typeof part === 'string' && BASE64URL.test(part))) {
    throw new AcmeProblem('malformed', 'the body is no flattened JWS with protected, payload and signature')
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
    if (value !== undefined && typeof value !== 'string') throw new AcmeProblem('malformed', `${name} is no text`)
  }
  // RFC 7515 section 4.1.11: what is critical and not understood makes a JWS invalid.
  if (crit !== undefined) throw new AcmeProblem('malformed', 'no critical header is understood here')
  return header as unknown as JwsHeader
}

/** A JSON object. @throws AcmeProblem `malformed` */
export function parseJson(octets: Buffer, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(octets.toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below, as for JSON that is no object.
  }
  throw new AcmeProblem('malformed', `${what} is no JSON object`)
}

/** @throws AcmeProblem where the signature is not the key's */
export function checkSignature(jws: Jws, jwk: Jwk): void {
  if (!isSignedBy(jwk, jws.header.alg, jws.signed, jws.signature)) {
    throw new AcmeProblem('malformed', 'the signature is not that of the key')
  }
}

/** The MAC of an external account binding. RFC 8555 section 7.3.4. @throws AcmeProblem */
export function checkMac(jws: Jws, key: Buffer): void {
  const right = createHmac('sha256', key).update(jws.signed).digest()
  const same = right.length === jws.signature.length && timingSafeEqual(right, jws.signature)
  if (jws.header.alg !== 'HS256' || !same) {
    throw new AcmeProblem('unauthorized', 'the external account binding is not signed with the key of its kid (HS256)')
  }
}
