import { downgradeHeader } from '../../src/mail/format/downgrade.ts'
import { headerBlockEnd } from '../../src/mail/format/headers.ts'
import { WHOLE_OCTETS } from '../../src/net/connection.ts'
import { StoreError } from '../../src/storage/store/errors.ts'
import type { Folder, Owner } from '../../src/storage/store/folder.ts'
import { openCaptured, openInbox } from '../../src/storage/store/mailboxes.ts'
import type { Entries, MessageEntry } from '../../src/storage/store/message-entry.ts'
import type { FolderLock, FolderSnapshot, MessageStore } from '../../src/storage/store/types.ts'
import { Pop3Error } from './reply.ts'

/** Returns the octets that RETR sends of a message: with the CRLF that ends its last line. RFC 1939 sections 5 and 11. */
export const sentOctets = ({ sizeOctets, lacksLineEnd }: MessageEntry): number =>
  sizeOctets + (lacksLineEnd ? CRLF.length : 0)

interface MaildropOptions {
  /** Whether the client takes UTF-8 in headers. */
  readonly isUtf8: boolean
  readonly sessionId: string
}

/** An INBOX, or the folder of captured mail, as it was at log-on, numbered from 1 and locked by one session. RFC 1939 section 5. */
export class Maildrop {
  readonly sessionId: string
  readonly folder: Folder
  readonly #store: MessageStore
  readonly #entries: Entries
  /** The octets of all messages. */
  readonly #allOctets: number
  readonly #lock: FolderLock
  readonly #isUtf8: boolean
  readonly #deleted = new Set<number>()
  #octets: number

  private constructor(
    store: MessageStore,
    folder: Folder,
    { entries, sizeOctets, withoutLineEnd }: FolderSnapshot,
    lock: FolderLock,
    { isUtf8, sessionId }: MaildropOptions,
  ) {
    this.sessionId = sessionId
    this.#isUtf8 = isUtf8
    this.#store = store
    this.folder = folder
    this.#entries = entries
    this.#lock = lock
    this.#allOctets = sizeOctets + withoutLineEnd * CRLF.length
    this.#octets = this.#allOctets
  }

  /** Opens and locks an account's INBOX, and creates it if it does not exist. @throws Pop3Error `IN-USE` */
  static async open(store: MessageStore, owner: Owner, options: MaildropOptions): Promise<Maildrop> {
    return Maildrop.#of(store, await openInbox(store, owner), options)
  }

  /** Opens and locks the folder of all captured mail. @throws Pop3Error `IN-USE` */
  static async openCaptured(store: MessageStore, name: string, options: MaildropOptions): Promise<Maildrop> {
    return Maildrop.#of(store, await openCaptured(store, name), options)
  }

  static async #of(store: MessageStore, folder: Folder, options: MaildropOptions): Promise<Maildrop> {
    const lock = await store.lockFolder(folder.id)
    if (!lock) throw new Pop3Error('The mailbox is in use by another session.', 'IN-USE')
    try {
      return new Maildrop(store, folder, await store.snapshot(folder.id), lock, options)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** Unlocks the INBOX. */
  close(): Promise<void> {
    return this.#lock.release()
  }

  /** The number of messages not marked as deleted. */
  get count(): number {
    return this.#entries.length - this.#deleted.size
  }

  /** The octets of the messages not marked as deleted. */
  get octets(): number {
    return this.#octets
  }

  /** The text of the replies to a log-on, LIST and RSET. */
  get summary(): string {
    return `${this.count} ${this.count === 1 ? 'message' : 'messages'} (${this.#octets} ${this.#octets === 1 ? 'octet' : 'octets'})`
  }

  /** Returns the entry of a message number. @throws Pop3Error if it does not exist or is marked as deleted */
  entry(number: number): MessageEntry {
    const entry = number > 0 ? this.#entries.at(number - 1) : undefined
    if (entry === undefined || this.#deleted.has(number)) throw new Pop3Error(`No such message: ${number}`)
    return entry
  }

  /** Yields the messages not marked as deleted, with their numbers. */
  *messages(): Generator<readonly [number: number, entry: MessageEntry], void, void> {
    let number = 0
    for (const entry of this.#entries) {
      if (!this.#deleted.has(++number)) yield [number, entry]
    }
  }

  /** Returns the id that UIDL shows. It never changes and is never reused. RFC 1939 section 7. */
  uniqueId(entry: MessageEntry): string {
    return `${this.folder.uidValidity}.${entry.uid}`
  }

  markDeleted(number: number): void {
    this.#octets -= sentOctets(this.entry(number))
    this.#deleted.add(number)
  }

  /** Whether messages are marked as deleted. */
  get hasMarked(): boolean {
    return this.#deleted.size > 0
  }

  unmarkAll(): void {
    this.#deleted.clear()
    this.#octets = this.#allOctets
  }

  /** Returns a message as the client takes it, given its start with the whole header. RFC 6856 section 4. */
  #shown(start: Buffer): Buffer {
    return this.#isUtf8 ? start : downgradeHeader(start)
  }

  /** Returns a message's octets, as a stream if it is large. @throws Pop3Error if it was removed since log-on */
  async message(number: number): Promise<Buffer | AsyncIterable<Buffer>> {
    const { uid, sizeOctets } = this.entry(number)
    if (sizeOctets > WHOLE_OCTETS && (await this.#store.entry(this.folder.id, uid))) {
      return this.#large(uid)
    }
    return this.#shown((await this.#store.read(this.folder.id, uid)) ?? throwRemoved(number))
  }

  /** Returns a large message. Only its start is read twice, and only for a client without UTF-8. */
  async #large(uid: number): Promise<AsyncIterable<Buffer>> {
    const [store, { id }] = [this.#store, this.folder]
    const start = this.#isUtf8 ? undefined : await store.read(id, uid, 0, WHOLE_OCTETS)
    // A header that is larger than the start is sent as it is.
    const shown = start && headerBlockEnd(start) < start.length ? downgradeHeader(start) : start
    if (!shown || shown === start) return store.stream(id, uid)
    return (async function* () {
      yield shown
      yield* store.stream(id, uid, WHOLE_OCTETS)
    })()
  }

  /**
   * Returns a message's header, the blank line and the first `lines` lines of its body.
   * @throws Pop3Error if it was removed since log-on
   */
  async top(number: number, lines: number): Promise<Buffer> {
    const { uid, sizeOctets } = this.entry(number)
    for (let octets = WHOLE_OCTETS; ; octets *= 4) {
      const start = await this.#store.read(this.folder.id, uid, 0, Math.min(octets, sizeOctets))
      const top = topOf(start ?? throwRemoved(number), lines, octets >= sizeOctets)
      if (top) return this.#shown(top)
    }
  }

  /**
   * Removes the messages marked as deleted, unlocks the INBOX, and returns how many messages were removed: the UPDATE
   * state. RFC 1939 section 6. @throws Pop3Error `SYS/TEMP` if another session may have the lock; StoreError
   */
  async update(): Promise<number> {
    try {
      if (this.#deleted.size === 0) return 0
      const uids = Array.from(this.#deleted, (number) => (this.#entries.at(number - 1) as MessageEntry).uid)
      return (await this.#lock.expunge(uids, this)).length
    } catch (error) {
      if (!(error instanceof StoreError && error.code === 'lock-lost')) throw error
      throw new Pop3Error('The lock of the mailbox was lost. No message was removed.', 'SYS/TEMP', { cause: error })
    } finally {
      // Before the reply, so that a client that connects again immediately finds the mailbox unlocked.
      await this.close()
    }
  }
}

function throwRemoved(number: number): never {
  throw new Pop3Error(`Message ${number} was removed by another session.`)
}

const CRLF = Buffer.from('\r\n', 'latin1')
const BLANK_LINE = Buffer.from('\r\n\r\n', 'latin1')

/**
 * Returns the header, the blank line and the first body lines, given the start of a message; undefined if the start is
 * too short to contain them. Adds the blank line to a message without a body. RFC 1939 section 7, TOP.
 */
function topOf(start: Buffer, lines: number, isWhole: boolean): Buffer | undefined {
  const body = bodyOffset(start)
  if (body === -1) return isWhole ? withBlankLine(start) : undefined
  let end = body
  for (let line = 0; line < lines; line++) {
    const at = start.indexOf(CRLF, end)
    if (at === -1) return isWhole ? start : undefined
    end = at + CRLF.length
  }
  return start.subarray(0, end)
}

function bodyOffset(message: Buffer): number {
  if (message.subarray(0, 2).equals(CRLF)) return CRLF.length
  const at = message.indexOf(BLANK_LINE)
  return at === -1 ? -1 : at + BLANK_LINE.length
}

function withBlankLine(header: Buffer): Buffer {
  return Buffer.concat(header.subarray(-2).equals(CRLF) || header.length === 0 ? [header, CRLF] : [header, BLANK_LINE])
}
