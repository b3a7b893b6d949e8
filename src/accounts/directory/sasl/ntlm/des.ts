import { createCipheriv } from 'node:crypto'

/**
 * Encrypts a block of 8 octets with DES (FIPS 46-3). Current versions of OpenSSL lack single DES, which equals 3DES with the
 * same key three times.
 * @param key 56 bits in 7 octets, without the parity bits
 */
export function desEncrypt(key: Uint8Array, block: Uint8Array): Buffer {
  const spread = withParity(key)
  const cipher = createCipheriv('des-ede3', Buffer.concat([spread, spread, spread]), null).setAutoPadding(false)
  return Buffer.concat([cipher.update(block), cipher.final()])
}

/** Spreads 56 bits over the upper 7 bits of 8 octets. DES ignores the lowest bits, which hold the parity. */
function withParity(key: Uint8Array): Buffer {
  const all = BigInt(`0x${Buffer.from(key).toString('hex')}`)
  return Buffer.from(Array.from({ length: 8 }, (_, i) => Number((all >> BigInt(49 - 7 * i)) & 0x7fn) << 1))
}

/**
 * Encrypts a block of 8 octets with DES under each third of a 16-octet key, which is extended by zeros to 21 octets. This is
 * DESL. MS-NLMP section 6.
 */
export function desLong(key: Uint8Array, block: Uint8Array): Buffer {
  const whole = Buffer.alloc(21)
  whole.set(key)
  return Buffer.concat([0, 7, 14].map((at) => desEncrypt(whole.subarray(at, at + 7), block)))
}
