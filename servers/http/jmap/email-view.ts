import { isUtf8 } from 'node:buffer'
import { GrowingBuffer } from '../../../src/core/octets/growing-buffer.ts'
import { HEAP_SHARE } from '../../../src/core/octets/heap-share.ts'
import type { Steps } from '../../../src/core/time/time-slice.ts'
import { filenameOf } from '../../../src/mail/format/attachments.ts'
import { bodyLists, mediaTypeOf } from '../../../src/mail/format/body-lists.ts'
import { charsetDecoder, decodeRawText } from '../../../src/mail/format/charsets.ts'
import { headerFields } from '../../../src/mail/format/headers.ts'
import { htmlTokens } from '../../../src/mail/format/html-text.ts'
import { appendPartText, partOctetsOrRawInSteps, transferEncoding } from '../../../src/mail/format/parts.ts'
import type { HeaderField, MessagePart, OctetString } from '../../../src/mail/format/types.ts'
import { parameterText } from '../../../src/mail/format/words.ts'
import { isBoolean, isInteger, isStrings, optional } from './checks.ts'
import { headerForm, headerProperty, NAMED_HEADERS, rawValue } from './header-forms.ts'
import { invalid, type JsonObject, type MethodCall, MethodError } from './types.ts'

/** The properties of an Email that come from its parts. RFC 8621 section 4.1.4. */
const BODY_PROPERTIES = ['bodyStructure', 'bodyValues', 'textBody', 'htmlBody', 'attachments'] as const
/** The properties that come from the octets: of the header, of the parts, and those that `MessageFacts` hold. */
export const CONTENT_PROPERTIES = ['headers', ...NAMED_HEADERS.keys(), 'hasAttachment', 'preview', ...BODY_PROPERTIES]

export const isBodyProperty = (name: string): boolean => BODY_PROPERTIES.some((one) => one === name)
export const isHeaderProperty = (name: string): boolean =>
  name === 'headers' || NAMED_HEADERS.has(name) || headerProperty(name) !== undefined

/** RFC 8621 section 4.2 */
export const VIEW_ARGUMENTS = [
  ...['bodyProperties', 'fetchTextBodyValues', 'fetchHTMLBodyValues', 'fetchAllBodyValues', 'maxBodyValueBytes'],
]
const PART_PROPERTIES = [
  'partId',
  'blobId',
  'size',
  'name',
  'type',
  'charset',
  'disposition',
  'cid',
  'language',
  'location',
]

/** Properties of a message or a part at most. */
const MAX_PROPERTIES = 200
/** Octets of header values and body values that a request returns. Longer body values are cut. */
export const MAX_ANSWER_OCTETS = Math.min(16 * 1024 * 1024, HEAP_SHARE)

/** The octets of a message, and what is known of them. */
export interface Viewed {
  /** The whole message, or its header if no property of the body is wanted. */
  readonly raw: Buffer
  /** Undefined if only the header is there. */
  readonly structure: MessagePart | undefined
  readonly blobId: string
}

/** Shows messages to one method call. */
export class EmailView {
  readonly #partProperties: readonly string[]
  readonly #fetches: Readonly<Record<'text' | 'html' | 'all', boolean>>
  readonly #maxOctets: number
  readonly #answer: MethodCall['answer']

  /** @throws MethodError `invalidArguments` */
  constructor(call: MethodCall, properties: readonly string[]) {
    this.#answer = call.answer
    this.#partProperties = optional(call, 'bodyProperties', isStrings) ?? PART_PROPERTIES
    if (Math.max(properties.length, this.#partProperties.length) > MAX_PROPERTIES)
      throw invalid(`the call names more than ${MAX_PROPERTIES} properties`)
    const unknown = this.#partProperties.find(
      (one) => !['headers', 'subParts', ...PART_PROPERTIES].includes(one) && !headerProperty(one),
    )
    if (unknown !== undefined) throw invalid(`EmailBodyPart has no property ${unknown}`)
    const flag = (name: string): boolean => optional(call, name, isBoolean) ?? false
    this.#fetches = {
      text: flag('fetchTextBodyValues'),
      html: flag('fetchHTMLBodyValues'),
      all: flag('fetchAllBodyValues'),
    }
    const most = optional(call, 'maxBodyValueBytes', isInteger) ?? 0
    if (most < 0) throw invalid('maxBodyValueBytes is negative')
    this.#maxOctets = most || Number.POSITIVE_INFINITY
  }

  /** Returns properties of the header and of the parts, in steps. @throws MethodError `requestTooLarge` */
  *show({ raw, structure, blobId }: Viewed, properties: readonly string[]): Steps<JsonObject> {
    const fields = headerFields(raw)
    const shown: [string, unknown][] = []
    for (const name of properties.filter(isHeaderProperty)) {
      shown.push([name, this.#header(raw, fields, name)])
      yield
    }
    if (!structure || !properties.some(isBodyProperty)) return Object.fromEntries(shown)
    const paths = pathsOf(structure)
    const lists = bodyLists(structure)
    const viewed = { raw, structure, blobId, paths, sizes: new Map<MessagePart, number>() }
    for (const name of properties) {
      if (name === 'bodyStructure') shown.push([name, yield* this.#part(viewed, structure, true)])
      const list = { textBody: lists.text, htmlBody: lists.html, attachments: lists.attachments }[name]
      if (list) {
        const parts: JsonObject[] = []
        for (const part of list) parts.push(yield* this.#part(viewed, part, false))
        shown.push([name, parts])
      }
    }
    if (properties.includes('bodyValues')) {
      const { text, html, all } = this.#fetches
      const wanted = [...(all ? paths.keys() : []), ...(text ? lists.text : []), ...(html ? lists.html : [])]
      const values: [string, JsonObject][] = []
      for (const part of new Set(wanted))
        if (part.kind === 'leaf' && /^text\//.test(mediaTypeOf(part)))
          values.push([paths.get(part) ?? '', yield* this.#value(raw, part)])
      shown.push(['bodyValues', Object.fromEntries(values)])
    }
    return Object.fromEntries(shown)
  }

  #header(raw: Buffer, fields: readonly HeaderField[], name: string): unknown {
    const property = NAMED_HEADERS.get(name) ?? headerProperty(name)
    const named = property?.field.toLowerCase()
    // A line without a colon is not a field.
    const found = fields.filter(({ nameLower }) => (named === undefined ? nameLower !== '' : nameLower === named))
    for (const { start, end } of found) this.#answer.octetsLeft -= end - start
    if (this.#answer.octetsLeft < 0)
      throw new MethodError('requestTooLarge', `the headers have more than ${MAX_ANSWER_OCTETS} octets; ask for less`)
    if (property) return headerForm(raw, found, property)
    return found.map((field) => ({ name: field.name, value: rawValue(raw, field) }))
  }

  /** Returns an EmailBodyPart. RFC 8621 section 4.1.4. */
  *#part(viewed: ViewedParts, part: MessagePart, isWhole: boolean): Steps<JsonObject> {
    const { raw, blobId, paths } = viewed
    const isMultipart = part.kind === 'multipart'
    const path = paths.get(part)
    const hasFields = this.#partProperties.some(isHeaderProperty)
    const fields = hasFields ? headerFields(raw, part.headerStart, part.bodyStart) : []
    const shown: Record<string, unknown> = {}
    for (const name of this.#partProperties) {
      if (name === 'partId') shown[name] = isMultipart ? null : path
      else if (name === 'blobId') shown[name] = isMultipart ? null : `${blobId}-${path?.replaceAll('.', '_')}`
      else if (name === 'size') shown[name] = isMultipart ? 0 : yield* sizeOf(viewed, part)
      else if (name === 'headers' || name.startsWith('header:')) shown[name] = this.#header(raw, fields, name)
      else if (name !== 'subParts') shown[name] = FACTS[name]?.(part) ?? null
    }
    yield
    if (isMultipart && isWhole) {
      const subParts: JsonObject[] = []
      for (const child of part.children) subParts.push(yield* this.#part(viewed, child, true))
      shown.subParts = subParts
    } else if (this.#partProperties.includes('subParts')) shown.subParts = null
    return shown
  }

  /** Returns an EmailBodyValue. RFC 8621 section 4.1.4. */
  *#value(raw: Buffer, part: MessagePart): Steps<JsonObject> {
    // A call whose headers were too large leaves less than nothing.
    const most = Math.max(0, Math.min(this.#maxOctets, this.#answer.octetsLeft))
    // The octets of a character, each encoded as `=F0`, and of a soft line end before it.
    const bodyEnd = Math.min(part.bodyEnd, part.bodyStart + MAX_ENCODED * (most + 1))
    const start = { ...part, bodyEnd }
    const text = GrowingBuffer.withRoom(bodyEnd - part.bodyStart)
    yield* appendPartText(text, raw, start, (piece) => piece.replaceAll('\r\n', '\n'))
    const isTruncated = bodyEnd < part.bodyEnd || text.length > most
    const octets = isTruncated ? text.octets.subarray(0, characterEnd(text.octets, most)) : text.octets
    // Where the encoded content was cut, a character may be incomplete.
    let value = octets.toString().replace(bodyEnd < part.bodyEnd ? /\ufffd$/ : /$^/, '')
    if (isTruncated && part.subtype.toLowerCase() === 'html') value = yield* withoutOpenTag(value)
    this.#answer.octetsLeft -= octets.length
    return { value, isEncodingProblem: yield* hasProblem(raw, start, value, bodyEnd < part.bodyEnd), isTruncated }
  }
}

const MAX_ENCODED = 16

interface ViewedParts extends Viewed {
  readonly paths: ReadonlyMap<MessagePart, string>
  readonly sizes: Map<MessagePart, number>
}

/** Returns the size of the decoded content of a part, which may be in several lists. */
function* sizeOf({ raw, sizes }: ViewedParts, part: MessagePart): Steps<number> {
  const size = sizes.get(part) ?? (yield* partOctetsOrRawInSteps(raw, part)).length
  sizes.set(part, size)
  return size
}

/** Returns the IMAP section numbers of the leaves of a message, in order; a multipart has an empty one. RFC 9051 section 6.4.5.1. */
function pathsOf(structure: MessagePart): Map<MessagePart, string> {
  const paths = new Map<MessagePart, string>()
  const visit = (part: MessagePart, path: string): void => {
    paths.set(part, part.kind === 'multipart' ? '' : path || '1')
    for (const [index, child] of part.children.entries()) visit(child, `${path && `${path}.`}${index + 1}`)
  }
  visit(structure, '')
  return paths
}

const shownValue = (value: OctetString | undefined): string | null => (value ? decodeRawText(value) : null)

/** The properties of a part that its Content fields have. RFC 8621 section 4.1.4. */
const FACTS: Readonly<Record<string, (part: MessagePart) => unknown>> = {
  name: (part) => filenameOf(part) ?? null,
  type: (part) => decodeRawText(mediaTypeOf(part)),
  charset: (part) =>
    /^text\//.test(mediaTypeOf(part)) && part.kind === 'leaf'
      ? (parameterText(part.params, 'charset') ?? 'us-ascii')
      : null,
  disposition: ({ disposition }) => shownValue(disposition?.type.toLowerCase()),
  cid: ({ id }) => shownValue(id?.replaceAll(/^[^<]*<|>[^>]*$/g, '').trim()),
  language: ({ language }) => language?.map(decodeRawText) ?? null,
  location: ({ location }) => shownValue(location),
}

/** Returns where the last whole character ends within octets of UTF-8. */
function characterEnd(octets: Buffer, most: number): number {
  let end = Math.min(most, octets.length)
  while (end > 0 && end < octets.length && ((octets[end] as number) & 0xc0) === 0x80) end--
  return end
}

/** Returns HTML without a tag at its end that is cut. RFC 8621 section 4.2. */
function* withoutOpenTag(html: string): Steps<string> {
  let open = -1
  const startEnd = (): void => {
    open = -1
  }
  yield* htmlTokens(html, {
    start: (_, at) => {
      open = at
    },
    startEnd,
  })
  const last = html.lastIndexOf('<')
  const isCut = last > html.lastIndexOf('>') && /^<(?:[!/?a-z]|$)/i.test(html.slice(last, last + 2))
  const end = open >= 0 ? open : isCut ? last : html.length
  return html.slice(0, end)
}

/** Whether the text of a part may not be what was written: an unknown encoding or charset, or octets that it does not have. */
function* hasProblem(raw: Buffer, part: MessagePart, text: string, isCut: boolean): Steps<boolean> {
  const charset = parameterText(part.params, 'charset')?.trim().toLowerCase()
  const isUnknown = charset !== undefined && charsetDecoder(charset) === undefined
  if (transferEncoding(part) === undefined || isUnknown) return true
  if (!/[^\x00-\x7f]/.test(text)) return false
  if (charset === 'us-ascii' || charset === 'ascii') return true
  if (charset !== undefined && !text.includes('\ufffd')) return false
  // Without a charset, the text is UTF-8 if it can be; U+FFFD may have been written.
  if (charset !== undefined && !/^utf-?8$/.test(charset)) return true
  const octets = yield* partOctetsOrRawInSteps(raw, part)
  return !isUtf8(isCut ? octets.subarray(0, characterEnd(octets, octets.length - 1)) : octets)
}
