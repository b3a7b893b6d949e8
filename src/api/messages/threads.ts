import { isSliceOver, nextSlice } from '../../core/time/time-slice.ts'
import { headerFields, headerValues } from '../../mail/format/headers.ts'
import { ownMessageId, threadAncestors } from '../../mail/format/message-ids.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import type { IndexedMessage, MessageIndex } from './message-index.ts'

/** Longest part of a message in which its identifiers are looked for. */
export const MAX_HEADER_OCTETS = 64 * 1024
/** The headers are read again after this many deletions, if at least half of the messages that were read are deleted. */
const SPARE_MESSAGES = 2_500

/** Returns the identifier of a message, and those of the messages above it in its thread, the oldest first. */
export function identifiersIn(head: Buffer): {
  readonly own: string | undefined
  readonly ancestors: readonly string[]
} {
  const fields = headerFields(head)
  const value = (name: string): string | undefined => headerValues(head, fields, name)[0]
  return {
    own: ownMessageId(value('message-id')),
    ancestors: threadAncestors(value('references'), value('in-reply-to')),
  }
}

/**
 * Groups messages by their Message-ID, References and In-Reply-To: messages that name each other, or the same missing
 * message, are one thread. RFC 5256 section 3 without its subjects. The first call reads every header, others only new ones.
 */
export class MessageThreads {
  readonly #store: MessageStore
  readonly #index: MessageIndex
  /** Another identifier of the same thread, nearer to the one that stands for it. */
  #parents = new Map<string, string>()
  /** An identifier of each message, by the octets that copies share. */
  #ids = new Map<string, string>()
  /** The messages that have arrived since the headers were read; undefined before the first time. */
  #added: IndexedMessage[] | undefined
  #deleted = 0
  #reading: Promise<void> | undefined

  constructor(store: MessageStore, index: MessageIndex) {
    this.#store = store
    this.#index = index
    index.watch(({ type, message }) => {
      if (type === 'added') this.#added?.push(message)
      else if (type === 'deleted') this.#deleted++
    })
  }

  /** Returns the function that names the thread of a message. Messages of one thread have the same name. */
  async current(): Promise<(message: IndexedMessage) => string> {
    await this.#index.begin()
    this.#reading ??= this.#readNew().finally(() => {
      this.#reading = undefined
    })
    await this.#reading
    return ({ entry }) => this.#rootOf(this.#ids.get(entry.blob) ?? entry.blob)
  }

  async #readNew(): Promise<void> {
    if (this.#deleted > this.#ids.size / 2 + SPARE_MESSAGES) {
      this.#parents = new Map()
      this.#ids = new Map()
      this.#added = undefined
    }
    const added = this.#added
    this.#added = []
    if (!added) this.#deleted = 0
    try {
      for await (const batch of added ? [added] : this.#index.batches({})) await this.#readHeaders(batch)
    } catch (error) {
      this.#added = undefined
      throw error
    }
  }

  async #readHeaders(batch: readonly IndexedMessage[]): Promise<void> {
    const unread = batch.filter(({ entry }) => !this.#ids.has(entry.blob))
    using source = this.#store.readAhead(unread, MAX_HEADER_OCTETS)
    for (const { folder, entry } of unread) {
      if (this.#ids.has(entry.blob)) continue
      const head = await source.read(folder.id, entry.uid, 0, MAX_HEADER_OCTETS)
      if (head) this.#add(entry.blob, head)
      if (isSliceOver()) await nextSlice()
    }
  }

  #add(blob: string, head: Buffer): void {
    const { own = blob, ancestors } = identifiersIn(head)
    this.#ids.set(blob, own)
    for (const ancestor of ancestors) this.#join(own, ancestor)
  }

  #join(a: string, b: string): void {
    const [one, other] = [this.#rootOf(a), this.#rootOf(b)]
    if (one !== other) this.#parents.set(one, other)
  }

  #rootOf(id: string): string {
    let root = id
    for (let next = this.#parents.get(root); next !== undefined; next = this.#parents.get(root)) root = next
    // Shortens the way for the next time.
    for (let at = id; at !== root; ) {
      const next = this.#parents.get(at) as string
      this.#parents.set(at, root)
      at = next
    }
    return root
  }
}

/** A thread in a list: its newest message, and how many it has. */
interface ThreadFacts {
  readonly messages: number
  readonly unread: number
}

/**
 * Returns the newest message of each thread, and the facts of its thread by its id.
 * @param found the newest first
 */
export function newestOfThreads(
  found: readonly IndexedMessage[],
  threadOf: (message: IndexedMessage) => string,
): { readonly newest: IndexedMessage[]; readonly facts: ReadonlyMap<string, ThreadFacts> } {
  const byThread = new Map<string, { newest: IndexedMessage; messages: number; unread: number }>()
  for (const message of found) {
    const unread = message.entry.flags.includes('\\Seen') ? 0 : 1
    const thread = threadOf(message)
    const known = byThread.get(thread)
    if (known) {
      known.messages++
      known.unread += unread
    } else byThread.set(thread, { newest: message, messages: 1, unread })
  }
  const threads = [...byThread.values()]
  return {
    newest: threads.map(({ newest }) => newest),
    facts: new Map(threads.map(({ newest, messages, unread }) => [newest.id, { messages, unread }])),
  }
}
