import { hash } from 'node:crypto'
import type { PasswordHash } from '../../../core/config/accounts/password-hash.ts'
import type { Steps } from '../../../core/time/time-slice.ts'
import { cryptText, ROUNDS_PER_STEP, repeatTo } from './crypt-parts.ts'

type Md5Crypt = Extract<PasswordHash, { kind: 'md5-crypt' }>

const ROUNDS = 1000

/** Returns the checksum of a password, as FreeBSD's crypt ($1$) and Apache (apr1) compute it. */
export function* md5Crypt({ magic, salt: saltText }: Md5Crypt, password: Buffer): Steps<string> {
  const digest = (parts: readonly Buffer[]): Buffer => hash('md5', Buffer.concat(parts), 'buffer')
  const salt = Buffer.from(saltText)
  const inner = digest([password, salt, password])
  const parts = [password, Buffer.from(magic), salt, repeatTo(inner, password.length)]
  for (let bits = password.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? NUL : password.subarray(0, 1))
  let sum = digest(parts)
  for (let round = 0; round < ROUNDS; round++) {
    const isOdd = round % 2 === 1
    const middle = [...(round % 3 === 0 ? [] : [salt]), ...(round % 7 === 0 ? [] : [password])]
    sum = digest([isOdd ? password : sum, ...middle, isOdd ? sum : password])
    if (round % ROUNDS_PER_STEP === 0) yield
  }
  return cryptText(sum, ORDER)
}

const NUL = Buffer.alloc(1)
const ORDER = [0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, 11]
