import { randomUUID } from 'node:crypto'
import { formatDate } from './dates.ts'

/** A file to attach to a message. */
export interface DraftAttachment {
  readonly filename: string
  readonly content: string | Buffer
  readonly contentType?: string
  /** Content-ID without angle brackets: makes the file an inline part of the HTML. RFC 2392. */
  readonly cid?: string
}

/** The parts of a message to compose. From, Date and Message-ID have default values; other missing parts are left out. */
export interface MessageDraft {
  readonly from?: string
  readonly to?: string | readonly string[]
  readonly cc?: string | readonly string[]
  readonly subject?: string
  readonly text?: string
  readonly html?: string
  /** Further fields, and fields in place of the default ones, whatever the case of their names. */
  readonly headers?: Readonly<Record<string, string>>
  readonly attachments?: readonly DraftAttachment[]
}

interface Part {
  readonly headers: readonly string[]
  readonly body: string
}

type Libmime = typeof import('libmime').default

/** RFC 5322 section 3.6.8 */
export const FIELD_NAME = /^[!-9;-~]+$/
/** RFC 5322 section 3.6.4, `msg-id`; without its syntax, only so that it stays within its angle brackets. */
export const CONTENT_ID = /^[^\x00-\x20\x7f<>]+$/

/** Returns whether a field is made from the content of a draft, so that the draft cannot set it. RFC 2045 sections 5 and 6. */
export const isMadeFromContent = (fieldName: string): boolean => /^content-(?:type|transfer-encoding)$/i.test(fieldName)

/**
 * Composes a MIME message in UTF-8 with text, HTML or both, and attachments. RFC 5322, RFC 2045, RFC 2046.
 * @throws TypeError if the name of a field or a Content-ID could not be read as one
 */
export async function compose(draft: MessageDraft, nowMs: number): Promise<Buffer> {
  // Loaded on demand: libmime's charset tables are large, and most labs compose no message.
  const { default: libmime } = await import('libmime')
  checkNames(draft)
  const fields = Object.entries({
    From: draft.from ?? 'sender@example.com',
    To: list(draft.to),
    Cc: list(draft.cc),
    Subject: draft.subject,
    Date: formatDate(nowMs),
    'Message-ID': `<${randomUUID()}@sealpost>`,
    'MIME-Version': '1.0',
  })
  // The case of a name means nothing. RFC 5322 section 1.2.2
  const given = Object.entries(draft.headers ?? {})
  const own = new Map(given.map((field) => [field[0].toLowerCase(), field]))
  const first = fields.map((field) => own.get(field[0].toLowerCase()) ?? field)
  const taken = new Set(fields.map(([name]) => name.toLowerCase()))
  const further = given.filter(([name]) => !taken.has(name.toLowerCase()))
  const { headers, body } = content(draft, libmime)
  return Buffer.from(`${await headerLines([...first, ...further])}${headers.join('\r\n')}\r\n\r\n${body}`, 'utf8')
}

/** @throws TypeError */
function checkNames({ headers = {}, attachments = [] }: MessageDraft): void {
  for (const name of Object.keys(headers)) {
    if (!FIELD_NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} is not the name of a header field`)
    if (isMadeFromContent(name)) throw new TypeError(`${name} is made from the content of the message`)
  }
  for (const { cid } of attachments) {
    if (cid !== undefined && !CONTENT_ID.test(cid)) throw new TypeError(`${JSON.stringify(cid)} is not a Content-ID`)
  }
}

/** Returns header fields as lines of a message, with encoded words for what is outside ASCII. RFC 5322 section 2.2.3, RFC 2047. */
export async function headerLines(
  fields: readonly (readonly [name: string, value: string | undefined])[],
): Promise<string> {
  const { default: libmime } = await import('libmime')
  const lines = fields.flatMap(([name, value]) => {
    if (value === undefined) return []
    if (value.length > MAX_ENCODED_CHARS) return [`${name}: ${withLineOfEachWord(value)}`]
    const encoded = ADDRESSES.test(name)
      ? withEncodedNames(oneLine(value), libmime)
      : libmime.encodeWords(oneLine(value), 'Q', 52)
    return [libmime.foldLines(`${name}: ${encoded}`)]
  })
  return lines.map((line) => `${line}\r\n`).join('')
}

/** Fields that hold addresses. RFC 5322 sections 3.6.2, 3.6.3, 3.6.6 */
const ADDRESSES = /^(?:resent-)?(?:from|sender|reply-to|to|cc|bcc)$/i
/**
 * An address in angle brackets, a comment without its end, or words with quoted strings; other characters separate these. A
 * quoted string without an end is the rest, because a search for the end of each would take quadratic time. RFC 5322 section 3.4
 */
const LIST_PART = /<[^<>]*>|\(((?:[^()\\]|\\.?)*)|((?:"(?:[^"\\]|\\.?)*(?:"|$)|[^"<>(),:;])+)/g
const BEYOND_ASCII = /[^\x00-\x7f]/
/** Longer values are not encoded: a loop of a pattern keeps its way in 64 MiB of V8, and readers read only the beginning. */
const MAX_ENCODED_CHARS = 256 * 1024

const withLineOfEachWord = (value: string): string =>
  value.replaceAll(/[\r\n\0]/g, ' ').replaceAll(/ (?=[^ ])/g, '\r\n ')

const QUOTED = /"((?:[^"\\]|\\.?)*)(?:"|$)/g

/** Encodes the names and comments of an address list. An encoded word may contain no address and no comma. RFC 2047 section 5. */
function withEncodedNames(value: string, libmime: Libmime): string {
  if (!BEYOND_ASCII.test(value)) return value
  return value.replaceAll(LIST_PART, (part: string, comment: string | undefined, words = '') => {
    if (!BEYOND_ASCII.test(part)) return part
    if (comment !== undefined) return `(${libmime.encodeWord(comment, 'Q', 52)}`
    // An address stays as it is, also without angle brackets. RFC 6532 section 3.2
    if (words === '' || words.replaceAll(QUOTED, '').includes('@')) return part
    const name = words.trim()
    const text = name.replaceAll(QUOTED, (_: string, quoted: string) => quoted.replaceAll(/\\(.)/g, '$1'))
    return part.replace(name, () => libmime.encodeWord(text, 'Q', 52))
  })
}

/** A line break in a value would begin another field, or the body. RFC 5322 section 2.2. */
const oneLine = (value: string): string => value.replaceAll(/[\r\n\0]+[ \t]*/g, ' ')

/** Returns the value of a field of addresses; undefined for an empty list. */
const list = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.join(', ') || undefined

function content(draft: MessageDraft, libmime: Libmime): Part {
  const alternatives = [
    ...(draft.text !== undefined || draft.html === undefined ? [textPart('plain', draft.text ?? '')] : []),
    ...(draft.html === undefined ? [] : [textPart('html', draft.html)]),
  ]
  const body = alternatives.length === 1 ? (alternatives[0] as Part) : multipart('alternative', alternatives)
  const partsOf = (isInline: boolean): Part[] =>
    (draft.attachments ?? [])
      .filter(({ cid }) => (cid !== undefined) === isInline)
      .map((attachment) => attachmentPart(attachment, libmime))
  const [inline, attachments] = [partsOf(true), partsOf(false)]
  const shown = inline.length === 0 ? body : multipart('related', [body, ...inline])
  return attachments.length === 0 ? shown : multipart('mixed', [shown, ...attachments])
}

const textPart = (subtype: string, text: string): Part => ({
  headers: [`Content-Type: text/${subtype}; charset=utf-8`, 'Content-Transfer-Encoding: base64'],
  body: base64(Buffer.from(text, 'utf8')),
})

function attachmentPart({ filename, content: data, contentType, cid }: DraftAttachment, libmime: Libmime): Part {
  const name = libmime.buildHeaderValue({
    value: cid === undefined ? 'attachment' : 'inline',
    params: { filename: oneLine(filename) },
  })
  return {
    headers: [
      `Content-Type: ${oneLine(contentType ?? '') || libmime.detectMimeType(filename)}`,
      `Content-Disposition: ${name}`,
      ...(cid === undefined ? [] : [`Content-ID: <${cid}>`]),
      'Content-Transfer-Encoding: base64',
    ],
    body: base64(Buffer.from(data as Buffer)),
  }
}

function multipart(subtype: string, parts: readonly Part[]): Part {
  const boundary = `=_${randomUUID()}`
  const body = parts.map((part) => `--${boundary}\r\n${part.headers.join('\r\n')}\r\n\r\n${part.body}\r\n`).join('')
  return {
    headers: [`Content-Type: multipart/${subtype}; boundary="${boundary}"`],
    body: `${body}--${boundary}--\r\n`,
  }
}

/** Encodes in lines of 76 characters. RFC 2045 section 6.8. */
const base64 = (octets: Buffer): string => octets.toString('base64').replace(/.{76}(?=.)/g, '$&\r\n')
