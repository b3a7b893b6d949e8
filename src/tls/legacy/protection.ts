import { createHash, randomFillSync, timingSafeEqual } from 'node:crypto'
import type { CipherStream } from './ciphers.ts'
import { maskIfBelow, maskIfEqual, maskIfZero } from './constant-time.ts'
import type { RecordMac } from './mac.ts'
import type { LegacyVersion } from './suites.ts'

/** Encryption and authentication of records in one direction. */
export interface Protection {
  /** Whether the first octet of application data is sent in a separate record. */
  readonly splitsFirstOctet: boolean
  seal(contentType: number, content: Buffer): Buffer
  /** Returns the content, or undefined when the record is not authentic. */
  open(contentType: number, fragment: Buffer): Buffer | undefined
}

/** The protection before the first ChangeCipherSpec: none. */
export const noProtection: Protection = {
  splitsFirstOctet: false,
  seal: (_contentType, content) => content,
  open: (_contentType, fragment) => fragment,
}

/** Creates the protection by a MAC and then a stream cipher. RFC 2246 section 6.2.3.1. */
export function streamProtection(cipher: CipherStream, mac: RecordMac): Protection {
  return {
    splitsFirstOctet: false,
    seal: (contentType, content) => cipher.update(Buffer.concat([content, mac.next(contentType, content)])),
    open(contentType, fragment) {
      const plain = cipher.update(fragment)
      const contentOctets = plain.length - mac.octets
      if (contentOctets < 0) return undefined
      const content = plain.subarray(0, contentOctets)
      return timingSafeEqual(mac.next(contentType, content), plain.subarray(contentOctets)) ? content : undefined
    },
  }
}

/**
 * Creates the protection by a MAC, padding and then a block cipher in CBC mode. RFC 2246 section 6.2.3.2; RFC 4346 section 6.2.3.2.
 * Before TLS 1.1 the initialization vector is the last block of the previous record, so an attacker knows it. The first
 * octet is therefore sent in a separate record (BEAST, CVE-2011-3389). Since TLS 1.1 each record starts with a random
 * block; the chain continues, so this block has the effect of a new initialization vector.
 * @param paddingVersion the version whose rule padding must follow; another one is a defect
 */
export function blockProtection(
  cipher: CipherStream,
  mac: RecordMac,
  version: LegacyVersion,
  blockOctets: number,
  paddingVersion: LegacyVersion = version,
): Protection {
  const ivOctets = version === 'SSLv3' || version === 'TLSv1' ? 0 : blockOctets
  return {
    splitsFirstOctet: ivOctets === 0,
    seal(contentType, content) {
      const octets = ivOctets + content.length + mac.octets
      const paddingOctets = blockOctets - 1 - (octets % blockOctets)
      const plain = Buffer.allocUnsafe(octets + paddingOctets + 1)
      randomFillSync(plain, 0, ivOctets)
      content.copy(plain, ivOctets)
      mac.next(contentType, content).copy(plain, ivOctets + content.length)
      plain.fill(paddingOctets, octets)
      return cipher.update(plain)
    },
    open(contentType, fragment) {
      if (fragment.length === 0 || fragment.length % blockOctets !== 0) return undefined
      return removePadding(cipher.update(fragment).subarray(ivOctets), contentType, mac, paddingVersion, blockOctets)
    },
  }
}

/** Longest padding in TLS, without its length octet. */
const MAX_PADDING_OCTETS = 255
const HASH_BLOCK_OCTETS = 64

/**
 * Verifies and removes MAC and padding of a decrypted block-cipher record. Neither the result nor the time reveals which
 * of the two was wrong: all of the padding is compared, and every padding length costs the same number of hash blocks
 * (Vaudenay; Lucky Thirteen). SSL 3.0 does not define the content of padding, so POODLE remains possible there.
 * @returns the content, or undefined when the record is not authentic
 */
export function removePadding(
  plain: Buffer,
  contentType: number,
  mac: RecordMac,
  version: LegacyVersion,
  blockOctets: number,
): Buffer | undefined {
  const maxContentOctets = plain.length - mac.octets - 1
  if (maxContentOctets < 0) return undefined
  const claimed = plain[plain.length - 1] as number
  const wrong = version === 'SSLv3' ? maskIfBelow(blockOctets - 1, claimed) : wrongPadding(plain, claimed)
  const good = ~maskIfBelow(maxContentOctets, claimed) & ~wrong
  const paddingOctets = claimed & good
  const contentOctets = maxContentOctets - paddingOctets
  const content = plain.subarray(0, contentOctets)
  const expected = mac.next(contentType, content)
  equalizeHashing(plain, mac, maxContentOctets, contentOctets)
  const isAuthentic = timingSafeEqual(expected, macAt(plain, mac.octets, maxContentOctets, paddingOctets))
  return isAuthentic && good !== 0 ? content : undefined
}

/** Returns all ones if an octet of the padding differs from the padding's length. RFC 2246 section 6.2.3.2. */
function wrongPadding(plain: Buffer, claimed: number): number {
  const last = plain.length - 1
  const most = Math.min(MAX_PADDING_OCTETS, last)
  let difference = 0
  for (let i = 1; i <= most; i++) difference |= ~maskIfBelow(claimed, i) & ((plain[last - i] as number) ^ claimed)
  return ~maskIfZero(difference)
}

/** Returns the MAC octets after the content, without using an index that depends on the padding's length. */
function macAt(plain: Buffer, octets: number, maxContentOctets: number, paddingOctets: number): Buffer {
  const out = Buffer.alloc(octets)
  const most = Math.min(MAX_PADDING_OCTETS, maxContentOctets)
  for (let padding = 0; padding <= most; padding++) {
    const mask = maskIfEqual(padding, paddingOctets)
    for (let i = 0; i < octets; i++)
      out[i] = (out[i] as number) | (mask & (plain[maxContentOctets - padding + i] as number))
  }
  return out
}

/** Hashes as many further blocks as a record without padding would have needed. */
function equalizeHashing(plain: Buffer, mac: RecordMac, maxContentOctets: number, contentOctets: number): void {
  const missing = hashBlocks(mac.prefixOctets + maxContentOctets) - hashBlocks(mac.prefixOctets + contentOctets)
  createHash(mac.hash)
    .update(plain.subarray(0, missing * HASH_BLOCK_OCTETS))
    .digest()
}

/** Returns the number of hash blocks for `octets` octets; the hash's own end mark and length add nine octets. */
function hashBlocks(octets: number): number {
  return Math.ceil((octets + 9) / HASH_BLOCK_OCTETS)
}
