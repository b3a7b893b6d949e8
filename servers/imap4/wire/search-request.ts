import { charsetDecoder, decodeUnlabelled } from '../../../src/mail/format/charsets.ts'
import type { OctetString } from '../../../src/mail/format/types.ts'
import { bad, no } from '../reply.ts'
import type { ImapSession } from '../state.ts'
import type { Cursor } from './cursor.ts'
import { type FetchItem, fetchItems } from './fetch-request.ts'
import { type SearchKey, searchKeys } from './search-keys.ts'
import { type PartialRange, partialRange } from './sequence-set.ts'

/** The options of RETURN. RFC 4731, 5182, 5267, 9394. */
export interface SearchReturn {
  readonly options: ReadonlySet<'MIN' | 'MAX' | 'ALL' | 'COUNT' | 'SAVE'>
  readonly partial?: PartialRange
  /** Whether the client wants changes of the result; the items are those to send of new messages. RFC 5465 section 7. */
  readonly update?: readonly FetchItem[]
}

const OPTIONS = ['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE'] as const

/** The space before the items of UPDATE. */
const ITEMS_AHEAD = / (?=\()/y

/** Reads `RETURN (…) `, if it comes next. `RETURN ()` means ALL. RFC 4731 section 3.1. */
export function searchReturn(cursor: Cursor): SearchReturn | undefined {
  if (!cursor.take('RETURN (')) return undefined
  const options = new Set<(typeof OPTIONS)[number]>()
  let partial: PartialRange | undefined
  let update: FetchItem[] | undefined
  let isEmpty = true
  if (!cursor.take(')')) {
    isEmpty = false
    do {
      const name = cursor.keyword()
      const option = OPTIONS.find((known) => known === name)
      if (option) options.add(option)
      else if (name === 'UPDATE') update = cursor.match(ITEMS_AHEAD) === undefined ? [] : fetchItems(cursor)
      else if (name === 'CONTEXT')
        continue // a hint that the search will be repeated. RFC 5267 section 4.2
      else if (name !== 'PARTIAL') throw bad(`Unknown result option ${name}.`)
      else {
        cursor.space()
        if (partial) throw bad('PARTIAL may be given once.') // RFC 5267 section 4.4
        partial = partialRange(cursor)
      }
    } while (cursor.take(' '))
    cursor.expect(')')
  }
  cursor.space()
  if (partial && options.has('ALL')) throw bad('PARTIAL and ALL cannot be combined.') // RFC 9394 section 3.1
  if (isEmpty) options.add('ALL')
  return { options, ...(partial ? { partial } : {}), ...(update ? { update } : {}) }
}

/** Decodes the octets of a search key. */
export type TextDecoding = (octets: OctetString) => string

export interface SearchCriteria {
  readonly key: SearchKey
  readonly decode: TextDecoding
}

/** Reads `[CHARSET charset SP] keys`. RFC 9051 section 6.4.4. */
export function searchProgram(cursor: Cursor, session: ImapSession): SearchCriteria {
  let charset: string | undefined
  if (cursor.take('CHARSET ')) {
    if (session.enabled.has('UTF8=ACCEPT')) throw bad('CHARSET is not allowed after ENABLE UTF8=ACCEPT.') // RFC 9755 section 3
    charset = cursor.astring()
    cursor.space()
  }
  return { decode: decoding(charset), key: searchKeys(cursor, session) }
}

/** Reads `charset keys` of SORT and THREAD. RFC 5256 section 5. */
export function charsetProgram(cursor: Cursor, session: ImapSession): SearchCriteria {
  const decode = decoding(cursor.astring())
  cursor.space()
  return { decode, key: searchKeys(cursor, session) }
}

/** Returns the decoding of a charset. @throws ImapError BADCHARSET if it is unknown */
function decoding(charset: string | undefined): TextDecoding {
  const decoder = charset === undefined ? decodeUnlabelled : charsetDecoder(charset)
  if (!decoder) throw no(`Unknown charset ${charset}.`, 'BADCHARSET (UTF-8 US-ASCII)')
  return (octets) =>
    /^[\x00-\x7f]*$/.test(octets) && !octets.includes('\x1b') ? octets : decoder(Buffer.from(octets, 'latin1'))
}

const sortKeyNames = ['ARRIVAL', 'CC', 'DATE', 'DISPLAYFROM', 'DISPLAYTO', 'FROM', 'SIZE', 'SUBJECT', 'TO'] as const
export type SortKeyName = (typeof sortKeyNames)[number]

export interface SortKey {
  readonly name: SortKeyName
  readonly reverse: boolean
}

/** Reads `(REVERSE DATE SUBJECT)`. Leaves out repeated keys, which decide nothing. RFC 5256 section 5. */
export function sortKeys(cursor: Cursor): SortKey[] {
  const keys = cursor.list(() => {
    let reverse = false
    // rust-imap can send several.
    while (cursor.take('REVERSE ')) reverse = true
    const word = cursor.keyword()
    const name = sortKeyNames.find((known) => known === word)
    if (!name) throw bad(`Unknown sort key ${word}.`)
    return { name, reverse }
  })
  const names = new Set<SortKeyName>()
  return keys.filter(({ name }) => names.size < names.add(name).size)
}
