import { createCipheriv, createDecipheriv } from 'node:crypto'
import { Rc2Cbc } from './rc2.ts'
import { Rc4 } from './rc4.ts'
import type { BulkCipher } from './suites.ts'

/** One direction of a cipher: each call goes on where the last one ended, so that CBC chains over records. RFC 2246 section 6.2.3.2. */
export interface CipherStream {
  update(data: Buffer): Buffer
}

/** OpenSSL's names. Single DES is in no provider of today: 3DES with one key thrice is the same. */
const opensslAlgorithms = {
  des: 'des-ede3-cbc',
  '3des': 'des-ede3-cbc',
  'aes-128': 'aes-128-cbc',
  'aes-256': 'aes-256-cbc',
}

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
