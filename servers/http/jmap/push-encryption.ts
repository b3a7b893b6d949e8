import { createCipheriv, createECDH, ECDH, hkdfSync, randomBytes } from 'node:crypto'
import { isMapping } from '../../../src/core/values/mapping.ts'

/** The keys of a receiver, in base64url. RFC 8620 section 7.2, RFC 8291 section 2. */
export interface PushKeys {
  readonly p256dh: string
  readonly auth: string
}

const CURVE = 'prime256v1'
const AUTH_OCTETS = 16
const KEY_OCTETS = 65
/** A push message is one record. RFC 8291 section 4. */
const RECORD_OCTETS = 4096
const LAST_RECORD = Buffer.from([2])

const octetsOf = (text: unknown): Buffer =>
  typeof text === 'string' && /^[\w-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64url') : Buffer.alloc(0)

/** Returns whether a value holds a point of P-256 and a secret for authentication. RFC 8291 sections 3.1 and 3.2. */
export function arePushKeys(value: unknown): value is PushKeys {
  const { p256dh, auth, ...others } = isMapping(value) ? value : {}
  const key = octetsOf(p256dh)
  if (Object.keys(others).length > 0 || key.length !== KEY_OCTETS || octetsOf(auth).length !== AUTH_OCTETS) return false
  try {
    ECDH.convertKey(key, CURVE)
    return true
  } catch {
    return false
  }
}

const derived = (key: Buffer, salt: Buffer, info: string | Buffer, octets: number): Buffer =>
  Buffer.from(hkdfSync('sha256', key, salt, info, octets))

/** Encrypts a push message in the coding `aes128gcm`. RFC 8291 section 3.4, RFC 8188 section 2. */
export function encryptedFor({ p256dh, auth }: PushKeys, text: string): Buffer {
  const receiver = octetsOf(p256dh)
  const own = createECDH(CURVE)
  const sender = own.generateKeys()
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), receiver, sender])
  const key = derived(own.computeSecret(receiver), octetsOf(auth), info, 32)
  const salt = randomBytes(16)
  const contentKey = derived(key, salt, 'Content-Encoding: aes128gcm\0', 16)
  const cipher = createCipheriv('aes-128-gcm', contentKey, derived(key, salt, 'Content-Encoding: nonce\0', 12))
  const record = Buffer.concat([cipher.update(text), cipher.update(LAST_RECORD), cipher.final(), cipher.getAuthTag()])
  const sizes = Buffer.alloc(5)
  sizes.writeUInt32BE(Math.max(RECORD_OCTETS, record.length))
  sizes.writeUInt8(KEY_OCTETS, 4)
  return Buffer.concat([salt, sizes, sender, record])
}
