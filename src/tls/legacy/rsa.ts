import { constants, createHash, type KeyObject, privateDecrypt, privateEncrypt, randomBytes } from 'node:crypto'
import { equal, isZero, select } from './constant-time.ts'
import type { Randoms } from './key-schedule.ts'
import { handshakeMessage, handshakeTypes } from './messages.ts'
import { vector } from './octets.ts'

const PRE_MASTER_OCTETS = 48

/**
 * The premaster secret of a ClientKeyExchange; where it is not well formed, or bears another version than the client
 * offered, a random one, so that the handshake fails at Finished and nobody learns what was wrong (Bleichenbacher;
 * Klima, Pokorný, Rosa). RFC 5246 section 7.4.7.1 for the method. The padding is taken off here, since Node.js refuses
 * to do it on some versions and answers with a secret of its own making on others.
 * @param offeredVersion `client_version` of the ClientHello
 */
export function decryptPreMaster(key: KeyObject, encrypted: Buffer, offeredVersion: number): Buffer {
  const preMaster = randomBytes(PRE_MASTER_OCTETS)
  const block = decryptRaw(key, encrypted)
  if (!block) return preMaster
  const start = block.length - PRE_MASTER_OCTETS
  const good =
    paddingIsGood(block, start) &
    equal(block[start] as number, offeredVersion >> 8) &
    equal(block[start + 1] as number, offeredVersion & 0xff)
  for (let i = 0; i < PRE_MASTER_OCTETS; i++) {
    preMaster[i] = select(good, block[start + i] as number, preMaster[i] as number)
  }
  return preMaster
}

/** Undefined where length or value cannot be of this key, which is no secret: anybody sees it. */
function decryptRaw(key: KeyObject, encrypted: Buffer): Buffer | undefined {
  try {
    const block = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, encrypted)
    return block.length < PRE_MASTER_OCTETS + 11 ? undefined : block
  } catch {
    return undefined
  }
}

/** 00 02, octets that are not zero, 00 in front of the secret: all ones as a mask. RFC 8017 section 7.2.2. */
function paddingIsGood(block: Buffer, start: number): number {
  let good = isZero(block[0] as number) & equal(block[1] as number, 2) & isZero(block[start - 1] as number)
  for (let i = 2; i < start - 1; i++) good &= ~isZero(block[i] as number)
  return good
}

/**
 * A temporary RSA key signed with the certificate's key: MD5 and SHA-1 of the random values and the key, without
 * DigestInfo. RFC 2246 section 7.4.3.
 */
export function serverKeyExchange(key: KeyObject, temporary: KeyObject, randoms: Randoms): Buffer {
  const jwk = temporary.export({ format: 'jwk' })
  const params = Buffer.concat([jwk.n, jwk.e].map((value) => vector(2, Buffer.from(value as string, 'base64url'))))
  const signed = Buffer.concat([randoms.client, randoms.server, params])
  const digests = Buffer.concat(['md5', 'sha1'].map((hash) => createHash(hash).update(signed).digest()))
  const signature = privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digests)
  return handshakeMessage(handshakeTypes.serverKeyExchange, Buffer.concat([params, vector(2, signature)]))
}
