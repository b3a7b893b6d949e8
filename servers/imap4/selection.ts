import type { Folder, FolderSnapshot, MessageEntry, MessageStore, StoreEvent } from '../../src/store/types.ts'
import { indexOfUid } from '../../src/store/uid-order.ts'
import { no } from './reply.ts'
import type { SequenceSet } from './wire/sequence-set.ts'
import { indexesOfNumbers, indexesOfUids } from './wire/sequence-set.ts'

/** Changes ready to be told, in the order they must be told. */
export interface Updates {
  /** Sequence numbers, descending, so that each is right when it is told; and the uids, ascending. */
  readonly expunged: { readonly numbers: readonly number[]; readonly uids: readonly number[] }
  /** The number of messages, where it grew. */
  readonly exists: number | undefined
  /** Indexes of messages whose flags others changed. */
  readonly changed: readonly number[]
}

/** What SELECT tells of the mailbox. */
export type Opened = Pick<FolderSnapshot, 'uidNext' | 'highestModSeq' | 'flags' | 'firstUnseen'>

/**
 * A session's own view of the selected mailbox: what its client has been told. Sequence numbers are places in it and move
 * only when an EXPUNGE is told; what the store reports meanwhile waits here. RFC 9051 sections 2.3.1.2 and 7.5.1.
 */
export class Selection {
  readonly readOnly: boolean
  folder: Folder
  /** The folder is no more. */
  isGone = false
  /** Uids saved by SEARCH RETURN (SAVE), ascending. RFC 5182. */
  saved: readonly number[] = []
  /** Uids that are `\Recent` in this session. RFC 3501 section 2.3.2. */
  readonly recent = new Set<number>()
  /** Flags and keywords that the client has been told of. */
  readonly knownFlags = new Set<string>()
  /** Called when something waits to be told (IDLE). */
  onChange: (() => void) | undefined
  #messages: readonly MessageEntry[] = []
  /** Whether `#messages` is this session's own array, and not yet the one that the store gave to all. */
  #isOwn = false
  #arrived: MessageEntry[] = []
  #expunged = new Set<number>()
  #changed = new Set<number>()
  #highestModSeq = 0
  #unwatch: () => void = () => {}

  private constructor(folder: Folder, readOnly: boolean) {
    this.folder = folder
    this.readOnly = readOnly
  }

  static async open(
    store: MessageStore,
    folder: Folder,
    readOnly: boolean,
  ): Promise<{ selection: Selection; opened: Opened }> {
    const selection = new Selection(folder, readOnly)
    const early: StoreEvent[] = []
    let take = (event: StoreEvent): void => {
      early.push(event)
    }
    selection.#unwatch = store.watch((event) => take(event), folder.id)
    try {
      const opened = await store.snapshot(folder.id)
      selection.#messages = opened.entries
      selection.#highestModSeq = opened.highestModSeq
      take = (event) => selection.#take(event)
      for (const event of early) selection.#take(event)
      return { selection, opened }
    } catch (error) {
      selection.close()
      throw error
    }
  }

  close(): void {
    this.#unwatch()
    this.onChange = undefined
  }

  /** The messages by sequence number less one; those another session expunged are there until that is told. */
  get messages(): readonly MessageEntry[] {
    return this.#messages
  }

  get highestModSeq(): number {
    return this.#highestModSeq
  }

  /** Whether the message is gone from the store though still numbered here. */
  isExpunged(uid: number): boolean {
    return this.#expunged.has(uid)
  }

  get hasExpunged(): boolean {
    return this.#expunged.size > 0
  }

  get hasUpdates(): boolean {
    return this.#expunged.size + this.#changed.size + this.#arrived.length > 0
  }

  indexOf(uid: number): number {
    return indexOfUid(this.#messages, uid)
  }

  /**
   * The indexes a set names, ascending. Unknown uids are left out (RFC 9051 section 6.4.9).
   * @throws ImapError for a sequence number that is not in use
   */
  resolve(set: SequenceSet, byUid: boolean): number[] {
    if (set === 'saved') return this.saved.map((uid) => this.indexOf(uid)).filter((index) => index >= 0)
    return byUid ? indexesOfUids(this.#messages, set) : indexesOfNumbers(this.#messages.length, set)
  }

  /** Puts the entries of the session's own change into the view. */
  refresh(entries: readonly MessageEntry[]): void {
    for (const entry of entries) this.#replace(entry, false)
  }

  /** What may be told now; the view is then what the client knows. */
  takeUpdates(mayExpunge: boolean): Updates {
    const expunged = mayExpunge && this.#expunged.size > 0 ? this.#removeExpunged() : NONE_EXPUNGED
    const exists = this.#arrived.length > 0 ? this.#messages.length + this.#arrived.length : undefined
    // A flag change of a message not told of yet needs no telling.
    const changed = [...this.#changed].map((uid) => this.indexOf(uid)).filter((index) => index >= 0)
    this.#changed.clear()
    if (this.#arrived.length > 0) this.#admitArrived()
    return { expunged, exists, changed: changed.sort((a, b) => a - b) }
  }

  #admitArrived(): void {
    const messages = this.#own()
    for (const entry of this.#arrived) messages.push(entry)
    this.#arrived = []
  }

  /** The messages, to be changed. */
  #own(): MessageEntry[] {
    const messages = this.#isOwn ? (this.#messages as MessageEntry[]) : this.#messages.slice()
    this.#messages = messages
    this.#isOwn = true
    return messages
  }

  #removeExpunged(): Updates['expunged'] {
    const gone = this.#expunged
    this.#expunged = new Set()
    const numbers: number[] = []
    const uids: number[] = []
    const left: MessageEntry[] = []
    for (const [index, entry] of this.#messages.entries()) {
      if (!gone.has(entry.uid)) {
        left.push(entry)
        continue
      }
      numbers.push(index + 1)
      uids.push(entry.uid)
    }
    this.#messages = left
    this.#isOwn = true
    this.saved = this.saved.filter((uid) => !gone.has(uid))
    for (const uid of uids) this.recent.delete(uid)
    return { numbers: numbers.reverse(), uids }
  }

  #take(event: StoreEvent): void {
    if (event.type === 'folder-deleted') this.isGone = true
    else if (event.type === 'folder-changed') this.folder = event.folder
    else if (event.type === 'appended') this.#arrive(event.entries)
    else if (event.type === 'flags') this.#takeFlags(event.entries, event.origin === this)
    else if (event.type === 'expunged') this.#takeExpunged(event.uids, event.modSeq)
    if (this.hasUpdates || this.isGone) this.onChange?.()
  }

  #arrive(entries: readonly MessageEntry[]): void {
    for (const entry of entries) {
      const last = this.#arrived.at(-1) ?? this.#messages.at(-1)
      if (last !== undefined && entry.uid <= last.uid) continue
      this.#arrived.push(entry)
      this.#sawModSeq(entry.modSeq)
    }
  }

  #takeFlags(entries: readonly MessageEntry[], own: boolean): void {
    for (const entry of entries) {
      this.#replace(entry, !own)
      this.#sawModSeq(entry.modSeq)
    }
  }

  #replace(entry: MessageEntry, tell: boolean): void {
    const index = this.indexOf(entry.uid)
    const isNumbered = index >= 0
    const at = isNumbered ? index : indexOfUid(this.#arrived, entry.uid)
    const old = (isNumbered ? this.#messages : this.#arrived)[at]
    // Events of a change that the view was read after come late.
    if (old === undefined || old.modSeq > entry.modSeq) return
    if (isNumbered) this.#own()[at] = entry
    else this.#arrived[at] = entry
    if (tell && isNumbered) this.#changed.add(entry.uid)
  }

  #takeExpunged(uids: readonly number[], modSeq: number): void {
    for (const uid of uids) {
      const arrived = indexOfUid(this.#arrived, uid)
      if (arrived >= 0) this.#arrived.splice(arrived, 1)
      else if (this.indexOf(uid) >= 0) this.#expunged.add(uid)
      this.#changed.delete(uid)
    }
    this.#sawModSeq(modSeq)
  }

  #sawModSeq(modSeq: number): void {
    if (modSeq > this.#highestModSeq) this.#highestModSeq = modSeq
  }
}

const NONE_EXPUNGED: Updates['expunged'] = { numbers: [], uids: [] }

/** What is asked of a mailbox that was selected read-only, or of one that is no more. */
export function checkWritable(selection: Selection): void {
  if (selection.readOnly) throw no('the mailbox is selected read-only', 'NOPERM')
}
