import { decodeCharset } from './charsets.ts'
import { unfoldValue } from './headers.ts'
import { Scanner } from './scanner.ts'
import type { ContentFields, Disposition, HeaderField, OctetString, Parameter } from './types.ts'

/** The surroundings of a message or part. */
export interface Surroundings {
  /** Whether it is a part of a multipart, and so MIME without a MIME-Version field. */
  readonly inMultipart: boolean
  /** Whether it is a part of a multipart/digest, whose default type is message/rfc822. RFC 2046 section 5.1.5. */
  readonly inDigest: boolean
}

const defaultContent = (inDigest: boolean): ContentFields =>
  inDigest ? { type: 'message', subtype: 'rfc822', params: [] } : { type: 'text', subtype: 'plain', params: [] }

type Reader = (value: OctetString) => Partial<ContentFields>

/** One row per header field. If a field is repeated, the first one counts. RFC 2045, 2183, 1864, 3282, 2557. */
const READERS: ReadonlyMap<string, Reader> = new Map([
  ['content-type', contentType],
  ['content-id', (id): Partial<ContentFields> => ({ id })],
  ['content-description', (description): Partial<ContentFields> => ({ description })],
  ['content-transfer-encoding', transferEncoding],
  ['content-md5', (md5): Partial<ContentFields> => ({ md5 })],
  ['content-disposition', disposition],
  ['content-language', language],
  ['content-location', (location): Partial<ContentFields> => ({ location })],
])

/**
 * Reads the Content fields of a message or part. In a message that has neither `MIME-Version` nor `Content-Type`, the
 * other Content fields are ignored (RFC 2045 section 4).
 */
export function headerContent(
  raw: Buffer,
  fields: readonly HeaderField[],
  { inMultipart, inDigest }: Surroundings,
): ContentFields {
  let isMime = inMultipart
  const found = defaultContent(inDigest)
  const seen: string[] = []
  for (const field of fields) {
    const { nameLower } = field
    if (nameLower === 'mime-version' || nameLower === 'content-type') isMime = true
    const reader = READERS.get(nameLower)
    if (!reader || seen.includes(nameLower)) continue
    seen.push(nameLower)
    Object.assign(found, reader(unfoldValue(raw, field)))
  }
  return isMime ? found : defaultContent(inDigest)
}

const BROKEN = { type: '', subtype: '' } as const

/**
 * Reads `type/subtype` and parameters. Returns empty strings for a type with a syntax error, so that no caller relies on
 * a part of it (RFC 2045 section 5.1). `isText` counts it as text (RFC 2045 section 5.2).
 */
function contentType(value: OctetString): Partial<ContentFields> {
  const scanner = new Scanner(value)
  const type = scanner.token()
  if (scanner.ended) return { type, subtype: '' }
  if (type === '' || !scanner.take('/')) return BROKEN
  const subtype = scanner.token()
  if (subtype === '' || !(scanner.ended || scanner.next === ';')) return BROKEN
  return { type, subtype, params: parameters(scanner) }
}

/** Reads an encoding. A value that is not exactly one token is ignored. RFC 2045 section 6.1. */
function transferEncoding(value: OctetString): Partial<ContentFields> {
  const scanner = new Scanner(value)
  const encoding = scanner.token()
  return encoding === '' || !scanner.ended ? {} : { encoding }
}

/** Reads Content-Disposition. Accepts a quoted type, which some programs write. RFC 2183 section 2. */
function disposition(value: OctetString): Partial<ContentFields> {
  const scanner = new Scanner(value)
  const type = (scanner.next === '"' ? scanner.quotedString() : scanner.token()) ?? ''
  const disposition: Disposition = { type, params: parameters(scanner) }
  return type === '' && disposition.params.length === 0 ? {} : { disposition }
}

function language(value: OctetString): Partial<ContentFields> {
  const scanner = new Scanner(value)
  const tags: OctetString[] = []
  do tags.push(scanner.atom())
  while (scanner.take(','))
  const language = tags.filter((tag) => tag !== '')
  return language.length === 0 ? {} : { language }
}

/** Limit of a list, for mail made to exhaust memory or time. The parameters after it are ignored. */
const MAX_PARAMETERS = 1_000

/**
 * Reads the `;name=value` list at the scanner. Joins continuations and decodes extended values to UTF-8 under their plain
 * name (RFC 2231, required by RFC 9051 section 7.5.2). Skips broken parameters. The first of several with one name counts.
 */
export function parameters(scanner: Scanner): Parameter[] {
  const found: Parameter[] = []
  while (!scanner.ended && found.length < MAX_PARAMETERS) {
    const parameter = scanner.take(';') ? oneParameter(scanner) : undefined
    if (parameter) found.push(parameter)
    else if (scanner.next !== ';' && !scanner.ended) scanner.at++
  }
  return unique(found.some(({ name }) => name.includes('*')) ? joinContinuations(found) : found)
}

function oneParameter(scanner: Scanner): Parameter | undefined {
  const name = scanner.token()
  if (name === '' || !scanner.take('=')) return undefined
  const value = parameterValue(scanner)
  return value === undefined ? undefined : { name, value }
}

function parameterValue(scanner: Scanner): OctetString | undefined {
  if (scanner.next === '"') return scanner.quotedString()
  if (scanner.next !== '=') return scanner.token()
  const start = scanner.at // an encoded-word instead of a token, which is common
  while (!scanner.ended && !/[; \t\r\n]/.test(scanner.next)) scanner.at++
  const value = scanner.text.slice(start, scanner.at)
  scanner.skip()
  return value
}

function unique(found: readonly Parameter[]): Parameter[] {
  const names = new Set<string>()
  return found.filter(({ name }) => names.size < names.add(name.toLowerCase()).size)
}

interface Piece extends Parameter {
  readonly index: number
  readonly extended: boolean
}

/** Joins `name*0`, `name*1*` … to one parameter, after the plain ones. RFC 2231 section 4.1. */
function joinContinuations(found: readonly Parameter[]): Parameter[] {
  const whole: Parameter[] = []
  const pieces = new Map<string, Piece[]>()
  for (const parameter of found) {
    const [, name = '', index, star] = /^([^*]+)\*(\d{1,5})?(\*?)$/.exec(parameter.name) ?? []
    const piece = {
      name,
      index: Number(index ?? 0),
      extended: index === undefined || star === '*',
      value: parameter.value,
    }
    if (name === '') whole.push(parameter)
    else if (index === undefined) whole.push(...joinPieces([piece]))
    else if (!pieces.get(name.toLowerCase())?.push(piece)) pieces.set(name.toLowerCase(), [piece])
  }
  return [...whole, ...[...pieces.values()].flatMap(joinPieces)]
}

/** Joins the pieces of one parameter. Leaves them as they are if their numbers are not 0, 1, 2 … */
function joinPieces(pieces: readonly Piece[]): Parameter[] {
  const inOrder = [...pieces].sort((a, b) => a.index - b.index)
  const [first] = inOrder
  if (!first || inOrder.some((piece, i) => piece.index !== i)) {
    return pieces.map(({ name, index, extended, value }) => ({ name: `${name}*${index}${extended ? '*' : ''}`, value }))
  }
  if (!first.extended) return [{ name: first.name, value: inOrder.map((piece) => piece.value).join('') }]
  const [, charset = '', text = first.value] = /^([^']*)'[^']*'(.*)$/s.exec(first.value) ?? []
  const rest = inOrder.slice(1).map((piece) => (piece.extended ? percentDecoded(piece.value) : piece.value))
  return [{ name: first.name, value: toUtf8(percentDecoded(text) + rest.join(''), charset) }]
}

const percentDecoded = (value: OctetString): OctetString =>
  value.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))

const toUtf8 = (value: OctetString, charset: string): OctetString =>
  /[^\x20-\x7e]/.test(value)
    ? Buffer.from(decodeCharset(Buffer.from(value, 'latin1'), charset || undefined)).toString('latin1')
    : value
