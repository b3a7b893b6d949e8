import { createHash } from 'node:crypto'

/**
 * Returns a text as part of a key. Long texts are hashed, because LMDB and PostgreSQL limit the length of keys, and so are
 * texts with NUL, which PostgreSQL cannot hold. All stores use the same form, so that a copy of a store needs no text that
 * only exists as a hash.
 */
export function textKey(text: string): string {
  if (Buffer.byteLength(text) <= 200 && !text.includes('\0')) return text
  return `#${createHash('sha256').update(text).digest('base64url')}`
}
