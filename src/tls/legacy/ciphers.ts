import { createCipheriv, createDecipheriv } from 'node:crypto'
import { Rc4 } from '../../core/octets/rc4.ts'
import type { BulkCipher } from './suites.ts'

/** One direction of a cipher. Each call continues where the previous one ended: CBC chains across records. RFC 2246 section 6.2.3.2. */
export interface CipherStream {
  update(data: Buffer): Buffer
}

/** OpenSSL's names. Current versions lack single DES, which equals 3DES with the same key three times. */
const opensslAlgorithms = {
  des: 'des-ede3-cbc',
  '3des': 'des-ede3-cbc',
  'aes-128': 'aes-128-cbc',
  'aes-256': 'aes-256-cbc',
}

/** Creates one direction of a cipher. */
export function cipherStream(
  { algorithm }: BulkCipher,
  key: Buffer,
  iv: Buffer,
  direction: 'encrypt' | 'decrypt',
): CipherStream {
  if (algorithm === 'rc4') return new Rc4(key)
  if (algorithm === 'rc2') return new Rc2Cbc(key, iv, direction)
  const whole = algorithm === 'des' ? Buffer.concat([key, key, key]) : key
  const make = direction === 'encrypt' ? createCipheriv : createDecipheriv
  return make(opensslAlgorithms[algorithm], whole, iv).setAutoPadding(false)
}

const BLOCK_OCTETS = 8

/** PITABLE: the digits of pi as a permutation of 0 to 255. RFC 2268 section 2. */
const PITABLE = Buffer.from(
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2' +
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7' +
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec' +
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9' +
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  'hex',
)

/**
 * RC2 in CBC mode without padding, for whole blocks. Each call continues from the last block of the previous one.
 * RFC 2268, with its test vectors.
 */
export class Rc2Cbc {
  readonly #keys: Uint16Array
  readonly #decrypting: boolean
  #previous: Buffer

  /** @param effectiveBits the key's effective length (T1); TLS uses all of its 128-bit expanded key */
  constructor(key: Uint8Array, iv: Uint8Array, direction: 'encrypt' | 'decrypt', effectiveBits = key.length * 8) {
    this.#keys = expandKey(key, effectiveBits)
    this.#previous = Buffer.from(iv)
    this.#decrypting = direction === 'decrypt'
  }

  update(data: Uint8Array): Buffer {
    const out = Buffer.allocUnsafe(data.length)
    const words = new Uint16Array(4)
    for (let at = 0; at < data.length; at += BLOCK_OCTETS) {
      if (this.#decrypting) this.#decryptBlock(data, out, at, words)
      else this.#encryptBlock(data, out, at, words)
    }
    return out
  }

  #encryptBlock(data: Uint8Array, out: Buffer, at: number, words: Uint16Array): void {
    for (let w = 0; w < 4; w++) words[w] = word(data, at + 2 * w) ^ word(this.#previous, 2 * w)
    encrypt(words, this.#keys)
    for (let w = 0; w < 4; w++) out.writeUInt16LE(words[w] as number, at + 2 * w)
    out.copy(this.#previous, 0, at, at + BLOCK_OCTETS)
  }

  #decryptBlock(data: Uint8Array, out: Buffer, at: number, words: Uint16Array): void {
    for (let w = 0; w < 4; w++) words[w] = word(data, at + 2 * w)
    decrypt(words, this.#keys)
    for (let w = 0; w < 4; w++) out.writeUInt16LE((words[w] as number) ^ word(this.#previous, 2 * w), at + 2 * w)
    this.#previous.set(data.subarray(at, at + BLOCK_OCTETS))
  }
}

function word(octets: Uint8Array, at: number): number {
  return (octets[at] as number) | ((octets[at + 1] as number) << 8)
}

/** Returns the 64 words of the expanded key. RFC 2268 section 2. */
function expandKey(key: Uint8Array, effectiveBits: number): Uint16Array {
  const octets = Buffer.alloc(128)
  octets.set(key)
  const t = key.length
  for (let i = t; i < 128; i++) {
    octets[i] = PITABLE[((octets[i - 1] as number) + (octets[i - t] as number)) & 0xff] as number
  }
  const t8 = (effectiveBits + 7) >> 3
  const mask = 0xff >> (8 * t8 - effectiveBits)
  octets[128 - t8] = PITABLE[(octets[128 - t8] as number) & mask] as number
  for (let i = 127 - t8; i >= 0; i--) {
    octets[i] = PITABLE[(octets[i + 1] as number) ^ (octets[i + t8] as number)] as number
  }
  return Uint16Array.from({ length: 64 }, (_, i) => octets.readUInt16LE(2 * i))
}

/** First key words of the mixing rounds that precede a mashing round. RFC 2268 section 3. */
const MASH_AFTER = [16, 40]

function encrypt(words: Uint16Array, keys: Uint16Array): void {
  let [a, b, c, d] = words as unknown as Words
  const k = (i: number): number => keys[i] as number
  for (let j = 0; j < 64; j += 4) {
    a = rotateLeft(a + k(j) + (d & c) + (~d & b), 1)
    b = rotateLeft(b + k(j + 1) + (a & d) + (~a & c), 2)
    c = rotateLeft(c + k(j + 2) + (b & a) + (~b & d), 3)
    d = rotateLeft(d + k(j + 3) + (c & b) + (~c & a), 5)
    if (!MASH_AFTER.includes(j)) continue
    a += k(d & 63)
    b += k(a & 63)
    c += k(b & 63)
    d += k(c & 63)
  }
  words[0] = a
  words[1] = b
  words[2] = c
  words[3] = d
}

function decrypt(words: Uint16Array, keys: Uint16Array): void {
  let [a, b, c, d] = words as unknown as Words
  const k = (i: number): number => keys[i] as number
  for (let j = 60; j >= 0; j -= 4) {
    if (MASH_AFTER.includes(j)) {
      d -= k(c & 63)
      c -= k(b & 63)
      b -= k(a & 63)
      a -= k(d & 63)
    }
    d = rotateLeft(d, 16 - 5) - k(j + 3) - (c & b) - (~c & a)
    c = rotateLeft(c, 16 - 3) - k(j + 2) - (b & a) - (~b & d)
    b = rotateLeft(b, 16 - 2) - k(j + 1) - (a & d) - (~a & c)
    a = rotateLeft(a, 16 - 1) - k(j) - (d & c) - (~d & b)
  }
  words[0] = a
  words[1] = b
  words[2] = c
  words[3] = d
}

type Words = [number, number, number, number]

/** Rotates the lower 16 bits. */
function rotateLeft(word: number, bits: number): number {
  return ((word << bits) | ((word & 0xffff) >> (16 - bits))) & 0xffff
}
