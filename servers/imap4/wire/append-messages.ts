import { bad, no } from '../reply.ts'
import type { Session } from '../session.ts'
import type { Cursor } from './cursor.ts'
import { dateTime } from './date-time.ts'
import { flags } from './flags.ts'

/** A piece of a message to be put together: octets, or where they are. RFC 4469. */
export type MessagePiece = { readonly octets: Buffer } | { readonly url: string }

/** One message of APPEND or REPLACE. */
export interface GivenMessage {
  readonly flags: readonly string[]
  /** Milliseconds since the epoch. */
  readonly internalDate?: number
  readonly pieces: readonly MessagePiece[]
}

/** `[(flags)] ["date-time"] data`, with the space in front. RFC 9051 section 9, append-message; RFC 3502, 4469, 6855. */
export function givenMessage(cursor: Cursor, session: Session): GivenMessage {
  cursor.space()
  const given = cursor.ahead === '(' ? flags(cursor) : []
  if (cursor.atEnd) throw cursor.missing('a message')
  if (given.length > 0 || cursor.ahead === ' ') cursor.take(' ')
  const internalDate = cursor.ahead === '"' ? dateTime(cursor) : undefined
  if (internalDate !== undefined) cursor.space()
  return { flags: given, pieces: data(cursor, session), ...(internalDate === undefined ? {} : { internalDate }) }
}

function data(cursor: Cursor, session: Session): MessagePiece[] {
  if (cursor.take('CATENATE ')) return cursor.list(piece)
  if (cursor.take('UTF8 (')) {
    if (!session.utf8) throw bad('ENABLE UTF8=ACCEPT first') // RFC 6855 section 4
    const octets = messageOctets(cursor)
    cursor.expect(')')
    return [{ octets }]
  }
  return [{ octets: messageOctets(cursor) }]
}

function piece(cursor: Cursor): MessagePiece {
  if (cursor.take('URL ')) return { url: cursor.astring() }
  cursor.expect('TEXT ')
  return { octets: messageOctets(cursor) }
}

function messageOctets(cursor: Cursor): Buffer {
  const { octets, binary } = cursor.literal()
  if (!binary && octets.includes(0)) throw no('NUL in a literal: a literal8 can hold it', 'CANNOT') // RFC 9051 section 4.3
  return octets
}
