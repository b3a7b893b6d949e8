import { unfolded } from './headers.ts'
import { parameters } from './parameters.ts'
import { Scanner } from './scanner.ts'
import type { ContentFields, Disposition, HeaderField, OctetString } from './types.ts'

/** What `headerContent` found: the fields, and whether there was a Content-Type among them. */
export interface Content extends ContentFields {
  readonly typed: boolean
}

const PLAIN = { type: 'text', subtype: 'plain', params: [] } as const

type Reader = (value: OctetString) => Partial<ContentFields>

/** One row a header field; a field that comes twice counts once, the first. RFC 2045, 2183, 1864, 3282, 2557. */
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
 * Reads an entity's Content fields. Without `MIME-Version` and without `Content-Type` a message is no MIME message and
 * its other Content fields mean nothing (RFC 2045 section 4); parts of a multipart are MIME by birth (`born`).
 */
export function headerContent(raw: Buffer, fields: readonly HeaderField[], born: boolean): Content {
  let isMime = born
  const found: Partial<ContentFields> = {}
  const seen = new Set<string>()
  for (const field of fields) {
    const { nameLower } = field
    if (!nameLower.startsWith('content-')) {
      if (nameLower === 'mime-version') isMime = true
      continue
    }
    const reader = READERS.get(nameLower)
    if (!reader || seen.has(nameLower)) continue
    seen.add(nameLower)
    Object.assign(found, reader(unfolded(raw, field)))
  }
  const typed = seen.has('content-type')
  return isMime || typed ? { ...PLAIN, ...found, typed } : { ...PLAIN, typed }
}

const BROKEN = { type: '', subtype: '' } as const

/**
 * `type/subtype` and parameters. A type that breaks the grammar is shown as empty, so that nobody takes it for what it
 * half says; for people it is read as text (RFC 2045 section 5.2). RFC 2045 section 5.1.
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

/** One token and nothing else, or it does not count. RFC 2045 section 6.1. */
function transferEncoding(value: OctetString): Partial<ContentFields> {
  const scanner = new Scanner(value)
  const encoding = scanner.token()
  return encoding === '' || !scanner.ended ? {} : { encoding }
}

/** RFC 2183 section 2; the type in quotes, as some write it, is understood. */
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
