import { EntryList } from '../../src/storage/store/entries/entry-list.ts'
import { indexOfUid } from '../../src/storage/store/entries/uid-order.ts'
import type { Folder } from '../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../src/storage/store/message-entry.ts'
import type { StoreEvent } from '../../src/storage/store/store-events.ts'
import type { FolderSnapshot, MessageStore, UidRange } from '../../src/storage/store/types.ts'
import type { ResultContext, Updates } from './changes.ts'
import type { Labels } from './gmail/label.ts'
import { indexesOfNumbers, indexesOfUids, type SequenceSet } from './wire/sequence-set.ts'

/** Decides which messages of a folder exist for an account. */
export type SeesEntry = (entry: MessageEntry) => boolean

interface ViewOptions {
  /** The id of the session. */
  readonly sessionId?: string | undefined
  /** Whether the mailbox is opened for reading only. */
  readonly isExamined: boolean
  /** The rights of the account. RFC 4314 section 2.1. */
  readonly rights: string
  /** Which messages exist in the view. Undefined: all. */
  readonly sees?: SeesEntry | undefined
}

/** The facts that SELECT reports about the mailbox. */
export type Opened = Pick<FolderSnapshot, 'uidNext' | 'highestModSeq' | 'flags' | 'firstUnseen'>

/** Ascending ranges of uids. */
class UidRanges {
  readonly #ranges: UidRange[] = []

  get ranges(): readonly UidRange[] {
    return this.#ranges
  }

  get highest(): number {
    return this.#ranges.at(-1)?.to ?? 0
  }

  has(uid: number): boolean {
    return this.#ranges.some(({ from, to }) => uid >= from && uid <= to)
  }

  /** Adds a range, which must be above the others. */
  add({ from, to }: UidRange): void {
    const last = this.#ranges.at(-1)
    if (last && last.to + 1 === from) this.#ranges[this.#ranges.length - 1] = { from: last.from, to }
    else this.#ranges.push({ from, to })
  }
}

/**
 * A session's view of the selected mailbox: what its client knows. Sequence numbers are positions in this view, and
 * change only when the client is sent an EXPUNGE. Changes that the store reports wait here until `takeUpdates`.
 * RFC 9051 sections 2.3.1.2 and 7.5.1.
 */
export class Selection {
  readonly sessionId: string | undefined
  readonly isExamined: boolean
  rights: string
  folder: Folder
  /** Whether the folder has been deleted. */
  isDeleted = false
  /** Uids saved by SEARCH RETURN (SAVE), ascending. RFC 5182. */
  saved: readonly number[] = []
  /** Uids that are `\Recent` in this session. RFC 3501 section 2.3.2. */
  readonly recent = new UidRanges()
  /** The thread ids that were needed so far, by uid. RFC 8474. */
  readonly threadIds = new Map<number, string>()
  /** The labels of messages when they were last needed. Gmail's X-GM-LABELS. */
  labels: Labels = NO_LABELS
  /** Flags and keywords that the client knows. */
  readonly knownFlags = new Set<string>()
  /** Callback for changes of the mailbox's access control list. */
  onAccessChange: (() => void) | undefined
  /** Callback for changes to send (IDLE, NOTIFY). */
  onChange: (() => void) | undefined
  /** Search results that the client has updated, by the tag of their command. RFC 5267. */
  readonly contexts = new Map<string, ResultContext>()
  /** Whether this session has expunged messages and the client was not yet sent their EXPUNGE. */
  hasOwnExpunges = false
  #messages = new EntryList()
  #arrived: MessageEntry[] = []
  #expunged = new Set<number>()
  #changed = new Set<number>()
  /** Uids of new messages that this session stored itself. */
  #ownArrived = new Set<number>()
  /** Uids of messages that any session changed, for `contexts`. Undefined: nobody asks. */
  #touched: Set<number> | undefined
  #highestModSeq = 0
  #unwatch: () => void = () => {}

  readonly #sees: SeesEntry | undefined

  private constructor(folder: Folder, { sessionId, isExamined, rights, sees }: ViewOptions) {
    this.sessionId = sessionId
    this.folder = folder
    this.isExamined = isExamined
    this.rights = rights
    this.#sees = sees
  }

  /** Opens a view of a folder, and watches the folder until `close`. */
  static async open(
    store: MessageStore,
    folder: Folder,
    options: ViewOptions,
  ): Promise<{ selection: Selection; opened: Opened }> {
    const selection = new Selection(folder, options)
    const early: StoreEvent[] = []
    let handle = (event: StoreEvent): void => {
      early.push(event)
    }
    selection.#unwatch = store.watch((event) => handle(event), folder.id)
    try {
      const opened = partOf(await store.snapshot(folder.id), options.sees)
      selection.#messages = EntryList.of(opened.entries)
      selection.#highestModSeq = opened.highestModSeq
      handle = (event) => selection.#handle(event)
      for (const event of early) selection.#handle(event)
      return { selection, opened }
    } catch (error) {
      selection.close()
      throw error
    }
  }

  close(): void {
    this.#unwatch()
    this.onChange = undefined
    this.onAccessChange = undefined
    for (const context of this.contexts.values()) context.close()
    this.contexts.clear()
  }

  /** Starts to collect changed messages for `contexts`. `false` stops that if no context is left. */
  trackChanges(wanted: boolean): void {
    if (wanted) this.#touched ??= new Set()
    else if (this.contexts.size === 0) this.#touched = undefined
  }

  /** Whether the client can change nothing in the mailbox. RFC 9051 section 6.3.2. */
  get readOnly(): boolean {
    return this.isExamined || !/[swte]/.test(this.rights)
  }

  /** The messages, in sequence number order. Expunged ones stay until the client is sent their EXPUNGE. */
  get messages(): EntryList {
    return this.#messages
  }

  /** The number of messages that are `\Recent` in this session. */
  get recentCount(): number {
    const { ranges } = this.recent
    return ranges.reduce(
      (sum, { from, to }) => sum + this.#messages.indexFrom(to + 1) - this.#messages.indexFrom(from),
      0,
    )
  }

  get highestModSeq(): number {
    return this.#highestModSeq
  }

  /** Returns whether the message has been expunged from the store but still has a sequence number here. */
  isExpunged(uid: number): boolean {
    return this.#expunged.has(uid)
  }

  get hasUpdates(): boolean {
    return this.#expunged.size + this.#changed.size + this.#arrived.length + (this.#touched?.size ?? 0) > 0
  }

  indexOf(uid: number): number {
    return this.#messages.indexOf(uid)
  }

  /**
   * Returns the indexes of the messages in a set, ascending. Ignores unknown uids (RFC 9051 section 6.4.9).
   * @throws ImapError for a sequence number that is not in use
   */
  resolve(set: SequenceSet, byUid: boolean): number[] {
    if (set === 'saved') return this.saved.map((uid) => this.indexOf(uid)).filter((index) => index >= 0)
    return byUid ? indexesOfUids(this.#messages, set) : indexesOfNumbers(this.#messages.length, set)
  }

  /** Updates the view after a change by this session. */
  refresh(entries: readonly MessageEntry[]): void {
    for (const entry of entries) this.#replace(entry, false)
  }

  /** Returns the changes that may be sent now, and applies them to the view. */
  takeUpdates(mayExpunge: boolean): Updates {
    const expunged = mayExpunge && this.#expunged.size > 0 ? this.#removeExpunged() : NONE_EXPUNGED
    const known = this.#messages.length
    const exists = this.#arrived.length > 0 ? known + this.#arrived.length : undefined
    // New messages are not in the view yet: their flags need no update.
    const changed = this.#taken(this.#changed)
    const touched = this.#touched ? this.#taken(this.#touched) : []
    if (this.#arrived.length > 0) this.#addArrived()
    const foreign: number[] = []
    for (let index = known; index < this.#messages.length; index++) {
      touched.push(index)
      if (!this.#ownArrived.has(this.#messages.at(index)?.uid ?? 0)) foreign.push(index)
    }
    this.#ownArrived.clear()
    return { expunged, exists, foreign, changed, touched }
  }

  /** Takes all uids out of a set. Returns the indexes of the messages that the client knows, ascending. */
  #taken(uids: Set<number>): number[] {
    const indexes = [...uids].map((uid) => this.indexOf(uid)).filter((index) => index >= 0)
    uids.clear()
    return indexes.sort((a, b) => a - b)
  }

  #addArrived(): void {
    for (const entry of this.#arrived) this.#messages.append(entry)
    this.#arrived = []
  }

  #removeExpunged(): Updates['expunged'] {
    const gone = this.#expunged
    this.#expunged = new Set()
    this.hasOwnExpunges = false
    const indexes = [...gone].map((uid) => this.indexOf(uid)).filter((index) => index >= 0)
    indexes.sort((a, b) => a - b)
    const numbers = indexes.map((index) => index + 1)
    const uids = indexes.map((index) => this.#messages.at(index)?.uid ?? 0)
    this.#messages.remove(uids)
    this.saved = this.saved.filter((uid) => !gone.has(uid))
    return { numbers: numbers.reverse(), uids }
  }

  #handle(event: StoreEvent): void {
    if (event.type === 'values' && event.kind === 'acl') this.onAccessChange?.()
    if (event.type === 'folder-deleted') this.isDeleted = true
    else if (event.type === 'folder-changed') this.folder = event.folder
    else if (event.type === 'appended') this.#addNew(event.entries, event.origin === this)
    else if (event.type === 'flags') this.#updateFlags(event.entries, event.origin === this)
    else if (event.type === 'expunged') {
      this.#addExpunged(event.uids, event.modSeq)
      if (event.origin === this) this.hasOwnExpunges = this.#expunged.size > 0
    }
    if (this.hasUpdates || this.isDeleted) this.onChange?.()
  }

  #addNew(entries: readonly MessageEntry[], own: boolean): void {
    for (const entry of entries) {
      const last = this.#arrived.at(-1) ?? this.#messages.at(-1)
      if (last !== undefined && entry.uid <= last.uid) continue
      if (this.#sees && !this.#sees(entry)) continue
      this.#arrived.push(entry)
      if (own) this.#ownArrived.add(entry.uid)
      this.#raiseModSeq(entry.modSeq)
    }
  }

  #updateFlags(entries: readonly MessageEntry[], own: boolean): void {
    for (const entry of entries) {
      this.#replace(entry, !own)
      this.#raiseModSeq(entry.modSeq)
    }
  }

  #replace(entry: MessageEntry, isForeign: boolean): void {
    const index = this.indexOf(entry.uid)
    const isNumbered = index >= 0
    const at = isNumbered ? index : indexOfUid(this.#arrived, entry.uid)
    const old = isNumbered ? this.#messages.at(at) : this.#arrived[at]
    // An event may report a change that the snapshot already contains.
    if (old === undefined || old.modSeq > entry.modSeq) return
    if (isNumbered) this.#messages.replace(entry)
    else this.#arrived[at] = entry
    if (isForeign && isNumbered) this.#changed.add(entry.uid)
    if (isNumbered) this.#touched?.add(entry.uid)
  }

  #addExpunged(uids: readonly number[], modSeq: number): void {
    for (const uid of uids) {
      const arrived = indexOfUid(this.#arrived, uid)
      if (arrived >= 0) this.#arrived.splice(arrived, 1)
      else if (this.indexOf(uid) >= 0) this.#expunged.add(uid)
      this.#changed.delete(uid)
      this.#touched?.delete(uid)
    }
    this.#raiseModSeq(modSeq)
  }

  #raiseModSeq(modSeq: number): void {
    if (modSeq > this.#highestModSeq) this.#highestModSeq = modSeq
  }
}

/** Returns the part of a folder that a view shows. */
function partOf(whole: FolderSnapshot, sees: SeesEntry | undefined): Opened & Pick<FolderSnapshot, 'entries'> {
  if (!sees) return whole
  const entries = Array.from(whole.entries).filter(sees)
  const { uidNext, highestModSeq } = whole
  return {
    uidNext,
    highestModSeq,
    entries,
    flags: [...new Set(entries.flatMap(({ flags }) => flags))],
    firstUnseen: entries.findIndex(({ flags }) => !flags.includes('\\Seen')) + 1,
  }
}

const NO_LABELS: Labels = new Map()
const NONE_EXPUNGED: Updates['expunged'] = { numbers: [], uids: [] }
