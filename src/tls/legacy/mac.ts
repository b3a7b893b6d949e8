import { createHash, createHmac } from 'node:crypto'
import { type LegacyVersion, legacyVersions, type MacName } from './suites.ts'

/** The two pads of SSL 3.0's MAC: 48 octets for MD5, 40 for SHA-1. RFC 6101 section 5.2.3.1. */
export const ssl3Pads: Readonly<Record<MacName, { readonly inner: Buffer; readonly outer: Buffer }>> = {
  md5: { inner: Buffer.alloc(48, 0x36), outer: Buffer.alloc(48, 0x5c) },
  sha1: { inner: Buffer.alloc(40, 0x36), outer: Buffer.alloc(40, 0x5c) },
}

/** Length of each MAC. */
export const macOctets: Record<MacName, number> = { md5: 16, sha1: 20 }

/** Computes the MACs of one direction; counts the sequence number. */
export interface RecordMac {
  readonly hash: MacName
  readonly octets: number
  /** Octets that the inner hash covers before the content. */
  readonly prefixOctets: number
  /** Returns the MAC of the next record and increments the sequence number. */
  next(contentType: number, content: Buffer): Buffer
}

/** Creates the MAC of one direction. @param secret the MAC write secret of the direction */
export function recordMac(version: LegacyVersion, hash: MacName, secret: Buffer): RecordMac {
  const ssl3 = version === 'SSLv3'
  // The MAC of SSL 3.0 does not cover the version. RFC 6101 section 5.2.3.1; RFC 2246 section 6.2.3.1.
  const header = Buffer.alloc(ssl3 ? 11 : 13)
  const padOctets = ssl3 ? secret.length + ssl3Pads[hash].inner.length : 64
  let sequence = 0
  if (!ssl3) header.writeUInt16BE(legacyVersions[version], 9)
  const compute = ssl3 ? ssl3Mac : hmac
  return {
    hash,
    octets: macOctets[hash],
    prefixOctets: padOctets + header.length,
    next(contentType, content) {
      header.writeUInt32BE(Math.floor(sequence / 0x1_0000_0000), 0)
      header.writeUInt32BE(sequence >>> 0, 4)
      sequence++
      header[8] = contentType
      header.writeUInt16BE(content.length, header.length - 2)
      return compute(hash, secret, header, content)
    },
  }
}

function hmac(hash: MacName, secret: Buffer, header: Buffer, content: Buffer): Buffer {
  return createHmac(hash, secret).update(header).update(content).digest()
}

function ssl3Mac(hash: MacName, secret: Buffer, header: Buffer, content: Buffer): Buffer {
  const { inner, outer } = ssl3Pads[hash]
  const digest = createHash(hash).update(secret).update(inner).update(header).update(content).digest()
  return createHash(hash).update(secret).update(outer).update(digest).digest()
}
