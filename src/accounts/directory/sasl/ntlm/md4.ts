const BLOCK_OCTETS = 64

/** The three rounds: function, constant, order of the words, rotations. RFC 1320 section 3.4. */
const rounds = [
  {
    mix: (x: number, y: number, z: number): number => (x & y) | (~x & z),
    constant: 0,
    order: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    rotations: [3, 7, 11, 19],
  },
  {
    mix: (x: number, y: number, z: number): number => (x & y) | (x & z) | (y & z),
    constant: 0x5a827999,
    order: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    rotations: [3, 5, 9, 13],
  },
  {
    mix: (x: number, y: number, z: number): number => x ^ y ^ z,
    constant: 0x6ed9eba1,
    order: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    rotations: [3, 9, 11, 15],
  },
] as const

/** Returns the MD4 digest of a message. Current versions of OpenSSL lack MD4. RFC 1320. */
export function md4(message: Uint8Array): Buffer {
  const padded = pad(message)
  let state: readonly [number, number, number, number] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
  for (let at = 0; at < padded.length; at += BLOCK_OCTETS) {
    let [a, b, c, d] = state
    for (const { mix, constant, order, rotations } of rounds) {
      for (const [step, word] of order.entries()) {
        const sum = (a + mix(b, c, d) + padded.readUInt32LE(at + 4 * word) + constant) | 0
        const rotation = rotations[step % 4] as number
        a = d
        d = c
        c = b
        b = (sum << rotation) | (sum >>> (32 - rotation))
      }
    }
    state = [(state[0] + a) | 0, (state[1] + b) | 0, (state[2] + c) | 0, (state[3] + d) | 0]
  }
  const digest = Buffer.alloc(16)
  for (const [at, word] of state.entries()) digest.writeInt32LE(word | 0, 4 * at)
  return digest
}

/** Appends a one bit, zeros, and the length in bits. RFC 1320 sections 3.1 and 3.2. */
function pad(message: Uint8Array): Buffer {
  const padded = Buffer.alloc(Math.ceil((message.length + 9) / BLOCK_OCTETS) * BLOCK_OCTETS)
  padded.set(message)
  padded[message.length] = 0x80
  padded.writeBigUInt64LE(BigInt(message.length) * 8n, padded.length - 8)
  return padded
}
