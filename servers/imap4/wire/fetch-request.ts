import type { OctetString } from '../../../src/mail/format/types.ts'
import { bad } from '../reply.ts'
import type { Cursor } from './cursor.ts'
import { type PartialRange, partialRange } from './sequence-set.ts'
import { astringForm } from './text.ts'

/** FETCH items without a section. */
const PLAIN_ITEMS = [
  'FLAGS',
  'UID',
  'INTERNALDATE',
  'RFC822.SIZE',
  'ENVELOPE',
  'BODY',
  'BODYSTRUCTURE',
  'MODSEQ', // RFC 7162
  'EMAILID', // RFC 8474
  'THREADID', // RFC 8474
  'SAVEDATE', // RFC 8514
  'PREVIEW', // RFC 8970
  'X-GM-MSGID', // Gmail's X-GM-EXT-1
  'X-GM-THRID',
  'X-GM-LABELS',
] as const
export type PlainItem = (typeof PLAIN_ITEMS)[number]

/** A section of a message. RFC 9051 section 6.4.5.1. */
export interface Section {
  readonly path: readonly number[]
  readonly text?: 'HEADER' | 'TEXT' | 'MIME'
  /** For HEADER.FIELDS and HEADER.FIELDS.NOT, with names in lower case. */
  readonly fields?: { readonly names: ReadonlySet<string>; readonly not: boolean }
}

/** `<start.length>`: a part of a section. RFC 9051 section 6.4.5. */
export interface PartialOctets {
  readonly start: number
  readonly octets: number
}

export type FetchItem =
  | { readonly kind: PlainItem }
  | {
      readonly kind: 'section' | 'binary' | 'binary-size'
      /** Its name in the response: as the client wrote it, without `.PEEK`. */
      readonly label: OctetString
      readonly peek: boolean
      readonly section: Section
      readonly range?: PartialOctets
    }

const MACROS: Readonly<Record<string, readonly PlainItem[]>> = {
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  FULL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'],
}

/** Items of IMAP4rev1 that stand for sections. RFC 3501 section 6.4.5. */
const OLD_ITEMS: Readonly<Record<string, { readonly section: Section; readonly peek: boolean }>> = {
  RFC822: { section: { path: [] }, peek: false },
  'RFC822.HEADER': { section: { path: [], text: 'HEADER' }, peek: true },
  'RFC822.TEXT': { section: { path: [], text: 'TEXT' }, peek: false },
}

const NAME = /[A-Z0-9.]+(?:-[A-Z]+)*/iy
const PATH = /\d+(?:\.\d+)*/y
const SECTION_TEXT = /HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME/iy

/** Reads a macro, an item, or a list of items. RFC 9051 section 6.4.5. */
export function fetchItems(cursor: Cursor): FetchItem[] {
  if (cursor.ahead === '(') return cursor.list(fetchItem)
  const name = cursor.match(NAME)?.toUpperCase() ?? ''
  const macro = Object.hasOwn(MACROS, name) ? MACROS[name] : undefined
  return macro ? macro.map((kind) => ({ kind })) : [namedItem(cursor, name)]
}

function fetchItem(cursor: Cursor): FetchItem {
  return namedItem(cursor, cursor.match(NAME)?.toUpperCase() ?? '')
}

function namedItem(cursor: Cursor, name: string): FetchItem {
  const old = Object.hasOwn(OLD_ITEMS, name) ? OLD_ITEMS[name] : undefined
  if (old) return { kind: 'section', label: name, ...old }
  if (cursor.ahead === '[') return sectionItem(cursor, name)
  if (name === 'PREVIEW' && cursor.take(' (LAZY)')) return { kind: 'PREVIEW' } // every preview is made immediately
  const kind = PLAIN_ITEMS.find((item) => item === name)
  if (!kind) throw name === '' ? cursor.missing('a FETCH item') : bad(`Unknown FETCH item ${name}.`)
  return { kind }
}

const SECTION_ITEMS = {
  BODY: { kind: 'section', peek: false, name: 'BODY' },
  'BODY.PEEK': { kind: 'section', peek: true, name: 'BODY' },
  BINARY: { kind: 'binary', peek: false, name: 'BINARY' },
  'BINARY.PEEK': { kind: 'binary', peek: true, name: 'BINARY' },
  'BINARY.SIZE': { kind: 'binary-size', peek: true, name: 'BINARY.SIZE' },
} as const

function sectionItem(cursor: Cursor, itemName: string): FetchItem {
  const row = Object.hasOwn(SECTION_ITEMS, itemName) ? SECTION_ITEMS[itemName as keyof typeof SECTION_ITEMS] : undefined
  if (!row) throw bad(`Unknown FETCH item ${itemName}[].`)
  const { kind, peek, name } = row
  cursor.expect('[')
  const path = (cursor.match(PATH)?.split('.') ?? []).map(Number)
  if (path.includes(0)) throw bad('Part numbers start at 1.')
  const section =
    kind === 'section' && (path.length === 0 || cursor.take('.'))
      ? sectionText(cursor, path)
      : { path, form: path.join('.') }
  cursor.expect(']')
  const range = kind !== 'binary-size' && cursor.take('<') ? partialOctets(cursor) : undefined
  const label = `${name}[${section.form}]${range ? `<${range.start}>` : ''}`
  const { form: _, ...rest } = section
  return { kind, label, peek, section: rest, ...(range ? { range } : {}) }
}

function sectionText(cursor: Cursor, path: readonly number[]): Section & { form: OctetString } {
  const numbers = path.map((number) => `${number}.`).join('')
  const keyword = cursor.match(SECTION_TEXT)?.toUpperCase()
  if (keyword === undefined) {
    if (path.length > 0) throw cursor.missing('HEADER, TEXT or MIME')
    return { path, form: '' }
  }
  if (keyword === 'MIME' && path.length === 0) throw bad('MIME needs a part number.')
  if (keyword === 'HEADER' || keyword === 'TEXT' || keyword === 'MIME')
    return { path, text: keyword, form: numbers + keyword }
  cursor.space()
  const names = cursor.list((inner) => inner.astring())
  const fields = { names: new Set(names.map((name) => name.toLowerCase())), not: keyword.endsWith('NOT') }
  // Outlook Express finds the fields only if the label repeats its spelling and order.
  return { path, text: 'HEADER', fields, form: `${numbers}${keyword} (${names.map(astringForm).join(' ')})` }
}

function partialOctets(cursor: Cursor): PartialOctets {
  const start = cursor.number64()
  cursor.expect('.')
  const octets = cursor.number64()
  if (octets === 0) throw bad('The length of a partial fetch must not be 0.')
  cursor.expect('>')
  return { start, octets }
}

/** The modifiers that limit a FETCH. RFC 7162 section 3.1.4; RFC 9394 section 3.3. */
export interface FetchModifiers {
  readonly changedSince?: number
  readonly vanished?: true
  readonly partial?: PartialRange
}

/** Reads `(CHANGEDSINCE n VANISHED)` or `(PARTIAL 1:10)`. */
export function fetchModifiers(cursor: Cursor): FetchModifiers {
  let modifiers: FetchModifiers = {}
  cursor.list(() => {
    const name = cursor.keyword()
    if (name === 'VANISHED') {
      modifiers = { ...modifiers, vanished: true }
      return
    }
    cursor.space()
    if (name === 'CHANGEDSINCE') modifiers = { ...modifiers, changedSince: cursor.number64() }
    else if (name === 'PARTIAL') modifiers = { ...modifiers, partial: partialRange(cursor) }
    else throw bad(`Unknown FETCH modifier ${name}.`)
  })
  // RFC 7162 section 3.2.6
  if (modifiers.vanished && modifiers.changedSince === undefined) throw bad('VANISHED needs CHANGEDSINCE.')
  return modifiers
}
