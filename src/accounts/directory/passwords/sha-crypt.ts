import { hash } from 'node:crypto'
import type { PasswordHash } from '../../../core/config/accounts/password-hash.ts'
import type { Steps } from '../../../core/time/time-slice.ts'
import { cryptText, ROUNDS_PER_STEP, repeatTo } from './crypt-parts.ts'

type ShaCrypt = Extract<PasswordHash, { kind: 'sha-crypt' }>

/** Returns the checksum of a password. The names and steps are from https://www.akkadia.org/drepper/SHA-crypt.txt */
export function* shaCrypt({ algorithm, rounds, salt: saltText }: ShaCrypt, password: Buffer): Steps<string> {
  const digest = (parts: readonly Buffer[]): Buffer => hash(algorithm, Buffer.concat(parts), 'buffer')
  const salt = Buffer.from(saltText, 'latin1')
  const b = digest([password, salt, password]) // steps 4 to 8
  const parts = [password, salt, repeatTo(b, password.length)]
  for (let bits = password.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? b : password) // step 11
  let a = digest(parts)
  const p = repeatTo(digest(Array.from(password, () => password)), password.length) // steps 13 to 16
  const s = repeatTo(digest(Array.from({ length: 16 + (a[0] as number) }, () => salt)), salt.length) // steps 17 to 20
  for (let round = 0; round < rounds; round++) {
    const isOdd = round % 2 === 1
    const middle = [...(round % 3 === 0 ? [] : [s]), ...(round % 7 === 0 ? [] : [p])]
    a = digest([isOdd ? p : a, ...middle, isOdd ? a : p])
    if (round % ROUNDS_PER_STEP === 0) yield
  }
  return cryptText(a, orders[algorithm])
}

/** The order of the octets in the text, three by three. Step 22. */
const orders = { sha256: order(10, 2, [31, 30]), sha512: order(21, 1, [63]) }

function order(third: number, shift: number, last: readonly number[]): number[] {
  const found: number[] = []
  for (let n = 0, triple = [0, third, 2 * third]; n < third; n++) {
    found.push(...triple)
    triple = triple.map((_, i) => (triple[(i + shift) % 3] as number) + 1)
  }
  return [...found, ...last]
}
