import { createCipheriv, createHmac, randomBytes } from 'node:crypto'
import { pHash } from './prf.ts'

/** Content type of alerts, and the level of fatal ones. RFC 8446 section 6. */
const ALERT = 21
const FATAL = 2
const APPLICATION_DATA = 23
const TAG_OCTETS = 16
/** TLS 1.2 on the wire, which is also the version in records of TLS 1.3. */
const VERSION = 0x0303

type AeadCipher = 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'

/** The suites of TLS 1.3 by name. RFC 8446 appendix B.4. */
const tls13Suites: Readonly<Record<string, { hash: string; cipher: AeadCipher; keyOctets: number }>> = {
  TLS_AES_128_GCM_SHA256: { hash: 'sha256', cipher: 'aes-128-gcm', keyOctets: 16 },
  TLS_AES_256_GCM_SHA384: { hash: 'sha384', cipher: 'aes-256-gcm', keyOctets: 32 },
  TLS_CHACHA20_POLY1305_SHA256: { hash: 'sha256', cipher: 'chacha20-poly1305', keyOctets: 32 },
}

/** A fatal alert to protect. */
interface AlertRecord {
  /** IANA name of the suite. */
  readonly suite: string
  /** RFC 8446 section 6. */
  readonly description: number
  /** Number of records sent before under the same keys. */
  readonly sequence: number
}

/** Returns a fatal alert as a record of TLS 1.3; undefined for an unknown suite. @param secret server_application_traffic_secret_0 */
export function tls13Alert({ suite, description, sequence }: AlertRecord, secret: Buffer): Buffer | undefined {
  const known = tls13Suites[suite]
  if (known === undefined) return undefined
  const { hash, cipher, keyOctets } = known
  const key = expandLabel(hash, secret, 'key', keyOctets)
  const nonce = nonceOf(expandLabel(hash, secret, 'iv', 12), sequence)
  // TLSInnerPlaintext ends with the content type. RFC 8446 section 5.2
  const content = Buffer.from([FATAL, description, ALERT])
  const header = recordHeader(APPLICATION_DATA, content.length + TAG_OCTETS)
  return Buffer.concat([header, seal(cipher, key, nonce, header, content)])
}

/** HKDF-Expand-Label with an empty context, for at most one block. RFC 8446 section 7.1. */
function expandLabel(hash: string, secret: Buffer, label: string, octets: number): Buffer {
  const full = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([octets >> 8, octets & 0xff, full.length]), full, Buffer.from([0, 1])])
  return createHmac(hash, secret).update(info).digest().subarray(0, octets)
}

/** The secrets of a TLS 1.2 handshake. */
interface Tls12Secrets {
  readonly master: Buffer
  readonly clientRandom: Buffer
  readonly serverRandom: Buffer
  /** RFC 7366. */
  readonly encryptThenMac: boolean
}

const chacha = /_WITH_CHACHA20_POLY1305_SHA256$/
const gcm = /_WITH_AES_(128|256)_GCM_(SHA256|SHA384)$/
const cbc = /_WITH_AES_(128|256)_CBC_(SHA|SHA256|SHA384)$/

/** Returns a fatal alert as a record of TLS 1.2; undefined for a suite that is neither ChaCha20 nor AES with GCM or CBC. */
export function tls12Alert(alert: AlertRecord, secrets: Tls12Secrets): Buffer | undefined {
  const { suite } = alert
  if (chacha.test(suite)) return chachaAlert(alert, secrets)
  const withGcm = gcm.exec(suite)
  if (withGcm) return gcmAlert(alert, secrets, Number(withGcm[1]) / 8)
  const withCbc = cbc.exec(suite)
  if (withCbc) return cbcAlert(alert, secrets, Number(withCbc[1]) / 8, String(withCbc[2]))
  return undefined
}

/** RFC 7905 section 2. */
function chachaAlert({ suite, description, sequence }: AlertRecord, secrets: Tls12Secrets): Buffer {
  const { key, iv } = serverKeys(suite, secrets, { mac: 0, key: 32, iv: 12 })
  const content = Buffer.from([FATAL, description])
  const aad = additionalData(sequence, content.length)
  const sealed = seal('chacha20-poly1305', key, nonceOf(iv, sequence), aad, content)
  return Buffer.concat([recordHeader(ALERT, sealed.length), sealed])
}

/** RFC 5288 section 3. */
function gcmAlert({ suite, description, sequence }: AlertRecord, secrets: Tls12Secrets, keyOctets: number): Buffer {
  const { key, iv } = serverKeys(suite, secrets, { mac: 0, key: keyOctets, iv: 4 })
  const content = Buffer.from([FATAL, description])
  const explicit = sequenceOctets(sequence)
  const cipher = keyOctets === 16 ? 'aes-128-gcm' : 'aes-256-gcm'
  const sealed = seal(cipher, key, Buffer.concat([iv, explicit]), additionalData(sequence, content.length), content)
  return Buffer.concat([recordHeader(ALERT, explicit.length + sealed.length), explicit, sealed])
}

const macs: Readonly<Record<string, { hash: string; octets: number }>> = {
  SHA: { hash: 'sha1', octets: 20 },
  SHA256: { hash: 'sha256', octets: 32 },
  SHA384: { hash: 'sha384', octets: 48 },
}
const BLOCK_OCTETS = 16

/** RFC 5246 section 6.2.3.2, RFC 7366 section 3. */
function cbcAlert(
  { suite, description, sequence }: AlertRecord,
  secrets: Tls12Secrets,
  keyOctets: number,
  macName: string,
): Buffer {
  const { hash, octets } = macs[macName] as { hash: string; octets: number }
  const keys = serverKeys(suite, secrets, { mac: octets, key: keyOctets, iv: 0 })
  const mac = (data: Buffer): Buffer =>
    createHmac(hash, keys.mac).update(additionalData(sequence, data.length)).update(data).digest()
  const content = Buffer.from([FATAL, description])
  const plain = secrets.encryptThenMac ? content : Buffer.concat([content, mac(content)])
  const padding = BLOCK_OCTETS - 1 - (plain.length % BLOCK_OCTETS)
  const iv = randomBytes(BLOCK_OCTETS)
  const cipher = createCipheriv(keyOctets === 16 ? 'aes-128-cbc' : 'aes-256-cbc', keys.key, iv).setAutoPadding(false)
  const encrypted = Buffer.concat([
    iv,
    cipher.update(plain),
    cipher.update(Buffer.alloc(padding + 1, padding)),
    cipher.final(),
  ])
  const fragment = secrets.encryptThenMac ? Buffer.concat([encrypted, mac(encrypted)]) : encrypted
  return Buffer.concat([recordHeader(ALERT, fragment.length), fragment])
}

/** Returns the keys with which the server writes. RFC 5246 section 6.3. */
function serverKeys(
  suite: string,
  { master, clientRandom, serverRandom }: Tls12Secrets,
  sizes: { readonly mac: number; readonly key: number; readonly iv: number },
): { mac: Buffer; key: Buffer; iv: Buffer } {
  const hash = suite.endsWith('_SHA384') ? 'sha384' : 'sha256'
  const seed = Buffer.concat([Buffer.from('key expansion'), serverRandom, clientRandom])
  const block = pHash(hash, master, seed, 2 * (sizes.mac + sizes.key + sizes.iv))
  // The client’s comes first in each pair.
  const keyAt = 2 * sizes.mac + sizes.key
  const ivAt = 2 * (sizes.mac + sizes.key) + sizes.iv
  return {
    mac: block.subarray(sizes.mac, 2 * sizes.mac),
    key: block.subarray(keyAt, keyAt + sizes.key),
    iv: block.subarray(ivAt, ivAt + sizes.iv),
  }
}

function recordHeader(contentType: number, octets: number): Buffer {
  const header = Buffer.from([contentType, 0, 0, 0, 0])
  header.writeUInt16BE(VERSION, 1)
  header.writeUInt16BE(octets, 3)
  return header
}

/** Returns what authenticates an alert beside its content: its number and its header. RFC 5246 section 6.2.3.3. */
const additionalData = (sequence: number, octets: number): Buffer =>
  Buffer.concat([sequenceOctets(sequence), recordHeader(ALERT, octets)])

function sequenceOctets(sequence: number): Buffer {
  const octets = Buffer.alloc(8)
  octets.writeUInt32BE(sequence, 4)
  return octets
}

/** Returns the nonce of a record: the initial vector XOR the number of the record. RFC 8446 section 5.3. */
function nonceOf(iv: Buffer, sequence: number): Buffer {
  const nonce = Buffer.from(iv)
  nonce.writeUInt32BE((nonce.readUInt32BE(nonce.length - 4) ^ sequence) >>> 0, nonce.length - 4)
  return nonce
}

function seal(cipher: AeadCipher, key: Buffer, nonce: Buffer, aad: Buffer, content: Buffer): Buffer {
  // The types of Node.js know the options of each cipher apart.
  const sealing = createCipheriv(cipher as 'aes-128-gcm', key, nonce, { authTagLength: TAG_OCTETS })
  sealing.setAAD(aad, { plaintextLength: content.length })
  return Buffer.concat([sealing.update(content), sealing.final(), sealing.getAuthTag()])
}
