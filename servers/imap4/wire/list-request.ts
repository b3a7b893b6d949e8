import { canonical, patternOf } from '../mailbox-names.ts'
import { bad } from '../reply.ts'
import type { Session } from '../session.ts'
import { type StatusItem, statusItems } from '../status-line.ts'
import type { Cursor } from './cursor.ts'

/** A LIST command. RFC 9051 section 6.3.9. */
export interface ListRequest {
  /** The reference and each pattern, put together; in the form that names have on the wire. */
  readonly patterns: readonly string[]
  readonly select: ReadonlySet<string>
  readonly returns: ReadonlySet<string>
  /** What STATUS is to be told of each mailbox. RFC 5819. */
  readonly status?: readonly StatusItem[]
  /** It has options or several patterns. RFC 5258 section 3. */
  readonly extended: boolean
}

const SELECT_OPTIONS = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE']
const RETURN_OPTIONS = ['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE', 'STATUS']

export function listRequest(cursor: Cursor, session: Session): ListRequest {
  cursor.space()
  const hasOptions = cursor.ahead === '('
  const select = new Set(hasOptions ? cursor.list(() => option(cursor, SELECT_OPTIONS), true) : [])
  // RFC 5258 section 3.1: it modifies another option, which must be there.
  if (select.has('RECURSIVEMATCH') && !select.has('SUBSCRIBED') && !select.has('SPECIAL-USE')) {
    throw bad('RECURSIVEMATCH needs another selection option')
  }
  if (hasOptions) cursor.space()
  const reference = patternOf(cursor.astring(), session)
  cursor.space()
  const isList = cursor.ahead === '('
  const pattern = (): string => canonical(reference + patternOf(cursor.listMailbox(), session))
  const first = isList ? undefined : patternOf(cursor.listMailbox(), session)
  const patterns = first === undefined ? cursor.list(pattern) : [first === '' ? '' : canonical(reference + first)]
  const returned = cursor.take(' ') ? returnOptions(cursor) : undefined
  return { patterns, select, returns: new Set(), ...returned, extended: hasOptions || isList || returned !== undefined }
}

function option(cursor: Cursor, known: readonly string[]): string {
  const name = cursor.keyword()
  if (!known.includes(name)) throw bad(`unknown LIST option ${name}`)
  return name
}

function returnOptions(cursor: Cursor): Pick<ListRequest, 'returns' | 'status'> {
  if (cursor.keyword() !== 'RETURN') throw bad('RETURN expected')
  cursor.space()
  let status: readonly StatusItem[] | undefined
  const names = cursor.list(() => {
    const name = option(cursor, RETURN_OPTIONS)
    if (name === 'STATUS') {
      cursor.space()
      status = statusItems(cursor)
    }
    return name
  }, true)
  return { returns: new Set(names), ...(status ? { status } : {}) }
}
