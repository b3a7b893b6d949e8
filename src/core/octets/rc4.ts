/** RC4, which current versions of OpenSSL lack. Encrypting and decrypting are the same. Test vectors: RFC 6229. */
export class Rc4 {
  readonly #state = new Uint8Array(256)
  #i = 0
  #j = 0

  constructor(key: Uint8Array) {
    const s = this.#state
    for (let i = 0; i < 256; i++) s[i] = i
    for (let i = 0, j = 0; i < 256; i++) {
      const si = s[i] as number
      j = (j + si + (key[i % key.length] as number)) & 0xff
      s[i] = s[j] as number
      s[j] = si
    }
  }

  /** Encrypts or decrypts the next octets of a stream. */
  update(data: Uint8Array): Buffer {
    const s = this.#state
    const out = Buffer.allocUnsafe(data.length)
    let i = this.#i
    let j = this.#j
    for (let at = 0; at < data.length; at++) {
      i = (i + 1) & 0xff
      const si = s[i] as number
      j = (j + si) & 0xff
      const sj = s[j] as number
      s[i] = sj
      s[j] = si
      out[at] = (data[at] as number) ^ (s[(si + sj) & 0xff] as number)
    }
    this.#i = i
    this.#j = j
    return out
  }
}
