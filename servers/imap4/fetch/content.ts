import type { MemoryBudget } from '../../../src/core/octets/memory-budget.ts'
import type { Steps } from '../../../src/core/time/time-slice.ts'
import { headerBlockEnd, headerFields, headerValue } from '../../../src/mail/format/headers.ts'
import { ParseCache, type ParsedMessage } from '../../../src/mail/format/parse-cache.ts'
import { MailError, part, partOctetsInSteps, section as sectionRange } from '../../../src/mail/format/parts.ts'
import type { HeaderField, OctetString } from '../../../src/mail/format/types.ts'
import type { Folder } from '../../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import type { ExpectedMessage, MessageReads, MessageSource, ReadPart } from '../../../src/storage/store/types.ts'
import { no } from '../reply.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import type { PartialOctets, Section } from '../wire/fetch-request.ts'

const caches = new WeakMap<MemoryBudget, ParseCache>()

/** Returns the cache of parsed messages of a lab. All its sessions share it. */
export function parseCacheOf({ connection: { memory } }: ImapSession): ParseCache {
  const known = caches.get(memory)
  if (known) return known
  const cache = new ParseCache(undefined, memory)
  caches.set(memory, cache)
  return cache
}

/** Octets of a message in which its header is looked for. */
const HEADER_OCTETS = 16 * 1024

/** Returns whether a message has more octets than are read to find its header. */
export const hasLongBody = ({ sizeOctets }: MessageEntry): boolean => sizeOctets > HEADER_OCTETS

/** A message's octets, parsed on first use: all of them, or the first ones where only the header is used. */
export class MessageContent {
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

  /** Returns the value of the first header field of that name (in lower case). */
  header(nameLower: string): OctetString | undefined {
    return headerValue(this.raw, this.parsed.fieldsOf(this.raw), nameLower)
  }
}

/** The part of a message that `MessageReader.header` reads; of a message without a long body, all. */
export const HEADER_PART: ReadPart = HEADER_OCTETS

/** Returns a source for messages of the selected mailbox that are read one after the other. */
export function sourceOf(
  { context: { store } }: ImapSession,
  { folder }: Selection,
  entries: Iterable<MessageEntry>,
  part?: ReadPart,
): MessageSource {
  return store.readAhead(expectedMessages(folder, entries), part)
}

function* expectedMessages(folder: Folder, entries: Iterable<MessageEntry>): Generator<ExpectedMessage, void, void> {
  for (const entry of entries) yield { folder, entry }
}

/** Yields the messages with these indexes. */
export function* entriesAt({ messages }: Selection, indexes: Iterable<number>): Generator<MessageEntry, void, void> {
  for (const index of indexes) {
    const entry = messages.at(index)
    if (entry) yield entry
  }
}

/** Reads the messages of the selected mailbox. Returns undefined for an expunged one. */
export class MessageReader {
  readonly #source: MessageReads
  readonly #folderId: string
  readonly #cache: ParseCache

  constructor(session: ImapSession, { folder }: Selection, source: MessageReads) {
    this.#source = source
    this.#folderId = folder.id
    this.#cache = parseCacheOf(session)
  }

  async read(entry: MessageEntry): Promise<MessageContent | undefined> {
    const raw = await this.octets(entry)
    return raw && this.of(entry, raw)
  }

  /** Reads a message's octets: the first step of `read`. For many messages, `octets` and `of` save one promise each. */
  octets({ uid }: MessageEntry): Promise<Buffer | undefined> {
    return this.#source.read(this.#folderId, uid)
  }

  /** Reads the start of a message. Returns undefined if it does not contain the whole header. */
  async header({ uid }: MessageEntry): Promise<Buffer | undefined> {
    const start = await this.#source.read(this.#folderId, uid, 0, HEADER_OCTETS)
    return start && headerBlockEnd(start) < start.length ? start : undefined
  }

  of({ blob }: MessageEntry, raw: Buffer): MessageContent {
    return new MessageContent(raw, blob, this.#cache)
  }
}

const CRLF = Buffer.from('\r\n')

/** Returns the octets of a section, without copying if possible; undefined if the part does not exist. RFC 9051 section 6.4.5.1. */
export function* sectionOctets(
  content: MessageContent,
  section: Section,
  range?: PartialOctets,
): Steps<Buffer | undefined> {
  return section.path.length === 0 ? messageOctets(content, section, range) : yield* inPart(content, section, range)
}

/** Returns the octets of a section of the message itself, which needs no MIME tree. */
export function messageOctets(content: MessageContent, section: Section, range?: PartialOctets): Buffer {
  const { raw } = content
  const { text, fields } = section
  if (text === undefined) return cutRange(raw, range)
  if (fields) return cutRange(chosenFields(raw, content.parsed.fieldsOf(raw), fields), range)
  const bodyStart = headerBlockEnd(raw)
  return cutRange(text === 'HEADER' ? raw.subarray(0, bodyStart) : raw.subarray(bodyStart), range)
}

function* inPart({ raw, parsed }: MessageContent, section: Section, range?: PartialOctets): Steps<Buffer | undefined> {
  const { path, text, fields } = section
  const found = sectionRange(yield* parsed.structureOf(raw), path, text)
  if (!found) return undefined
  if (!fields) return cutRange(raw.subarray(found.start, found.end), range)
  return cutRange(chosenFields(raw, headerFields(raw, found.start, found.end), fields), range)
}

/** Returns the requested header fields, in the message's order, and the empty line. RFC 9051 section 6.4.5.1. */
function chosenFields(raw: Buffer, found: readonly HeaderField[], fields: NonNullable<Section['fields']>): Buffer {
  const { names, not } = fields
  const chosen = found.filter(({ nameLower }) => nameLower !== '' && names.has(nameLower) !== not)
  return Buffer.concat([...chosen.map(({ start, end }) => raw.subarray(start, end)), CRLF])
}

/** Returns a decoded part; undefined if it does not exist. RFC 3516 section 4.2. @throws ImapError UNKNOWN-CTE */
export function* binaryOctets(
  content: MessageContent,
  section: Section,
  range?: PartialOctets,
): Steps<Buffer | undefined> {
  const octets = yield* decodedPart(content, section)
  return octets && cutRange(octets, range)
}

/** Returns the size of a decoded part, 0 if it does not exist. RFC 3516 section 4.3. @throws ImapError UNKNOWN-CTE */
export function* binarySize(content: MessageContent, section: Section): Steps<number> {
  return (yield* decodedPart(content, section))?.length ?? 0
}

function* decodedPart(content: MessageContent, { path }: Section): Steps<Buffer | undefined> {
  const { raw } = content
  if (path.length === 0) return raw
  const found = part(yield* content.parsed.structureOf(raw), path)
  if (!found) return undefined
  try {
    return yield* partOctetsInSteps(raw, found)
  } catch (error) {
    if (error instanceof MailError) throw no(error.message, 'UNKNOWN-CTE')
    throw error
  }
}

/** Returns the octets in a range. Leaves out octets after the end. RFC 9051 section 6.4.5. */
function cutRange(octets: Buffer, range: PartialOctets | undefined): Buffer {
  return range ? octets.subarray(range.start, range.start + range.octets) : octets
}
