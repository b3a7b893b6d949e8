import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { prepareInput, prepareSecret } from './saslprep/saslprep.ts'

const key = randomBytes(32)
const digest = (value: string | Buffer): Buffer => createHmac('sha256', key).update(value).digest()

/** Compares two secrets in constant time, even if their lengths differ. */
export function isSameSecret(one: string | Buffer, other: string | Buffer): boolean {
  return timingSafeEqual(digest(one), digest(other))
}

/** Returns whether a password is right: as it is, or after the preparation of both. RFC 4013. */
export function isRightPassword(known: string, given: string): boolean {
  const isSame = isSameSecret(known, given)
  return isSameSecret(prepareSecret(known), prepareInput(given)) || isSame
}
