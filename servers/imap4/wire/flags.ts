import { bad } from '../reply.ts'
import type { Cursor } from './cursor.ts'

/** The flags that clients can set. Keywords have no backslash. RFC 9051 section 2.3.2. */
export const SYSTEM_FLAGS = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const

/** Limits the memory that one message's keywords can take. */
const MAX_FLAGS = 200

const FLAG = /\\?[^(){ \x00-\x1f\x7f-\xff%*"\\\]]+/y

const BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(SYSTEM_FLAGS.map((flag) => [flag.toLowerCase(), flag]))

/** Reads a flag. System flags get their usual spelling. */
export function flag(cursor: Cursor): string {
  const found = cursor.match(FLAG)
  if (found === undefined) throw cursor.missing('a flag')
  return BY_LOWER_CASE.get(found.toLowerCase()) ?? found
}

/** Reads the flags of STORE and APPEND, in parentheses or (STORE only) without. Drops repeated ones. RFC 9051 section 9. */
export function flags(cursor: Cursor): string[] {
  const given = cursor.ahead === '(' ? cursor.list(flag, true) : bareFlags(cursor)
  const once = new Map<string, string>()
  for (const name of given) if (!once.has(name.toLowerCase())) once.set(name.toLowerCase(), name)
  for (const name of once.values()) {
    // \Recent cannot be changed, and all other names with a backslash are reserved. RFC 3501 section 2.3.2
    if (name.startsWith('\\') && !BY_LOWER_CASE.has(name.toLowerCase())) throw bad(`${name} cannot be set.`)
  }
  if (once.size > MAX_FLAGS) throw bad('Too many flags.')
  return [...once.values()]
}

function bareFlags(cursor: Cursor): string[] {
  const found = [flag(cursor)]
  while (cursor.take(' ')) found.push(flag(cursor))
  return found
}
