import { parseImapDate } from '../../../src/mail/format/dates.ts'
import type { OctetString } from '../../../src/mail/format/types.ts'
import { bad } from '../reply.ts'
import type { ImapSession } from '../state.ts'
import type { Cursor } from './cursor.ts'
import { type SequenceSet, sequenceSet } from './sequence-set.ts'
import { decodeUtf7, utf8Text } from './text.ts'

/** The date to compare: the internal date, the Date field, or the time when the message was stored in this mailbox. */
type SearchClock = 'internal' | 'sent' | 'saved'

/** A condition on messages. RFC 9051 section 6.4.4. */
export type SearchKey =
  | { readonly kind: 'all' | 'recent' | 'none' }
  | { readonly kind: 'flag'; readonly flag: string }
  | { readonly kind: 'numbers'; readonly set: SequenceSet; readonly byUid: boolean }
  /** From `from` up to and including `to`. RFC 9738 section 3.2. */
  | { readonly kind: 'uids'; readonly from: number; readonly to: number }
  /** From `from` up to but not including `to`, milliseconds. */
  | { readonly kind: 'date'; readonly clock: SearchClock; readonly from: number; readonly to: number }
  /** Seconds before now. RFC 5032. */
  | { readonly kind: 'age'; readonly older: boolean; readonly seconds: number }
  | { readonly kind: 'size'; readonly larger: boolean; readonly octets: number }
  | { readonly kind: 'header'; readonly name: OctetString; readonly text: OctetString }
  | { readonly kind: 'body' | 'text'; readonly text: OctetString }
  | { readonly kind: 'modseq'; readonly modSeq: number }
  | { readonly kind: 'emailid' | 'threadid'; readonly id: string }
  /** Gmail's X-GM-EXT-1. */
  | { readonly kind: 'gm-msgid' | 'gm-thrid'; readonly id: string }
  | { readonly kind: 'gm-label'; readonly label: string }
  | { readonly kind: 'gm-raw'; readonly query: OctetString }
  | { readonly kind: 'not'; readonly key: SearchKey }
  | { readonly kind: 'and' | 'or'; readonly keys: readonly SearchKey[] }

type KeyReader = (cursor: Cursor, depth: number) => SearchKey

/** RFC 9051 section 9, `uniqueid`. */
const HIGHEST_UID = 0xffff_ffff
const DAY_MS = 86_400_000
/** Clients nest one OR for each of many alternatives. Deeper nesting could overflow the stack. */
const MAX_DEPTH = 1000

const not = (key: SearchKey): SearchKey => ({ kind: 'not', key })
const flag = (name: string): SearchKey => ({ kind: 'flag', flag: name })
const always =
  (key: SearchKey): KeyReader =>
  () =>
    key

function afterSpace<T>(cursor: Cursor, read: (cursor: Cursor) => T): T {
  cursor.space()
  return read(cursor)
}

const headerKey =
  (name: string): KeyReader =>
  (cursor) => ({ kind: 'header', name, text: afterSpace(cursor, (c) => c.astring()) })

const beforeDate =
  (clock: SearchClock): KeyReader =>
  (cursor) => ({ kind: 'date', clock, from: Number.NEGATIVE_INFINITY, to: afterSpace(cursor, date) })
const onDate =
  (clock: SearchClock): KeyReader =>
  (cursor) => {
    const from = afterSpace(cursor, date)
    return { kind: 'date', clock, from, to: from + DAY_MS }
  }
const since =
  (clock: SearchClock): KeyReader =>
  (cursor) => ({ kind: 'date', clock, from: afterSpace(cursor, date), to: Number.POSITIVE_INFINITY })

const size =
  (larger: boolean): KeyReader =>
  (cursor) => ({ kind: 'size', larger, octets: afterSpace(cursor, (c) => c.number64()) })
const age =
  (older: boolean): KeyReader =>
  (cursor) => ({ kind: 'age', older, seconds: afterSpace(cursor, (c) => c.nzNumber()) })
const keyword = (cursor: Cursor): SearchKey => flag(afterSpace(cursor, (c) => c.atom()))

/** The search keys. RFC 9051 section 6.4.4; RFC 3501 for RECENT, NEW, OLD. */
const READERS: ReadonlyMap<string, KeyReader> = new Map<string, KeyReader>([
  ['ALL', always({ kind: 'all' })],
  ['ANSWERED', always(flag('\\Answered'))],
  ['DELETED', always(flag('\\Deleted'))],
  ['DRAFT', always(flag('\\Draft'))],
  ['FLAGGED', always(flag('\\Flagged'))],
  ['SEEN', always(flag('\\Seen'))],
  ['UNANSWERED', always(not(flag('\\Answered')))],
  ['UNDELETED', always(not(flag('\\Deleted')))],
  ['UNDRAFT', always(not(flag('\\Draft')))],
  ['UNFLAGGED', always(not(flag('\\Flagged')))],
  ['UNSEEN', always(not(flag('\\Seen')))],
  ['RECENT', always({ kind: 'recent' })],
  ['OLD', always(not({ kind: 'recent' }))],
  ['NEW', always({ kind: 'and', keys: [{ kind: 'recent' }, not(flag('\\Seen'))] })],
  ['KEYWORD', keyword],
  ['UNKEYWORD', (cursor) => not(keyword(cursor))],
  ['BEFORE', beforeDate('internal')],
  ['ON', onDate('internal')],
  ['SINCE', since('internal')],
  ['SENTBEFORE', beforeDate('sent')],
  ['SENTON', onDate('sent')],
  ['SENTSINCE', since('sent')],
  ['SAVEDBEFORE', beforeDate('saved')], // RFC 8514 section 4
  ['SAVEDON', onDate('saved')],
  ['SAVEDSINCE', since('saved')],
  ['SAVEDATESUPPORTED', always({ kind: 'all' })],
  ['OLDER', age(true)], // RFC 5032
  ['YOUNGER', age(false)],
  ['LARGER', size(true)],
  ['SMALLER', size(false)],
  ['BCC', headerKey('bcc')],
  ['CC', headerKey('cc')],
  ['FROM', headerKey('from')],
  ['SUBJECT', headerKey('subject')],
  ['TO', headerKey('to')],
  ['HEADER', (cursor) => headerKey(afterSpace(cursor, (c) => c.astring()))(cursor, 0)],
  ['BODY', (cursor) => ({ kind: 'body', text: afterSpace(cursor, (c) => c.astring()) })],
  ['TEXT', (cursor) => ({ kind: 'text', text: afterSpace(cursor, (c) => c.astring()) })],
  ['UID', (cursor) => ({ kind: 'numbers', set: afterSpace(cursor, sequenceSet), byUid: true })],
  ['UIDAFTER', (cursor) => ({ kind: 'uids', from: afterSpace(cursor, (c) => c.nzNumber()) + 1, to: HIGHEST_UID })],
  ['UIDBEFORE', (cursor) => ({ kind: 'uids', from: 1, to: afterSpace(cursor, (c) => c.nzNumber()) - 1 })],
  ['MODSEQ', modSeq], // RFC 7162 section 3.1.5
  ['EMAILID', (cursor) => ({ kind: 'emailid', id: afterSpace(cursor, (c) => c.atom()) })], // RFC 8474 section 6
  ['THREADID', (cursor) => ({ kind: 'threadid', id: afterSpace(cursor, (c) => c.atom()) })],
  ['X-GM-MSGID', (cursor) => ({ kind: 'gm-msgid', id: afterSpace(cursor, (c) => c.atom()) })],
  ['X-GM-THRID', (cursor) => ({ kind: 'gm-thrid', id: afterSpace(cursor, (c) => c.atom()) })],
  ['X-GM-LABELS', (cursor) => ({ kind: 'gm-label', label: afterSpace(cursor, gmailLabel) })],
  ['X-GM-RAW', (cursor) => ({ kind: 'gm-raw', query: afterSpace(cursor, (c) => c.astring()) })],
  ['NOT', (cursor, depth) => not(afterSpace(cursor, (c) => searchKey(c, depth + 1)))],
  [
    'OR',
    (cursor, depth) => ({ kind: 'or', keys: [0, 1].map(() => afterSpace(cursor, (c) => searchKey(c, depth + 1))) }),
  ],
])

const KEY_NAME = /X-GM-[A-Z]+|[A-Z]+/iy

const SYSTEM_LABEL = /\\[A-Z]+/iy

/** Reads a label: a system label such as `\Inbox`, or an astring in modified UTF-7 or UTF-8. */
function gmailLabel(cursor: Cursor): string {
  const system = cursor.match(SYSTEM_LABEL)
  if (system !== undefined) return system
  const octets = cursor.astring()
  return decodeUtf7(octets) ?? utf8Text(octets) ?? octets
}

/** Reads `search-key *(SP search-key)`. A message must match all of them. */
export function searchKeys(cursor: Cursor, session: ImapSession): SearchKey {
  const key = allOf(cursor, 0)
  if (
    session.enabled.has('UIDONLY') &&
    contains(key, (one) => one.kind === 'numbers' && one.set !== 'saved' && !one.byUid)
  ) {
    throw bad('Sequence numbers are not allowed under UIDONLY.', 'UIDREQUIRED') // RFC 9586 section 3
  }
  const isForeign = (one: SearchKey): boolean => one.kind.startsWith('gm-')
  if (!session.words?.hasLabels && contains(key, isForeign)) throw bad('Unknown search key X-GM.')
  return key
}

function allOf(cursor: Cursor, depth: number): SearchKey {
  const keys: SearchKey[] = []
  do keys.push(searchKey(cursor, depth))
  while (cursor.take(' '))
  return keys.length === 1 ? (keys[0] as SearchKey) : { kind: 'and', keys }
}

function searchKey(cursor: Cursor, depth: number): SearchKey {
  if (depth > MAX_DEPTH) throw bad('The search is nested too deeply.')
  if (cursor.take('(')) {
    const keys = allOf(cursor, depth + 1)
    cursor.expect(')')
    return keys
  }
  if (/[\d*$]/.test(cursor.ahead)) return { kind: 'numbers', set: sequenceSet(cursor), byUid: false }
  const name = cursor.match(KEY_NAME)?.toUpperCase()
  const reader = name === undefined ? undefined : READERS.get(name)
  if (!reader) throw name === undefined ? cursor.missing('a search key') : bad(`Unknown search key ${name}.`)
  return reader(cursor, depth)
}

const DATE = /"?\d{1,2}-[a-z]{3}-\d{4}"?/iy

/** Reads a date, quoted or not. Returns its midnight UTC in milliseconds since the epoch. RFC 9051 section 9. */
export function date(cursor: Cursor): number {
  const ms = parseImapDate((cursor.match(DATE) ?? '').replaceAll('"', ''))
  if (ms === undefined) throw bad('Date expected, such as 1-Feb-2026.')
  return ms
}

/** Reads MODSEQ. Skips the entry name: a message has one modification sequence for all its flags. RFC 7162 section 3.1.5. */
function modSeq(cursor: Cursor): SearchKey {
  cursor.space()
  if (cursor.ahead === '"') {
    cursor.string()
    cursor.space()
    cursor.keyword()
    cursor.space()
  }
  return { kind: 'modseq', modSeq: cursor.number64() }
}

/** Returns whether a search uses MODSEQ, so that its response contains the highest one. RFC 7162 section 3.1.5. */
export const asksModSeq = (key: SearchKey): boolean => contains(key, ({ kind }) => kind === 'modseq')

/** Returns whether a search needs thread ids. */
export const asksThreadId = (key: SearchKey): boolean =>
  contains(key, ({ kind }) => kind === 'threadid' || kind === 'gm-thrid')

/** Returns whether a search needs the labels of messages. */
export const asksLabels = (key: SearchKey): boolean => contains(key, ({ kind }) => kind === 'gm-label')

/** Returns a key with every query of X-GM-RAW translated. */
export function withoutRaw(key: SearchKey, translate: (query: OctetString) => SearchKey): SearchKey {
  if (key.kind === 'gm-raw') return translate(key.query)
  if (key.kind === 'not') return not(withoutRaw(key.key, translate))
  if (key.kind !== 'and' && key.kind !== 'or') return key
  return { kind: key.kind, keys: key.keys.map((inner) => withoutRaw(inner, translate)) }
}

/** Returns whether a key, or a key inside it, satisfies `isOne`. */
function contains(key: SearchKey, isOne: (key: SearchKey) => boolean): boolean {
  if (key.kind === 'not') return contains(key.key, isOne)
  if (key.kind === 'and' || key.kind === 'or') return key.keys.some((inner) => contains(inner, isOne))
  return isOne(key)
}
