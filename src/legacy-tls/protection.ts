import { timingSafeEqual } from 'node:crypto'
import { removePadding } from './cbc-padding.ts'
import type { CipherStream } from './ciphers.ts'
import type { RecordMac } from './mac.ts'
import type { LegacyVersion } from './suites.ts'

/** Encryption and authentication of records in one direction. */
export interface Protection {
  /** Whether the first octet of application data is sent in a record of its own. */
  readonly splitsFirstOctet: boolean
  seal(contentType: number, content: Buffer): Buffer
  /** Returns the content, or undefined when the record is not authentic. */
  open(contentType: number, fragment: Buffer): Buffer | undefined
}

/** In force before the first ChangeCipherSpec. */
export const noProtection: Protection = {
  splitsFirstOctet: false,
  seal: (_contentType, content) => content,
  open: (_contentType, fragment) => fragment,
}

/** MAC, then a stream cipher. RFC 2246 section 6.2.3.1. */
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
 * MAC, padding, then a block cipher in CBC mode. RFC 2246 section 6.2.3.2.
 * The initialization vector is the last block of the previous record, so an attacker knows it: the first octet is
 * therefore sent in a record of its own (BEAST, CVE-2011-3389).
 */
export function blockProtection(
  cipher: CipherStream,
  mac: RecordMac,
  version: LegacyVersion,
  blockOctets: number,
): Protection {
  return {
    splitsFirstOctet: true,
    seal(contentType, content) {
      const octets = content.length + mac.octets
      const paddingOctets = blockOctets - 1 - (octets % blockOctets)
      const plain = Buffer.allocUnsafe(octets + paddingOctets + 1)
      content.copy(plain)
      mac.next(contentType, content).copy(plain, content.length)
      plain.fill(paddingOctets, octets)
      return cipher.update(plain)
    },
    open(contentType, fragment) {
      if (fragment.length === 0 || fragment.length % blockOctets !== 0) return undefined
      return removePadding(cipher.update(fragment), contentType, mac, version, blockOctets)
    },
  }
}
