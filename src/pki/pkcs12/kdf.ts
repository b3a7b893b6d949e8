import { createHash } from 'node:crypto'

/** What the derived octets are for. RFC 7292 appendix B.3. */
export type DerivedUse = 'key' | 'iv' | 'mac'
const diversifiers: Record<DerivedUse, number> = { key: 1, iv: 2, mac: 3 }

/** Block sizes of the hashes that PKCS#12 uses, in octets. */
const blockOctets: Record<string, number> = { sha1: 64, sha224: 64, sha256: 64, sha384: 128, sha512: 128, md5: 64 }

/** A password as PKCS#12 takes it: UTF-16 with a final NUL. RFC 7292 appendix B.1. */
export const passwordOctets = (password: string): Buffer => Buffer.from(`${password}\0`, 'utf16le').swap16()

function repeated(octets: Buffer, block: number): Buffer {
  const length = Math.ceil(octets.length / block) * block
  return Buffer.alloc(length, octets.length > 0 ? octets : 0)
}

/** `target = target + addend + 1`, as big-endian numbers of the same length. */
function addWithOne(target: Buffer, addend: Buffer): void {
  let carry = 1
  for (let at = target.length - 1; at >= 0; at--) {
    const sum = (target[at] ?? 0) + (addend[at] ?? 0) + carry
    target[at] = sum & 0xff
    carry = sum >> 8
  }
}

/** Derives key, IV or MAC key from a password. RFC 7292 appendix B.2. */
export function deriveOctets(
  use: DerivedUse,
  password: Buffer,
  salt: Buffer,
  iterations: number,
  length: number,
  hash: string,
): Buffer {
  const block = blockOctets[hash] ?? 64
  const diversifier = Buffer.alloc(block, diversifiers[use])
  const input = Buffer.concat([repeated(salt, block), repeated(password, block)])
  const derived: Buffer[] = []
  for (let have = 0; have < length; ) {
    let digest = createHash(hash).update(diversifier).update(input).digest()
    for (let round = 1; round < iterations; round++) digest = createHash(hash).update(digest).digest()
    derived.push(digest)
    have += digest.length
    const addend = Buffer.alloc(block, digest)
    for (let at = 0; at < input.length; at += block) addWithOne(input.subarray(at, at + block), addend)
  }
  return Buffer.concat(derived).subarray(0, length)
}
