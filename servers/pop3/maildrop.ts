import { openInbox } from '../../src/store/inbox.ts'
import type { Folder, MessageEntry, MessageStore, Owner } from '../../src/store/types.ts'
import { Pop3Error } from './errors.ts'
import { lockMaildrop } from './lock.ts'
import { topOf } from './top.ts'

/** Larger messages are sent in pieces. */
const WHOLE_OCTETS = 256 * 1024

/** An INBOX as it was at log-on, numbered from 1, held by one session alone. RFC 1939 section 5. */
export class Maildrop {
  readonly #store: MessageStore
  readonly #folder: Folder
  readonly #entries: readonly MessageEntry[]
  readonly #unlock: () => void
  readonly #deleted = new Set<number>()
  #octets: number

  private constructor(store: MessageStore, folder: Folder, entries: readonly MessageEntry[], unlock: () => void) {
    this.#store = store
    this.#folder = folder
    this.#entries = entries
    this.#unlock = unlock
    this.#octets = sizeOf(entries)
  }

  /** @throws Pop3Error `IN-USE` */
  static async open(store: MessageStore, owner: Owner): Promise<Maildrop> {
    const folder = await openInbox(store, owner)
    const unlock = lockMaildrop(store, folder.id)
    if (!unlock) throw new Pop3Error('another session has this maildrop', 'IN-USE')
    try {
      return new Maildrop(store, folder, await store.list(folder.id), unlock)
    } catch (error) {
      unlock()
      throw error
    }
  }

  /** Gives the maildrop back to others. */
  close(): void {
    this.#unlock()
  }

  /** Messages not marked as deleted. */
  get count(): number {
    return this.#entries.length - this.#deleted.size
  }

  get octets(): number {
    return this.#octets
  }

  /** The entry of a message number. @throws Pop3Error where there is none, or it is marked as deleted */
  entry(number: number): MessageEntry {
    const entry = this.#entries[number - 1]
    if (entry === undefined || this.#deleted.has(number)) throw new Pop3Error(`no such message: ${number}`)
    return entry
  }

  /** The messages not marked as deleted, with their numbers. */
  *messages(): Generator<readonly [number: number, entry: MessageEntry], void, void> {
    for (const [index, entry] of this.#entries.entries()) {
      if (!this.#deleted.has(index + 1)) yield [index + 1, entry]
    }
  }

  /** What UIDL shows: the same for ever, and never of another message. RFC 1939 section 7. */
  uniqueId(entry: MessageEntry): string {
    return `${this.#folder.uidValidity}.${entry.uid}`
  }

  markDeleted(number: number): void {
    this.#octets -= this.entry(number).sizeOctets
    this.#deleted.add(number)
  }

  unmarkAll(): void {
    this.#deleted.clear()
    this.#octets = sizeOf(this.#entries)
  }

  /** A message's octets, in pieces if it is large. @throws Pop3Error where it has gone since log-on */
  async message(number: number): Promise<Buffer | AsyncIterable<Buffer>> {
    const { uid, sizeOctets } = this.entry(number)
    if (sizeOctets > WHOLE_OCTETS && (await this.#store.entry(this.#folder.id, uid))) {
      return this.#store.stream(this.#folder.id, uid)
    }
    return (await this.#store.read(this.#folder.id, uid)) ?? gone(number)
  }

  /** Header, blank line and so many lines of the body. @throws Pop3Error where the message has gone since log-on */
  async top(number: number, lines: number): Promise<Buffer> {
    const { uid, sizeOctets } = this.entry(number)
    for (let octets = WHOLE_OCTETS; ; octets *= 4) {
      const start = (await this.#store.read(this.#folder.id, uid, 0, Math.min(octets, sizeOctets))) ?? gone(number)
      const top = topOf(start, lines, octets >= sizeOctets)
      if (top) return top
    }
  }

  /** The UPDATE state: takes away what was marked. RFC 1939 section 6. */
  async update(): Promise<number> {
    if (this.#deleted.size === 0) return 0
    const uids = [...this.#deleted]
      .sort((a, b) => a - b)
      .map((number) => (this.#entries[number - 1] as MessageEntry).uid)
    return (await this.#store.expunge(this.#folder.id, uids, this)).length
  }
}

const sizeOf = (entries: readonly MessageEntry[]): number =>
  entries.reduce((sum, { sizeOctets }) => sum + sizeOctets, 0)

function gone(number: number): never {
  throw new Pop3Error(`message ${number} has been removed by another session`)
}
