import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const key = randomBytes(32)
const digest = (value: string | Buffer): Buffer => createHmac('sha256', key).update(value).digest()

/** Compares two secrets in constant time, even if their lengths differ. */
export function sameSecret(one: string | Buffer, other: string | Buffer): boolean {
  return timingSafeEqual(digest(one), digest(other))
}

/** Spaces outside ASCII. RFC 3454 table C.1.2. */
const SPACES = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g
/** Characters that are removed. RFC 3454 table B.1. */
const REMOVED = /[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/g
/** Control characters, private use, non-characters, surrogates. RFC 3454 tables C.2 to C.9. */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\u{fffe}\u{ffff}\u{fff9}-\u{fffd}\u2028\u2029\u200e\u200f\u202a-\u202e\u206a-\u206f]/u
const ASCII = /^[\x20-\x7e]*$/

/** Prepares a name or password, or returns it as it is if it has prohibited characters: it will match nothing. RFC 4013. */
export const prepared = (text: string): string => saslprep(text) ?? text

/** Prepares a name or password for comparison. Returns undefined if it has prohibited characters. RFC 4013. */
export function saslprep(text: string): string | undefined {
  if (ASCII.test(text)) return text
  const prepared = text.replace(SPACES, ' ').replace(REMOVED, '').normalize('NFKC')
  return PROHIBITED.test(prepared) ? undefined : prepared
}
