import { parseAddresses } from './addresses.ts'
import { parseDate } from './dates.ts'
import { codes, textLinks } from './extract.ts'
import { headerFields, headerValues, unfolded } from './headers.ts'
import { htmlLinks, htmlText } from './html-text.ts'
import { isText, partOctetsOrRaw, partText } from './parts.ts'
import { parseMessage } from './structure.ts'
import type { Address, HeaderField, MessagePart } from './types.ts'
import { decodeWords, parameterText } from './words.ts'

export interface ReadableAddress {
  /** Decoded display name, or empty. */
  readonly name: string
  /** `local@domain`. */
  readonly address: string
}

/** A part that is not the message's own text. `content` and `sizeOctets` are of the decoded content. */
export interface Attachment {
  readonly filename: string | undefined
  /** In lower case. */
  readonly contentType: string
  readonly disposition: 'attachment' | 'inline'
  /** Content-ID without its angle brackets. */
  readonly cid: string | undefined
  readonly sizeOctets: number
  readonly content: Buffer
}

/** A message as a person sees it. Every property is decoded at its first use. */
export class ReadableMessage {
  readonly raw: Buffer
  private readonly fields: readonly HeaderField[]

  constructor(raw: Buffer) {
    this.raw = raw
    this.fields = headerFields(raw)
  }

  get subject(): string {
    return this.headers.get('subject') ?? ''
  }

  get from(): ReadableAddress | undefined {
    return this.addresses('from')[0]
  }

  get to(): ReadableAddress[] {
    return this.addresses('to')
  }

  get cc(): ReadableAddress[] {
    return this.addresses('cc')
  }

  get replyTo(): ReadableAddress[] {
    return this.addresses('reply-to')
  }

  get date(): Date | undefined {
    return parseDate(this.headers.get('date') ?? '')
  }

  /** With its angle brackets, or empty. */
  get messageId(): string {
    return this.headers.get('message-id') ?? ''
  }

  /** Decoded values by name in lower case. Values of a repeated field are joined with line feeds. */
  get headers(): ReadonlyMap<string, string> {
    const found = new Map<string, string>()
    for (const field of this.fields) {
      if (field.name === '') continue
      const value = decodeWords(unfolded(this.raw, field))
      const before = found.get(field.nameLower)
      found.set(field.nameLower, before === undefined ? value : `${before}\n${value}`)
    }
    return this.once('headers', found)
  }

  /** The plain text with LF line ends. For a message that is only HTML, the text of the HTML. */
  get text(): string {
    const plain = this.parts.texts.filter((part) => !isHtml(part)).map((part) => this.lines(part))
    return this.once('text', plain.length > 0 ? plain.join('\n') : htmlText(this.html ?? ''))
  }

  get html(): string | undefined {
    const found = this.parts.texts.filter(isHtml).map((part) => this.lines(part))
    return this.once('html', found.length > 0 ? found.join('\n') : undefined)
  }

  get attachments(): readonly Attachment[] {
    const found = this.parts.others.map((part) => new AttachedPart(this.raw, part))
    return this.once('attachments', found)
  }

  /** Targets of links, those of the HTML first. */
  get links(): string[] {
    return [...new Set([...htmlLinks(this.html ?? ''), ...textLinks(this.text)])]
  }

  /** Likely one-time passwords, most likely first. */
  get codes(): string[] {
    return codes(`${this.subject}\n${this.text}`)
  }

  private get parts(): Sorted {
    const found: Sorted = { texts: [], others: [] }
    sortParts(parseMessage(this.raw), found)
    return this.once('parts', found)
  }

  private lines(part: MessagePart): string {
    return partText(this.raw, part).replaceAll('\r\n', '\n')
  }

  private addresses(name: string): ReadableAddress[] {
    return headerValues(this.raw, this.fields, name).flatMap(parseAddresses).flatMap(readableAddress)
  }

  /** Replaces the getter `key` by its value. */
  private once<T>(key: string, value: T): T {
    Object.defineProperty(this, key, { value, enumerable: true })
    return value
  }
}

/** Returns a message for people to read. */
export const readable = (raw: Buffer): ReadableMessage => new ReadableMessage(raw)

/** Leaves out the entries that start and end a group. */
function readableAddress({ name, mailbox, host }: Address): ReadableAddress[] {
  if (host === undefined || mailbox === undefined) return []
  return [{ name: decodeWords(name ?? ''), address: decodeWords(`${mailbox}@${host}`) }]
}

interface Sorted {
  readonly texts: MessagePart[]
  readonly others: MessagePart[]
}

const isHtml = (part: MessagePart): boolean => part.subtype.toLowerCase() === 'html'

const isAttached = (part: MessagePart): boolean =>
  part.disposition?.type.toLowerCase() === 'attachment' || filenameOf(part) !== undefined

/** Sorts parts into texts and attachments. A message inside the message is one attachment. */
function sortParts(part: MessagePart, sorted: Sorted): void {
  if (part.kind === 'multipart') for (const child of part.children) sortParts(child, sorted)
  else if (isText(part) && !isAttached(part) && /^(|plain|html|enriched)$/i.test(part.subtype)) sorted.texts.push(part)
  else sorted.others.push(part)
}

const filenameOf = (part: MessagePart): string | undefined =>
  parameterText(part.disposition?.params ?? [], 'filename') ?? parameterText(part.params, 'name')

class AttachedPart implements Attachment {
  private readonly raw: Buffer
  private readonly part: MessagePart
  readonly filename: string | undefined
  readonly contentType: string
  readonly disposition: 'attachment' | 'inline'
  readonly cid: string | undefined

  constructor(raw: Buffer, part: MessagePart) {
    this.raw = raw
    this.part = part
    this.filename = filenameOf(part)
    this.contentType = `${part.type}/${part.subtype}`.toLowerCase()
    this.disposition = part.disposition?.type.toLowerCase() === 'inline' ? 'inline' : 'attachment'
    this.cid = part.id?.replace(/^<|>$/g, '')
  }

  get content(): Buffer {
    const value = partOctetsOrRaw(this.raw, this.part)
    Object.defineProperty(this, 'content', { value, enumerable: true })
    return value
  }

  get sizeOctets(): number {
    return this.content.length
  }
}
