import { constants, type KeyObject, privateDecrypt, randomBytes } from 'node:crypto'
import { LegacyTlsError } from './alerts.ts'
import { maskIfEqual, maskIfZero, selectByMask } from './constant-time.ts'

const PRE_MASTER_OCTETS = 48

/**
 * Decrypts the premaster secret of a ClientKeyExchange. Returns a random one if it is malformed or its version is not the
 * one that the client offered: the handshake then fails at Finished and does not reveal what was wrong
 * (Bleichenbacher; Klima, Pokorný, Rosa). RFC 5246 section 7.4.7.1 describes the method. The padding is removed here,
 * because some Node.js versions refuse to do it, and others replace a malformed secret by a random one.
 * @param offeredVersion `client_version` of the ClientHello
 */
export function decryptPreMaster(key: KeyObject, encrypted: Buffer, offeredVersion: number): Buffer {
  const preMaster = randomBytes(PRE_MASTER_OCTETS)
  const block = decryptRaw(key, encrypted)
  if (!block) return preMaster
  const start = block.length - PRE_MASTER_OCTETS
  const good =
    paddingIsGood(block, start) &
    maskIfEqual(block[start] as number, offeredVersion >> 8) &
    maskIfEqual(block[start + 1] as number, offeredVersion & 0xff)
  for (let i = 0; i < PRE_MASTER_OCTETS; i++) {
    preMaster[i] = selectByMask(good, block[start + i] as number, preMaster[i] as number)
  }
  return preMaster
}

/** Fewest octets of padding. RFC 8017 section 7.2.1. */
const MIN_PADDING_OCTETS = 8

/**
 * Checks the padding of a ClientKeyExchange as servers with Bleichenbacher's flaw do: aloud, and with the secret's length
 * unchecked. Only a defect calls it.
 * @throws LegacyTlsError if the padding is wrong
 */
export function expectGoodPadding(key: KeyObject, encrypted: Buffer): void {
  const block = decryptRaw(key, encrypted)
  const isGood = block && block[0] === 0 && block[1] === 2 && block.indexOf(0, 2) >= 2 + MIN_PADDING_OCTETS
  if (isGood) return
  throw new LegacyTlsError('decrypt_error', 'the RSA padding of the premaster secret is wrong')
}

/** Decrypts without removing padding. Returns undefined if length or value do not fit the key, which is public knowledge. */
function decryptRaw(key: KeyObject, encrypted: Buffer): Buffer | undefined {
  try {
    const block = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, encrypted)
    return block.length < PRE_MASTER_OCTETS + 11 ? undefined : block
  } catch {
    return undefined
  }
}

/** Returns all ones if the secret is preceded by 00 02, octets other than zero, and 00. RFC 8017 section 7.2.2. */
function paddingIsGood(block: Buffer, start: number): number {
  let good =
    maskIfZero(block[0] as number) & maskIfEqual(block[1] as number, 2) & maskIfZero(block[start - 1] as number)
  for (let i = 2; i < start - 1; i++) good &= ~maskIfZero(block[i] as number)
  return good
}
