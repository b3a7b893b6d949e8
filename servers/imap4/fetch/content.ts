import { partOctets } from '../../../src/mail/encodings.ts'
import { headerBlockEnd, headerFields } from '../../../src/mail/headers.ts'
import { ParseCache, type ParsedMessage } from '../../../src/mail/parse-cache.ts'
import { MailError, part, section as sectionRange } from '../../../src/mail/parts.ts'
import type { HeaderField } from '../../../src/mail/types.ts'
import type { MessageEntry, MessageStore } from '../../../src/store/types.ts'
import { no } from '../reply.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import type { Partial, Section } from '../wire/fetch-request.ts'

/** A message's octets, and what has been found out about them, once that is asked for. */
export class Content {
  readonly raw: Buffer
  readonly #blob: string
  readonly #cache: ParseCache
  #parsed: ParsedMessage | undefined

  constructor(raw: Buffer, blob: string, cache: ParseCache) {
    this.raw = raw
    this.#blob = blob
    this.#cache = cache
  }

  get parsed(): ParsedMessage {
    return (this.#parsed ??= this.#cache.get(this.#blob))
  }
}

/** The contents of a mailbox's messages, one by one; undefined for one that is expunged. */
export class ContentReader {
  readonly #session: Session
  readonly #folderId: string
  readonly #cache: ParseCache

  constructor(session: Session, { folder }: Selection) {
    this.#session = session
    this.#folderId = folder.id
    this.#cache = parseCacheOf(session.context.store)
  }

  async read(entry: MessageEntry): Promise<Content | undefined> {
    const raw = await this.octets(entry)
    return raw && this.of(entry, raw)
  }

  /** The two steps of `read`, for many messages: one promise each, not two. */
  octets({ uid }: MessageEntry): Promise<Buffer | undefined> {
    return this.#session.context.store.read(this.#folderId, uid)
  }

  of({ blob }: MessageEntry, raw: Buffer): Content {
    return new Content(raw, blob, this.#cache)
  }
}

const caches = new WeakMap<MessageStore, ParseCache>()

/** What has been found out about a store's messages, shared by all sessions: a structure is parsed once. */
export function parseCacheOf(store: MessageStore): ParseCache {
  const known = caches.get(store) ?? new ParseCache()
  caches.set(store, known)
  return known
}

const CRLF = Buffer.from('\r\n')

/** The octets of a section, as a view where it is one piece; undefined where there is no such part. RFC 9051 section 6.4.5.1. */
export function sectionOctets(content: Content, section: Section, partial?: Partial): Buffer | undefined {
  const { path, text, fields } = section
  const { raw } = content
  if (path.length === 0 && text === undefined) return partialOctets(raw, partial)
  const { parsed } = content
  // The message's own header and text need no MIME tree.
  if (path.length === 0 && fields) return partialOctets(chosenFields(raw, parsed.fieldsOf(raw), fields), partial)
  if (path.length === 0) {
    const bodyStart = headerBlockEnd(raw)
    return partialOctets(text === 'HEADER' ? raw.subarray(0, bodyStart) : raw.subarray(bodyStart), partial)
  }
  const range = sectionRange(parsed.structureOf(raw), path, text)
  if (!range) return undefined
  if (!fields) return partialOctets(raw.subarray(range.start, range.end), partial)
  return partialOctets(chosenFields(raw, headerFields(raw, range.start, range.end), fields), partial)
}

/** The fields asked for, in the message's order, and the empty line. RFC 9051 section 6.4.5.1. */
function chosenFields(raw: Buffer, found: readonly HeaderField[], fields: NonNullable<Section['fields']>): Buffer {
  const { names, not } = fields
  const chosen = found.filter(({ nameLower }) => nameLower !== '' && names.has(nameLower) !== not)
  return Buffer.concat([...chosen.map(({ start, end }) => raw.subarray(start, end)), CRLF])
}

/** RFC 9051 section 6.4.5: what lies behind the end is empty. */
export function partialOctets(octets: Buffer, partial: Partial | undefined): Buffer {
  return partial ? octets.subarray(partial.start, partial.start + partial.octets) : octets
}

/** A part decoded; undefined where there is none. RFC 3516 section 4.2. @throws ImapError UNKNOWN-CTE */
export function binaryOctets(content: Content, section: Section, partial?: Partial): Buffer | undefined {
  const octets = decoded(content, section)
  return octets && partialOctets(octets, partial)
}

/** Octets of a part once decoded, 0 where there is none. RFC 3516 section 4.3. */
export function binarySize(content: Content, section: Section): number {
  return decoded(content, section)?.length ?? 0
}

function decoded(content: Content, { path }: Section): Buffer | undefined {
  const { raw } = content
  if (path.length === 0) return raw
  const found = part(content.parsed.structureOf(raw), path)
  if (!found) return undefined
  try {
    return partOctets(raw, found)
  } catch (error) {
    if (error instanceof MailError) throw no(error.message, 'UNKNOWN-CTE')
    throw error
  }
}
