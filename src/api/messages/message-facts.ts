import type { MemoryBudget } from '../../core/octets/memory-budget.ts'
import { runInSlices } from '../../core/time/time-slice.ts'
import { bodyLists, hasDownload } from '../../mail/format/body-lists.ts'
import { htmlTextSteps } from '../../mail/format/html-text.ts'
import { htmlLinkSteps } from '../../mail/format/links.ts'
import { type ReadableAddress, type ReadableMessage, VIEW_CHARS } from '../../mail/format/readable.ts'
import { searchable } from '../../mail/format/search-text.ts'
import type { SentBy } from '../../mail/format/sent-by.ts'
import type { MessageReads, MessageSource, MessageStore } from '../../storage/store/types.ts'
import type { IndexedMessage } from './message-index.ts'
import { type OpenMessage, OpenMessages } from './open-messages.ts'

/** The facts about a message's octets that lists and searches need. */
export interface MessageFacts {
  readonly messageId: string
  readonly subject: string
  readonly from: ReadableAddress | undefined
  readonly to: readonly ReadableAddress[]
  readonly cc: readonly ReadableAddress[]
  readonly bcc: readonly ReadableAddress[]
  readonly replyTo: readonly ReadableAddress[]
  readonly date: Date | undefined
  readonly sentBy: SentBy | undefined
  readonly attachments: number
  /** The calendar objects beside the text, which are no attachments. */
  readonly calendars: number
  /** Whether an attachment is shown inside the text. */
  readonly hasInline: boolean
  /** See `hasDownload` in `src/mail/format/body-lists.ts`. */
  readonly hasDownload: boolean
  readonly snippet: string
  readonly search: SearchTexts
}

/** The texts of a message as searches compare them (`searchable`). */
export interface SearchTexts {
  readonly subject: string
  readonly messageId: string
  /** As `name <address>`. */
  readonly addresses: Readonly<Record<AddressField, readonly string[]>>
  /** Subject, addresses, file names, text, and the text and link targets of HTML. */
  readonly all: string
}

export type AddressField = 'from' | 'to' | 'cc' | 'bcc' | 'replyTo'

/** Length of a snippet, in characters. */
const SNIPPET_CHARS = 200
/** Memory of the facts besides their texts. */
const FACTS_OCTETS = 1_000
/** Memory of all facts together. Those that are held longest are dropped first. */
const MAX_OCTETS = 64 * 1024 * 1024

/** Reads messages, and keeps the facts of those that were used last. Copies of a message share them. */
export class FactsReader {
  readonly #store: MessageStore
  readonly #memory: MemoryBudget
  readonly #facts = new Map<string, { readonly facts: MessageFacts; readonly octets: number }>()
  /** Facts that are being read, for all who wait for them. */
  readonly #reading = new Map<string, Promise<MessageFacts | undefined>>()
  readonly #open: OpenMessages
  #octets = 0

  constructor(store: MessageStore, memory: MemoryBudget) {
    this.#store = store
    this.#memory = memory
    this.#open = new OpenMessages(memory)
    memory.addDroppable({ drop: (octets) => this.#dropTo(this.#octets - octets) })
  }

  /**
   * Reads a message for some work, which must not read another message. All who read one at the same time share it.
   * Undefined if it was deleted meanwhile.
   * @param source where it is read. Default: the store
   * @throws MemoryLimitReached
   */
  use<T>(
    { folder, entry }: IndexedMessage,
    work: (open: OpenMessage) => T | Promise<T>,
    source: MessageReads = this.#store,
  ): Promise<T | undefined> {
    return this.#open.use(entry, async () => source.read(folder.id, entry.uid), work)
  }

  /**
   * Returns a source for messages that are read one after the other.
   * @param isRead whether a message is read. Default: if its facts are not held
   */
  ahead(
    messages: Iterable<IndexedMessage>,
    isRead = (message: IndexedMessage): boolean => !this.held(message),
  ): MessageSource {
    return this.#store.readAhead(chosenFrom(messages, isRead))
  }

  /** Returns the facts of a message that are held, without reading it. */
  held({ entry }: IndexedMessage): MessageFacts | undefined {
    return this.#facts.get(entry.blob)?.facts
  }

  /**
   * Returns the facts of a message. Undefined if it was deleted meanwhile.
   * @param source where it is read. Default: the store
   * @param isScan whether all messages are read in turn: where not all fit, each would drop one that is needed next time
   */
  async facts(
    message: IndexedMessage,
    { source, isScan = false }: { readonly source?: MessageReads | undefined; readonly isScan?: boolean } = {},
  ): Promise<MessageFacts | undefined> {
    const held = this.held(message)
    if (held) return held
    const { blob } = message.entry
    const joined = this.#reading.get(blob)
    const reading = joined ?? this.use(message, ({ read }) => readMessageFacts(read), source)
    this.#reading.set(blob, reading)
    try {
      const facts = await reading
      if (facts) this.#keep(blob, facts, isScan)
      if (facts || !joined) return facts
    } finally {
      if (this.#reading.get(blob) === reading) this.#reading.delete(blob)
    }
    // The copy that was read was deleted meanwhile; this one may still be there.
    return this.facts(message, { source, isScan })
  }

  clear(): void {
    this.#dropTo(0)
  }

  #keep(blob: string, facts: MessageFacts, isScan: boolean): void {
    const octets = FACTS_OCTETS + facts.search.all.length
    if (this.#facts.has(blob) || (isScan && this.#octets + octets > MAX_OCTETS)) return
    this.#facts.set(blob, { facts, octets })
    this.#octets += octets
    if (this.#octets > MAX_OCTETS) this.#dropTo(MAX_OCTETS)
    this.#memory.hold('caches', octets)
  }

  #dropTo(limit: number): void {
    for (const [blob, { octets }] of this.#facts) {
      if (this.#octets <= limit) return
      this.#facts.delete(blob)
      this.#octets -= octets
      this.#memory.give('caches', octets)
    }
  }
}

function* chosenFrom<T>(all: Iterable<T>, isChosen: (one: T) => boolean): Generator<T, void, void> {
  for (const one of all) if (isChosen(one)) yield one
}

/** Returns the beginning of a text without what it quotes, or of the quotation if there is nothing else. */
function snippetOf(text: string): string {
  const lines = text.slice(0, 8 * SNIPPET_CHARS).split('\n')
  const isQuoted = (line = ''): boolean => line.startsWith('>')
  // `On Monday, Alice wrote:` belongs to the quotation.
  const own = lines.filter((line, at) => !isQuoted(line) && !(line.trimEnd().endsWith(':') && isQuoted(lines[at + 1])))
  const inOneLine = (some: readonly string[]): string => some.join(' ').replaceAll(/\s+/g, ' ').trim()
  return (inOneLine(own) || inOneLine(lines)).slice(0, SNIPPET_CHARS).replace(/[\ud800-\udbff]$/, '')
}

/** Reads the facts about a message. */
export async function readMessageFacts(message: ReadableMessage): Promise<MessageFacts> {
  const text = await runInSlices(message.textInSteps())
  const { subject, from, to, cc, bcc, replyTo, date, messageId, attachments, sentBy } = message
  const addresses = { from: from ? [from] : [], to, cc, bcc, replyTo }
  const names = Object.values(addresses).flatMap((list) => list.map(({ name, address }) => `${name} ${address}`))
  const files = attachments.flatMap(({ filename }) => filename ?? [])
  const html = (message.html ?? '').slice(0, VIEW_CHARS)
  // Beside a plain text, HTML may say more.
  const shown = message.textParts.length > 0 ? await runInSlices(htmlTextSteps(html)) : ''
  const links = await runInSlices(htmlLinkSteps(html))
  return {
    messageId,
    subject,
    from,
    to,
    cc,
    bcc,
    replyTo,
    date,
    sentBy,
    attachments: attachments.length,
    calendars: message.calendarParts.length,
    hasInline: attachments.some(({ disposition, cid }) => disposition === 'inline' || cid !== undefined),
    hasDownload: hasDownload(bodyLists(message.structure)),
    snippet: snippetOf(text),
    search: {
      subject: searchable(subject),
      messageId: searchable(messageId),
      addresses: {
        from: searchableAddresses(addresses.from),
        to: searchableAddresses(to),
        cc: searchableAddresses(cc),
        bcc: searchableAddresses(bcc),
        replyTo: searchableAddresses(replyTo),
      },
      all: searchable(
        [subject, ...names, ...files, text.slice(0, VIEW_CHARS), shown, ...links.map(({ href }) => href)].join('\n'),
      ),
    },
  }
}

const NO_ADDRESSES: readonly string[] = []

const searchableAddresses = (list: readonly ReadableAddress[]): readonly string[] =>
  list.length === 0 ? NO_ADDRESSES : list.map(({ name, address }) => searchable(`${name} <${address}>`))
