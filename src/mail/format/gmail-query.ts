import { isUtf8 } from 'node:buffer'
import type { OctetString } from './types.ts'

/** A condition of a query. Texts are octets in UTF-8. */
export type GmailKey =
  | { readonly kind: 'all' | 'none' }
  | { readonly kind: 'flag'; readonly flag: string }
  /** From `from` up to but not including `to`, milliseconds. */
  | { readonly kind: 'date'; readonly clock: 'internal'; readonly from: number; readonly to: number }
  /** Seconds before now. */
  | { readonly kind: 'age'; readonly older: boolean; readonly seconds: number }
  | { readonly kind: 'size'; readonly larger: boolean; readonly octets: number }
  | { readonly kind: 'header'; readonly name: string; readonly text: OctetString }
  /** `isFilename`: only names of files; a search of the text includes them. */
  | { readonly kind: 'text'; readonly text: OctetString; readonly isFilename?: true }
  | { readonly kind: 'gm-label'; readonly label: string }
  | { readonly kind: 'not'; readonly key: GmailKey }
  | { readonly kind: 'and' | 'or'; readonly keys: readonly GmailKey[] }

/** The error of a query that cannot be read. */
export class GmailQueryError extends Error {
  override readonly name = 'GmailQueryError'
}

/**
 * Reads a query in the syntax of Gmail's search box, as X-GM-RAW and the Gmail API have it: words and "phrases", `OR`, `-`,
 * `( )`, `{ }` (any of them) and the operators below. https://support.google.com/mail/answer/7190
 * @throws GmailQueryError
 */
export function gmailQuery(query: OctetString): GmailKey {
  const tokens = query.match(TOKEN) ?? []
  const reader = new QueryReader(tokens)
  const key = reader.all(undefined)
  if (!reader.isAtEnd) throw queryError('The query has an unexpected bracket.')
  return key
}

const queryError = (message: string): GmailQueryError => new GmailQueryError(message)

/** A bracket, an operator with its colon, a phrase, or a word. */
const TOKEN = /-?[({]|[)}]|-?[a-z_]\w*:|-?"[^"]*"?|[^\s(){}"]+/gi
const MAX_DEPTH = 50

const not = (key: GmailKey): GmailKey => ({ kind: 'not', key })
const header = (name: string, text: string): GmailKey => ({ kind: 'header', name, text })
const flag = (name: string): GmailKey => ({ kind: 'flag', flag: name })
const anyOf = (keys: readonly GmailKey[]): GmailKey => ({ kind: 'or', keys })
const labelKey = (label: string): GmailKey => ({ kind: 'gm-label', label })
const ALL: GmailKey = { kind: 'all' }

/** The words that can follow `is:`. */
const STATES: ReadonlyMap<string, GmailKey> = new Map([
  ['read', flag('\\Seen')],
  ['unread', not(flag('\\Seen'))],
  ['starred', flag('\\Flagged')],
  ['unstarred', not(flag('\\Flagged'))],
  ['answered', flag('\\Answered')],
  ['draft', flag('\\Draft')],
  ['important', flag('$Important')], // RFC 8457
])

/** The mailboxes that `in:` names. */
const PLACES: ReadonlyMap<string, GmailKey> = new Map([
  ['anywhere', ALL],
  ['all', ALL],
  ['inbox', labelKey('\\Inbox')],
  ['sent', labelKey('\\Sent')],
  ['draft', labelKey('\\Draft')],
  ['drafts', labelKey('\\Draft')],
  ['spam', labelKey('\\Spam')],
  ['trash', labelKey('\\Trash')],
  ['starred', flag('\\Flagged')],
])

type Operator = (value: string) => GmailKey

const placeOrLabel: Operator = (value) => PLACES.get(value.toLowerCase()) ?? labelKey(utf8OrLatin1(value))

/** Returns the text of octets in UTF-8, or in Latin-1 if they are not UTF-8. */
function utf8OrLatin1(octets: OctetString): string {
  const buffer = Buffer.from(octets, 'latin1')
  return isUtf8(buffer) ? buffer.toString() : octets
}

const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['from', (value) => header('from', value)],
  ['to', (value) => anyOf(['to', 'cc', 'bcc'].map((name) => header(name, value)))],
  ['cc', (value) => header('cc', value)],
  ['bcc', (value) => header('bcc', value)],
  ['subject', (value) => header('subject', value)],
  ['list', (value) => header('list-id', value)],
  ['deliveredto', (value) => header('delivered-to', value)],
  ['rfc822msgid', (value) => header('message-id', value)],
  ['filename', (value) => ({ kind: 'text', text: value, isFilename: true })],
  [
    'has',
    (value) => (value.toLowerCase() === 'attachment' ? header('content-type', 'multipart/mixed') : placeOrLabel(value)),
  ],
  ['is', (value) => STATES.get(value.toLowerCase()) ?? { kind: 'none' }],
  ['category', (value) => flag(`$CATEGORY_${value.toUpperCase()}`)],
  ['in', placeOrLabel],
  ['label', placeOrLabel],
  ['after', (value) => ({ kind: 'date', clock: 'internal', from: dateOf(value), to: Number.POSITIVE_INFINITY })],
  ['before', (value) => ({ kind: 'date', clock: 'internal', from: Number.NEGATIVE_INFINITY, to: dateOf(value) })],
  ['newer_than', (value) => ({ kind: 'age', older: false, seconds: secondsOf(value) })],
  ['older_than', (value) => ({ kind: 'age', older: true, seconds: secondsOf(value) })],
  ['larger', (value) => ({ kind: 'size', larger: true, octets: octetsOf(value) })],
  ['size', (value) => ({ kind: 'size', larger: true, octets: octetsOf(value) })],
  ['smaller', (value) => ({ kind: 'size', larger: false, octets: octetsOf(value) })],
])
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['newer', 'after'],
  ['older', 'before'],
  ['l', 'label'],
])

class QueryReader {
  #at = 0
  #depth = 0
  readonly #tokens: readonly string[]

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length
  }

  /** Reads terms up to a closing bracket or the end. All of them must match, also without `AND`; `OR` joins its neighbours. */
  all(close: string | undefined, form: (text: string) => GmailKey = textKey): GmailKey {
    const groups: GmailKey[][] = []
    let joins = false
    while (!this.isAtEnd && this.#tokens[this.#at] !== close && !/^[)}]$/.test(this.#tokens[this.#at] as string)) {
      const token = this.#tokens[this.#at] as string
      if (token === 'OR' || token === 'AND') {
        this.#at++
        joins = token === 'OR' && groups.length > 0
        continue
      }
      const term = this.#term(form)
      if (joins) groups.at(-1)?.push(term)
      else groups.push([term])
      joins = false
    }
    const any = close === '}'
    const keys = any
      ? groups.flat()
      : groups.map((group) => (group.length === 1 ? (group[0] as GmailKey) : anyOf(group)))
    if (keys.length === 0) return ALL
    if (keys.length === 1) return keys[0] as GmailKey
    return { kind: any ? 'or' : 'and', keys }
  }

  #term(form: (text: string) => GmailKey): GmailKey {
    const token = this.#tokens[this.#at++] as string
    const negated = token.length > 1 && token.startsWith('-')
    const key = this.#positive(negated ? token.slice(1) : token, form)
    return negated ? not(key) : key
  }

  #positive(token: string, form: (text: string) => GmailKey): GmailKey {
    if (token === '(' || token === '{') return this.#group(token, form)
    if (!token.endsWith(':')) return form(withoutQuotes(token))
    const name = token.slice(0, -1).toLowerCase()
    const operator = OPERATORS.get(SYNONYMS.get(name) ?? name)
    const next = this.#tokens[this.#at]
    if (!operator || next === undefined || /^[)}]$/.test(next)) return form(withoutQuotes(token))
    this.#at++
    return next === '(' || next === '{' ? this.#group(next, operator) : operator(withoutQuotes(next))
  }

  #group(open: string, form: (text: string) => GmailKey): GmailKey {
    if (++this.#depth > MAX_DEPTH) throw queryError('The query is nested too deeply.')
    const close = open === '(' ? ')' : '}'
    const key = this.all(close, form)
    if (this.#tokens[this.#at] === close) this.#at++
    this.#depth--
    return key
  }
}

const textKey = (text: string): GmailKey => ({ kind: 'text', text })
const withoutQuotes = (token: string): string => token.replaceAll('"', '')

/** Returns the midnight of `2026/11/26`, `2026-11-26` or `11/26/2026`, or the time of seconds since the epoch, in milliseconds. */
function dateOf(value: string): number {
  const day = /^(\d{4})[/-](\d{1,2})[/-](\d{1,2})$/.exec(value.replace(/^(\d{1,2}\/\d{1,2})\/(\d{4})$/, '$2/$1'))
  if (day) return Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3]))
  if (/^\d{9,12}$/.test(value)) return Number(value) * 1000
  throw queryError('The query is not valid: a date is written 2026/11/26.')
}

const DAY_S = 86_400
const PERIODS: Readonly<Record<string, number>> = { d: DAY_S, m: 30 * DAY_S, y: 365 * DAY_S, h: 3600 }

function secondsOf(value: string): number {
  const period = /^(\d{1,5})([dmyh])$/i.exec(value)
  if (!period) throw queryError('The query is not valid: a period is written 2d, 3m or 1y.')
  return Number(period[1]) * (PERIODS[(period[2] as string).toLowerCase()] as number)
}

const SIZES: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

function octetsOf(value: string): number {
  const size = /^(\d{1,12})([kmg]?)b?$/i.exec(value)
  if (!size) throw queryError('The query is not valid: a size is written 1000, 10K or 5M.')
  return Number(size[1]) * (SIZES[(size[2] as string).toLowerCase()] as number)
}
