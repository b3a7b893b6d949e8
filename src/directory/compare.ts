import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const key = randomBytes(32)
const digest = (value: string | Buffer): Buffer => createHmac('sha256', key).update(value).digest()

/** Whether two secrets are the same, in a time that tells nothing of either, nor of their lengths. */
export function sameSecret(one: string | Buffer, other: string | Buffer): boolean {
  return timingSafeEqual(digest(one), digest(other))
}
