import {
  constants,
  createCipheriv,
  createDiffieHellman,
  createECDH,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes,
  X509Certificate,
} from 'node:crypto'
import { keySchedules } from '../../../tls/legacy/index.ts'
import { OctetReader, uint16, vector } from '../../../tls/negotiation/octets.ts'
import { suiteName } from '../../../tls/negotiation/suites.ts'
import { NotTested } from '../types.ts'
import { type Accepted, contentTypes, record } from './hello.ts'

/** A suite with CBC, as far as the checks of the record layer need to know it. */
interface CbcSuite {
  readonly exchange: 'rsa' | 'dhe' | 'ecdhe'
  readonly cipher: keyof typeof keyOctets
  readonly mac: keyof typeof macOctets
}

const keyOctets = { 'aes-128-cbc': 16, 'aes-256-cbc': 32, 'des-ede3-cbc': 24 } as const
const macOctets = { sha1: 20, sha256: 32 } as const

/** The suites with CBC whose PRF is the version's own. RFC 5246 appendix A.5; RFC 8422 section 6; RFC 5289 section 3.1 */
export const cbcSuiteIds: readonly number[] = [
  0x002f, 0x0035, 0x003c, 0x003d, 0xc013, 0xc014, 0xc027, 0xc009, 0xc00a, 0xc023, 0x0033, 0x0039, 0x0067, 0x006b,
  0x000a, 0xc012,
]

/** Returns one of these suites by its name, such as `TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256`. */
function cbcSuite(id: number): CbcSuite | undefined {
  if (!cbcSuiteIds.includes(id)) return undefined
  const name = suiteName(id)
  return {
    exchange: name.includes('_ECDHE_') ? 'ecdhe' : name.includes('_DHE_') ? 'dhe' : 'rsa',
    cipher: name.includes('AES_128') ? 'aes-128-cbc' : name.includes('AES_256') ? 'aes-256-cbc' : 'des-ede3-cbc',
    mac: name.endsWith('SHA256') ? 'sha256' : 'sha1',
  }
}

/** Which part of the client's Finished record is wrong. */
export interface Spoiled {
  readonly padding?: boolean
  readonly mac?: boolean
}

const [CLIENT_KEY_EXCHANGE, FINISHED] = [16, 20]
const versionNames = { 0x0301: 'TLSv1', 0x0302: 'TLSv1.1', 0x0303: 'TLSv1.2' } as const

/**
 * Returns the client's second flight, whose Finished message is encrypted, with wrong padding or a wrong MAC if asked for.
 * RFC 5246 sections 6.2.3.2 and 7.4.9.
 * @throws NotTested for a key exchange that this module does not support; RangeError for malformed parameters
 */
export function finishedFlight(answer: Accepted, version: number, spoiled: Spoiled): Buffer {
  const chosen = cbcSuite(answer.suite)
  const name = versionNames[version as keyof typeof versionNames]
  if (!chosen || !name) throw new NotTested('the server chooses a suite that was not offered')
  const { preMaster, body } = agree(answer, chosen, version)
  const message = handshake(CLIENT_KEY_EXCHANGE, body)
  const randoms = { client: answer.clientHello.subarray(6, 38), server: answer.random }
  const schedule = keySchedules[name]
  const master = schedule.masterSecret(preMaster, randoms)
  const transcript = [answer.clientHello, answer.flight, message]
  const finished = handshake(FINISHED, schedule.finished('client', master, transcript))
  const sizes = { mac: macOctets[chosen.mac], key: keyOctets[chosen.cipher], block: blockOctets(chosen) }
  const block = schedule.keyBlock(master, randoms, 2 * (sizes.mac + sizes.key + sizes.block))
  const keys = {
    mac: block.subarray(0, sizes.mac),
    key: block.subarray(2 * sizes.mac, 2 * sizes.mac + sizes.key),
    iv: block.subarray(2 * (sizes.mac + sizes.key)).subarray(0, sizes.block),
  }
  return Buffer.concat([
    record(contentTypes.handshake, version, message),
    record(contentTypes.changeCipherSpec, version, Buffer.from([1])),
    record(contentTypes.handshake, version, sealFinished(finished, chosen, keys, version, spoiled)),
  ])
}

const blockOctets = ({ cipher }: CbcSuite): number => (cipher === 'des-ede3-cbc' ? 8 : 16)
const handshake = (type: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([type]), vector(3, body)])

/** The client's keys. */
interface WriteKeys {
  readonly mac: Buffer
  readonly key: Buffer
  readonly iv: Buffer
}

/** Seals the first encrypted record of the client. */
function sealFinished(content: Buffer, chosen: CbcSuite, keys: WriteKeys, version: number, spoiled: Spoiled): Buffer {
  const blockSize = blockOctets(chosen)
  const header = Buffer.concat([Buffer.alloc(8), Buffer.from([contentTypes.handshake]), uint16(version)])
  const mac = createHmac(chosen.mac, keys.mac).update(header).update(uint16(content.length)).update(content).digest()
  if (spoiled.mac) mac[0] = (mac[0] as number) ^ 0xff
  const octets = content.length + mac.length
  // The last octet is the length of the padding before it, and each octet of the padding repeats it.
  const length = blockSize - 1 - (octets % blockSize)
  const padding = Buffer.alloc(length + 1, length)
  if (spoiled.padding) padding[0] = length ^ 0xff
  const hasOwnIv = version > 0x0301
  const iv = hasOwnIv ? randomBytes(blockSize) : keys.iv
  const cipher = createCipheriv(chosen.cipher, keys.key, iv).setAutoPadding(false)
  const sealed = Buffer.concat([cipher.update(Buffer.concat([content, mac, padding])), cipher.final()])
  return hasOwnIv ? Buffer.concat([iv, sealed]) : sealed
}

interface Agreement {
  readonly preMaster: Buffer
  /** The body of ClientKeyExchange. */
  readonly body: Buffer
}

function agree(answer: Accepted, { exchange }: CbcSuite, version: number): Agreement {
  if (exchange === 'rsa') return encryptSecret(answer, version)
  if (!answer.keyExchange) throw new NotTested('the server sends no parameters for the key exchange')
  const reader = new OctetReader(answer.keyExchange)
  return exchange === 'dhe' ? agreeInField(reader) : agreeOnCurve(reader)
}

/** RFC 5246 section 7.4.7.1 */
function encryptSecret({ certificates: [der] }: Accepted, version: number): Agreement {
  if (!der) throw new NotTested('the server sends no certificate')
  const preMaster = Buffer.concat([uint16(version), randomBytes(46)])
  const key = new X509Certificate(der).publicKey
  return { preMaster, body: vector(2, publicEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, preMaster)) }
}

/** RFC 5246 section 8.1.2: without the leading zeros. */
function agreeInField(reader: OctetReader): Agreement {
  const own = createDiffieHellman(reader.vector16(), reader.vector16())
  const share = own.generateKeys()
  const secret = own.computeSecret(reader.vector16())
  return { preMaster: secret.subarray(secret.findIndex((octet) => octet !== 0)), body: vector(2, share) }
}

const X25519 = 0x001d
const curves: Readonly<Record<number, string>> = { 0x0017: 'prime256v1', 0x0018: 'secp384r1', 0x0019: 'secp521r1' }

/** RFC 8422 section 5.4 */
function agreeOnCurve(reader: OctetReader): Agreement {
  reader.octets(1)
  const group = reader.uint16()
  const value = reader.vector8()
  if (group === X25519) return agreeOnX25519(value)
  const curve = curves[group]
  if (curve === undefined) throw new NotTested('the server chooses a curve that was not offered')
  const own = createECDH(curve)
  const share = own.generateKeys()
  return { preMaster: own.computeSecret(value), body: vector(1, share) }
}

function agreeOnX25519(value: Buffer): Agreement {
  const own = generateKeyPairSync('x25519')
  const prefix = own.publicKey.export({ type: 'spki', format: 'der' }).subarray(0, -32)
  const publicKey = createPublicKey({ key: Buffer.concat([prefix, value]), type: 'spki', format: 'der' })
  const share = own.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32)
  return { preMaster: diffieHellman({ privateKey: own.privateKey, publicKey }), body: vector(1, share) }
}
