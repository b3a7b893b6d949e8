/** Rounds between two moments at which other sessions may be served: far less than a millisecond. */
export const ROUNDS_PER_STEP = 32

/** Returns octets, repeated or cut to a length. */
export const repeatTo = (octets: Buffer, length: number): Buffer =>
  length === 0 ? Buffer.alloc(0) : Buffer.alloc(length, octets)

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Returns octets in the base64 of crypt: three at a time as four characters, the lowest six bits first. */
export function cryptText(octets: Buffer, order: readonly number[]): string {
  let text = ''
  for (let at = 0; at < order.length; at += 3) {
    const group = order.slice(at, at + 3)
    let value = group.reduce((sum, index) => (sum << 8) | (octets[index] as number), 0)
    for (let n = 0; n <= group.length; n++) {
      text += ALPHABET[value & 63]
      value >>>= 6
    }
  }
  return text
}
