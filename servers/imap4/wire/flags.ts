import { bad } from '../reply.ts'
import type { Cursor } from './cursor.ts'

/** Keywords of one message that are kept; a client that wants more is no client. */
const MAX_FLAGS = 200

/** Flags as STORE and APPEND take them, in parentheses or (STORE) without, each once. RFC 9051 section 9. */
export function flags(cursor: Cursor): string[] {
  const given = cursor.ahead === '(' ? cursor.list((inner) => inner.flag(), true) : bareFlags(cursor)
  const once = new Map<string, string>()
  for (const flag of given) if (!once.has(flag.toLowerCase())) once.set(flag.toLowerCase(), flag)
  for (const flag of once.values()) {
    // RFC 3501 section 2.3.2: a client cannot change \Recent; other names with a backslash are the RFCs'.
    if (flag === '\\Recent' || (flag.startsWith('\\') && !SETTABLE.has(flag))) throw bad(`${flag} cannot be set`)
  }
  if (once.size > MAX_FLAGS) throw bad('too many flags')
  return [...once.values()]
}

const SETTABLE = new Set(['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft'])

function bareFlags(cursor: Cursor): string[] {
  const found = [cursor.flag()]
  while (cursor.take(' ')) found.push(cursor.flag())
  return found
}
