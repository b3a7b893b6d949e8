import { randomUUID } from 'node:crypto'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { CONTENT_ID } from '../../../src/mail/format/compose.ts'
import { LineLength } from '../../../src/mail/format/line-length.ts'
import { base64, quotedPrintable } from '../../../src/mail/format/seven-bit.ts'
import { isString, isStrings } from './checks.ts'
import { headerProperty, NAMED_HEADERS } from './header-forms.ts'
import { headerLinesOf, parameterLines } from './header-lines.ts'
import { invalidProperties, type JsonObject } from './types.ts'

/** A message to create. */
export interface Draft {
  /** The lines of the fields that the client has set. */
  readonly header: readonly string[]
  /** The names of these fields, in lower case. */
  readonly fields: ReadonlySet<string>
  readonly root: DraftPart
}

interface DraftPart {
  /** In lower case. */
  readonly type: string
  /** The Content-Type field without a boundary. */
  readonly contentType: string
  /** The lines of the other fields. */
  readonly header: readonly string[]
  readonly content: { readonly text: string } | { readonly blobId: string } | { readonly parts: readonly DraftPart[] }
}

/** Parts of a message at most. */
const MAX_PARTS = 1_000

/** The properties of an EmailBodyPart, and the field that each represents. RFC 8621 section 4.1.4. */
const PART_PROPERTIES: ReadonlyMap<string, string | undefined> = new Map(
  Object.entries({
    partId: undefined,
    blobId: undefined,
    size: undefined,
    subParts: undefined,
    headers: undefined,
    type: 'content-type',
    charset: 'content-type',
    name: 'content-disposition',
    disposition: 'content-disposition',
    cid: 'content-id',
    language: 'content-language',
    location: 'content-location',
  }),
)

const TOKEN = /^[\w!#$%&'*+.^`{|}~-]{1,100}$/
const MEDIA_TYPE = /^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}$/

/** Returns the message that the properties of an Email describe. @throws SetError `invalidProperties`, with all that is wrong */
export function readDraft(email: JsonObject): Draft {
  const reader = new DraftReader(email)
  const draft = reader.read()
  if (reader.mistakes.size === 0) return draft
  const why = Array.from(reader.mistakes, ([property, mistake]) => `${property} ${mistake}`)
  throw invalidProperties([...reader.mistakes.keys()], why.join('; '))
}

class DraftReader {
  /** The mistakes in properties, by their paths. */
  readonly mistakes = new Map<string, string>()
  readonly #email: JsonObject
  readonly #values = new Map<string, string>()
  #parts = 0

  constructor(email: JsonObject) {
    this.#email = email
  }

  read(): Draft {
    for (const name of ['id', 'blobId', 'threadId', 'size', 'hasAttachment', 'preview'])
      if (name in this.#email) this.#refuse(name, 'is set by the server')
    this.#readValues()
    const { lines, fields } = this.#header(this.#email, '')
    for (const [field, property] of fields)
      if (field.startsWith('content-')) this.#refuse(property, 'belongs to a body part') // RFC 8621 section 4.6
    const root = this.#root(fields)
    return { header: lines, fields: new Set(fields.keys()), root }
  }

  #refuse(property: string, mistake: string): void {
    if (!this.mistakes.has(property)) this.mistakes.set(property, mistake)
  }

  #readValues(): void {
    const { bodyValues } = this.#email
    for (const [partId, body] of Object.entries(isMapping(bodyValues) ? bodyValues : {})) {
      const { value, isEncodingProblem = false, isTruncated = false } = isMapping(body) ? body : {}
      if (typeof value !== 'string') this.#refuse(`bodyValues/${partId}`, 'has no value')
      // RFC 8621 section 4.6
      else if (isEncodingProblem !== false || isTruncated !== false)
        this.#refuse(`bodyValues/${partId}`, 'has isEncodingProblem or isTruncated')
      else this.#values.set(partId, value)
    }
    if (!isMapping(bodyValues ?? {})) this.#refuse('bodyValues', 'is not a map of body values')
  }

  /** Reads the properties that stand for header fields. */
  #header(object: JsonObject, path: string): { lines: string[]; fields: Map<string, string> } {
    const lines: string[] = []
    const fields = new Map<string, string>()
    for (const [name, value] of Object.entries(object)) {
      const property = (path === '' ? NAMED_HEADERS.get(name) : undefined) ?? headerProperty(name)
      if (!property) {
        if (name.startsWith('header:')) this.#refuse(path + name, 'is not a form that the field can have')
        continue
      }
      const field = property.field.toLowerCase()
      const other = fields.get(field)
      if (other !== undefined) this.#refuse(path + name, `represents the same field as ${other}`)
      if (other !== undefined) this.#refuse(other, `represents the same field as ${path}${name}`)
      fields.set(field, path + name)
      try {
        lines.push(...headerLinesOf(property, value))
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        this.#refuse(path + name, error.message)
      }
    }
    if ((object.headers ?? null) !== null) this.#refuse(`${path}headers`, 'cannot be set; set each field by a property')
    return { lines, fields }
  }

  /** @param fields those of the Email, which its bodyStructure cannot set again */
  #root(fields: ReadonlyMap<string, string>): DraftPart {
    const { bodyStructure } = this.#email
    const root = (bodyStructure ?? null) === null ? this.#fromLists() : this.#part(bodyStructure, 'bodyStructure', {})
    for (const line of root.header) {
      const name = line.slice(0, line.indexOf(':')).toLowerCase()
      if (fields.has(name)) this.#refuse(`${fields.get(name)}`, 'is a field of bodyStructure too')
    }
    if ((bodyStructure ?? null) !== null)
      for (const name of ['textBody', 'htmlBody', 'attachments'])
        if ((this.#email[name] ?? null) !== null) this.#refuse(name, 'cannot be there beside bodyStructure')
    return root
  }

  /** Makes a structure of textBody, htmlBody and attachments, whose lists `bodyLists` finds again. */
  #fromLists(): DraftPart {
    const texts = [...this.#body('textBody', 'text/plain'), ...this.#body('htmlBody', 'text/html')]
    const attached = this.#list('attachments').map((part, index) => {
      const isAny = isMapping(part) && (part.disposition ?? null) === null
      return this.#part(isAny ? { ...part, disposition: 'attachment' } : part, `attachments/${index}`, {})
    })
    const isInline = ({ header }: DraftPart): boolean =>
      header.some((line) => /^content-disposition: *inline/i.test(line))
    const inline = texts.length > 0 ? attached.filter(isInline) : []
    const others = attached.filter((part) => !inline.includes(part))
    const body = wrapped('alternative', texts.length > 0 || others.length > 0 ? texts : [EMPTY])
    const related = wrapped('related', [...body, ...inline])
    return wrapped('mixed', [...related, ...others])[0] ?? EMPTY
  }

  #list(name: string): unknown[] {
    const value = this.#email[name] ?? []
    if (Array.isArray(value)) return value
    this.#refuse(name, 'is not a list of body parts')
    return []
  }

  /** RFC 8621 section 4.6: exactly one part of that type. */
  #body(name: string, type: string): DraftPart[] {
    if ((this.#email[name] ?? null) === null) return []
    const list = this.#list(name)
    if (list.length !== 1) this.#refuse(name, 'does not have exactly one body part')
    return list.slice(0, 1).map((part) => {
      const made = this.#part(part, `${name}/0`, { type })
      if (made.type !== type) this.#refuse(`${name}/0/type`, `is not ${type}`)
      return made
    })
  }

  #part(given: unknown, path: string, defaults: { readonly type?: string }): DraftPart {
    if (!isMapping(given)) this.#refuse(path, 'is not a body part')
    if (++this.#parts > MAX_PARTS) this.#refuse(path, `has a part after the first ${MAX_PARTS}`)
    if (!isMapping(given) || this.#parts > MAX_PARTS) return EMPTY
    const part: JsonObject = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
    const { lines, fields } = this.#header(part, `${path}/`)
    for (const name of Object.keys(part)) {
      if (!PART_PROPERTIES.has(name) && !name.startsWith('header:')) this.#refuse(`${path}/${name}`, 'is unknown')
      const other = fields.get(PART_PROPERTIES.get(name) ?? '')
      if (other !== undefined) this.#refuse(`${path}/${name}`, `represents the same field as ${other}`)
    }
    const encoding = fields.get('content-transfer-encoding')
    if (encoding !== undefined) this.#refuse(encoding, 'is chosen by the server') // RFC 8621 section 4.6
    const own = lines.find((line) => /^content-type:/i.test(line))
    if (own !== undefined && /;\s*boundary\s*=/i.test(own))
      this.#refuse(`${fields.get('content-type')}`, 'has a boundary, which the server chooses')
    const [ownType] = /[^\s:;]+\/[^\s;]+/.exec(own ?? '') ?? []
    const plain = 'subParts' in part ? 'multipart/mixed' : 'partId' in part ? 'text/plain' : 'application/octet-stream'
    const type = (ownType ?? this.#string(part, path, 'type', MEDIA_TYPE) ?? defaults.type ?? plain).toLowerCase()
    const content = this.#content(part, path, type)
    const isOwnText = 'text' in content && type.startsWith('text/')
    const charset = isOwnText ? 'utf-8' : this.#string(part, path, 'charset', TOKEN)
    const [name, disposition] = [this.#string(part, path, 'name'), this.#string(part, path, 'disposition', TOKEN)]
    const named = (parameter: string): string => (name === undefined ? '' : parameterLines(parameter, name))
    const typed = `${type}${charset === undefined ? '' : `; charset=${charset}`}${disposition === undefined ? named('name') : ''}`
    const { language = [] } = part
    if (!isStrings(language) || !language.every((tag) => /^[A-Za-z0-9-]{1,100}$/.test(tag)))
      this.#refuse(`${path}/language`, 'is not a list of language tags')
    const values = {
      'Content-Disposition': disposition && disposition + named('filename'),
      'Content-ID': this.#string(part, path, 'cid', CONTENT_ID)?.replace(/^.*$/, '<$&>'),
      'Content-Language': isStrings(language) ? language.join(',\r\n ') : '',
      'Content-Location': this.#string(part, path, 'location', /^[^\x00-\x20\x7f]{1,900}$/),
    }
    const described = Object.entries(values).flatMap(([field, value]) => (value ? [`${field}: ${value}`] : []))
    const header = [...lines.filter((line) => line !== own), ...described]
    return { type, contentType: own ?? `Content-Type: ${typed}`, header, content }
  }

  #string(part: JsonObject, path: string, name: string, form = /^/): string | undefined {
    const value = part[name]
    if (value === undefined) return undefined
    if (isString(value) && form.test(value)) return value
    this.#refuse(`${path}/${name}`, 'has a wrong form')
    return undefined
  }

  /** RFC 8621 section 4.6: a multipart has parts, every other part has a partId or a blobId. */
  #content(part: JsonObject, path: string, type: string): DraftPart['content'] {
    const { partId, blobId, subParts } = part
    const refuse = (names: readonly string[], mistake: string): void => {
      for (const name of names) if (name in part) this.#refuse(`${path}/${name}`, mistake)
    }
    if (type.startsWith('multipart/')) {
      refuse(['partId', 'blobId', 'charset'], 'cannot be set for a multipart')
      if (!Array.isArray(subParts) || subParts.length === 0)
        this.#refuse(`${path}/subParts`, 'is not a list of body parts')
      const parts = Array.isArray(subParts) ? subParts : []
      return { parts: parts.map((one, index) => this.#part(one, `${path}/subParts/${index}`, {})) }
    }
    refuse(['subParts'], 'needs the type multipart')
    if (isString(partId)) {
      refuse(['blobId'], 'cannot be there beside partId')
      refuse(['charset', 'size'], 'must be left out beside partId')
      const text = this.#values.get(partId)
      if (text === undefined) this.#refuse(`${path}/partId`, 'is not in bodyValues')
      return { text: text ?? '' }
    }
    if (!isString(blobId)) this.#refuse(`${path}/partId`, 'or blobId is missing')
    return { blobId: `${blobId}` }
  }
}

const EMPTY: DraftPart = {
  type: 'text/plain',
  contentType: 'Content-Type: text/plain; charset=utf-8',
  header: [],
  content: { text: '' },
}

const wrapped = (subtype: string, parts: readonly DraftPart[]): readonly DraftPart[] => {
  const type = `multipart/${subtype}`
  return parts.length < 2 ? parts : [{ type, contentType: `Content-Type: ${type}`, header: [], content: { parts } }]
}

/** Returns the ids of the blobs that a draft refers to. */
export function blobIdsOf({ content }: DraftPart): string[] {
  if ('parts' in content) return content.parts.flatMap(blobIdsOf)
  return 'blobId' in content ? [content.blobId] : []
}

/** Returns the octets of a part. @param header further lines before its own */
export function written(part: DraftPart, blobs: ReadonlyMap<string, Buffer>, header: readonly string[] = []): Buffer[] {
  const { content, contentType } = part
  if ('parts' in content) {
    const boundary = `=_${randomUUID()}`
    const delimiter = (end = ''): Buffer => Buffer.from(`--${boundary}${end}\r\n`)
    const lines = [...header, `${contentType};\r\n boundary="${boundary}"`, ...part.header]
    const parts = content.parts.flatMap((one) => [delimiter(), ...written(one, blobs), Buffer.from('\r\n')])
    return [headerOctets(lines), ...parts, delimiter('--')]
  }
  const isText = 'text' in content
  const octets = isText
    ? Buffer.from(content.text.replaceAll(/\r\n?|\n/g, '\r\n'))
    : (blobs.get(content.blobId) as Buffer)
  const [encoding, body] = encoded(octets, part.type, isText)
  const lines = [...header, contentType, ...part.header, `Content-Transfer-Encoding: ${encoding}`]
  return [headerOctets(lines), body]
}

const headerOctets = (lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)

/** Larger texts are written in base64, which takes less memory. */
const QUOTED_OCTETS = 256 * 1024

/** Returns the transfer encoding of a body, and the body in it. RFC 2045 section 6. */
function encoded(octets: Buffer, type: string, isText: boolean): [encoding: string, body: Buffer] {
  const isLined = isText || /^(?:text|message)\//.test(type)
  const content = isLined ? octets.toString('latin1') : ''
  const isAscii = isLined && !/[^\x01-\x7f]|\r(?!\n)|(?<!\r)\n/.test(content) && !new LineLength().isTooLong(octets)
  if (isAscii) return ['7bit', octets]
  // RFC 2046 section 5.2.1, RFC 6532 section 3.7
  if (type === 'message/rfc822') return ['8bit', octets]
  const isReadable =
    isText && octets.length <= QUOTED_OCTETS && content.replaceAll(/[\x00-\x7f]/g, '').length * 3 < octets.length
  return isReadable ? ['quoted-printable', quotedPrintable(octets)] : ['base64', base64(octets)]
}
