import { createHash, timingSafeEqual } from 'node:crypto'
import { below, equal, isZero } from './constant-time.ts'
import type { RecordMac } from './mac.ts'
import type { LegacyVersion } from './versions.ts'

/** Longest padding that TLS 1.0 knows, without its length octet. */
const MAX_PADDING_OCTETS = 255
const HASH_BLOCK_OCTETS = 64

/**
 * Takes MAC and padding off the decrypted octets of a block-cipher record. Which of the two was wrong is told neither by
 * the result nor by the time: the padding is looked at whole, and the same number of hash blocks is done for every
 * length of it (Vaudenay; Lucky Thirteen). SSL 3.0 does not say what padding holds, so there POODLE remains.
 * @returns the content, or undefined where the record is not genuine
 */
export function takeOffPadding(
  plain: Buffer,
  contentType: number,
  mac: RecordMac,
  version: LegacyVersion,
  blockOctets: number,
): Buffer | undefined {
  const room = plain.length - mac.octets - 1
  if (room < 0) return undefined
  const claimed = plain[plain.length - 1] as number
  const wrong = version === 'SSLv3' ? below(blockOctets - 1, claimed) : wrongPadding(plain, claimed)
  const good = ~below(room, claimed) & ~wrong
  const paddingOctets = claimed & good
  const contentOctets = room - paddingOctets
  const content = plain.subarray(0, contentOctets)
  const expected = mac.next(contentType, content)
  equalizeHashing(plain, mac, room, contentOctets)
  const genuine = timingSafeEqual(expected, macAt(plain, mac.octets, room, paddingOctets))
  return genuine && good !== 0 ? content : undefined
}

/** All ones where an octet of the padding does not hold the padding's length. RFC 2246 section 6.2.3.2. */
function wrongPadding(plain: Buffer, claimed: number): number {
  const last = plain.length - 1
  const most = Math.min(MAX_PADDING_OCTETS, last)
  let difference = 0
  for (let i = 1; i <= most; i++) difference |= ~below(claimed, i) & ((plain[last - i] as number) ^ claimed)
  return ~isZero(difference)
}

/** The MAC octets behind the content, read without an index that depends on the padding's length. */
function macAt(plain: Buffer, octets: number, room: number, paddingOctets: number): Buffer {
  const out = Buffer.alloc(octets)
  const most = Math.min(MAX_PADDING_OCTETS, room)
  for (let padding = 0; padding <= most; padding++) {
    const mask = equal(padding, paddingOctets)
    for (let i = 0; i < octets; i++) out[i] = (out[i] as number) | (mask & (plain[room - padding + i] as number))
  }
  return out
}

/** Hashes as many blocks more as a record without padding would have taken. */
function equalizeHashing(plain: Buffer, mac: RecordMac, room: number, contentOctets: number): void {
  const missing = hashBlocks(mac.prefixOctets + room) - hashBlocks(mac.prefixOctets + contentOctets)
  createHash(mac.hash)
    .update(plain.subarray(0, missing * HASH_BLOCK_OCTETS))
    .digest()
}

/** Blocks that the compression function does for so many octets: the end mark and the length take nine more. */
function hashBlocks(octets: number): number {
  return Math.ceil((octets + 9) / HASH_BLOCK_OCTETS)
}
