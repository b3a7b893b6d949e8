import { createHash } from 'node:crypto'

/** Longest text that is a key itself. A UTF-16 code unit takes at most three octets. */
const MAX_OCTETS = 200

/**
 * Returns a text as part of a key. Long texts are hashed, because LMDB and PostgreSQL limit the length of keys, and so are
 * texts with NUL, which PostgreSQL cannot hold. All stores use the same form, so that a copy of a store needs no text that
 * only exists as a hash.
 */
export function textKey(text: string): string {
  const fits = text.length <= MAX_OCTETS / 3 || Buffer.byteLength(text) <= MAX_OCTETS
  if (fits && !text.includes('\0')) return text
  return `#${createHash('sha256').update(text).digest('base64url')}`
}
