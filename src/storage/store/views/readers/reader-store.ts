import { blockOf } from '../../entries/entry-block.ts'
import { EntryList } from '../../entries/entry-list.ts'
import { SEEN } from '../../entries/flags.ts'
import { ascending } from '../../entries/uid-order.ts'
import { StoreError } from '../../errors.ts'
import { CAPTURED_OWNER, type Folder, type Owner } from '../../folder.ts'
import type { MessageEntry, StoredMessage } from '../../message-entry.ts'
import type { Origin } from '../../origin.ts'
import type { StoreEvent, WatchedFolders } from '../../store-events.ts'
import type {
  CopyResult,
  FlagChange,
  FlagChangeResult,
  FolderSnapshot,
  FolderStatus,
  HoldLimit,
  MessageStore,
  NewMessage,
  UidRange,
} from '../../types.ts'
import type { ValueSpace } from '../../value-types.ts'
import { StoreView } from '../store-view.ts'
import { KnownMarks } from './known-marks.ts'
import { chunksOf, SeenMarks, withSeen } from './seen.ts'

/** Returns whether an account has its own `\Seen` in a folder: not in its own mailboxes, nor in captured mail. */
export const hasOwnSeen = ({ owner }: Folder, reader: Owner): boolean => owner !== reader && owner !== CAPTURED_OWNER

interface Transfer {
  readonly from: string
  readonly uids: readonly number[]
  readonly to: string
  readonly origin: Origin | undefined
  readonly limit: HoldLimit | undefined
}

/**
 * The store as one account sees it: in newsgroups and in mailboxes of others it has its own `\Seen`. Their messages keep all
 * other flags, which readers share.
 */
export class ReaderStore extends StoreView implements MessageStore {
  readonly #store: MessageStore
  readonly #reader: Owner
  readonly #failed: (error: unknown) => void
  /** Resolves when the events so far are delivered. */
  #delivered: Promise<void> = Promise.resolve()

  /** @param failed receives the errors of reads for events, and those that listeners throw */
  constructor(store: MessageStore, reader: Owner, failed: (error: unknown) => void) {
    super(store)
    this.#store = store
    this.#reader = reader
    this.#failed = failed
  }

  async status(folderId: string): Promise<FolderStatus> {
    const status = await this.#store.status(folderId)
    if (!this.#isViewed(folderId)) return status
    // The caller also gets the events of the changes that are counted.
    await this.#delivered
    return { ...status, unseen: (await this.#snapshot(folderId)).unseen }
  }

  async snapshot(folderId: string): Promise<FolderSnapshot> {
    return this.#isViewed(folderId) ? this.#snapshot(folderId) : this.#store.snapshot(folderId)
  }

  async #snapshot(folderId: string): Promise<FolderSnapshot> {
    const { view } = await KnownMarks.of(this.#store).in(folderId, this.#reader)
    const snapshot = await this.#store.snapshot(folderId)
    const entries = await view.of(EntryList.of(snapshot.entries))
    const { unseen, firstUnseen } = entries
    return { ...snapshot, entries, flags: withSeen(snapshot.flags, unseen < entries.length), unseen, firstUnseen }
  }

  async list(folderId: string, range?: UidRange): Promise<readonly MessageEntry[]> {
    const entries = await this.#store.list(folderId, range)
    return this.#isViewed(folderId) ? this.#viewed(folderId, entries) : entries
  }

  async entry(folderId: string, uid: number): Promise<MessageEntry | undefined> {
    const entry = await this.#store.entry(folderId, uid)
    return entry && this.#isViewed(folderId) ? (await this.#marks(folderId, [uid])).view(entry) : entry
  }

  async changedSince(folderId: string, modSeq: number): Promise<readonly MessageEntry[]> {
    const changed = await this.#store.changedSince(folderId, modSeq)
    if (!this.#isViewed(folderId)) return changed
    const marks = await this.#marks(folderId)
    const marked = await this.#entriesOf(folderId, marks.changedSince(modSeq))
    const byUid = new Map([...changed, ...marked].map((entry) => [entry.uid, marks.view(entry)]))
    return [...byUid.values()].sort((a, b) => a.uid - b.uid)
  }

  async append(batch: readonly NewMessage[], origin?: Origin): Promise<readonly StoredMessage[]> {
    const isViewed = batch.some(({ targets }) => targets.some(({ folderId }) => this.#isViewed(folderId)))
    if (!isViewed) return this.#store.append(batch, origin)
    const seen = batch.flatMap(({ targets }) => targets.map(({ flags = [] }) => flags.some(isSeenFlag)))
    const stored = await this.#store.append(
      batch.map((message) => this.#withoutSeen(message)),
      origin,
    )
    const byFolder = new Map<string, number[]>()
    stored.forEach(({ folder, entry }, i) => {
      if (seen[i] && this.#isViewed(folder.id)) byFolder.set(folder.id, [...(byFolder.get(folder.id) ?? []), entry.uid])
    })
    for (const [folderId, uids] of byFolder) await this.#mark(folderId, uids, true, origin)
    return stored
  }

  async setFlags(
    folderId: string,
    uids: readonly number[],
    change: FlagChange,
    origin?: Origin,
  ): Promise<FlagChangeResult> {
    if (!this.#isViewed(folderId)) return this.#store.setFlags(folderId, uids, change, origin)
    const { mode, flags, unchangedSince = Number.POSITIVE_INFINITY } = change
    const marks = await this.#marks(folderId, uids)
    const found = await this.#entriesOf(folderId, uids)
    const refused = found.filter(({ uid, modSeq }) => Math.max(modSeq, marks.modSeqOf(uid)) > unchangedSince)
    const isRefused = new Set(refused.map(({ uid }) => uid))
    const changing = found.filter(({ uid }) => !isRefused.has(uid))
    const shared = flags.filter((flag) => !isSeenFlag(flag))
    if (mode === 'replace' || shared.length > 0)
      await this.#setShared(folderId, changing, { mode, flags: shared }, origin)
    const namesSeen = flags.some(isSeenFlag)
    if (mode === 'replace' || namesSeen) {
      await this.#mark(
        folderId,
        changing.map(({ uid }) => uid),
        mode === 'remove' ? false : namesSeen,
        origin,
      )
    }
    const entries = await this.#viewed(
      folderId,
      await this.#entriesOf(
        folderId,
        changing.map(({ uid }) => uid),
      ),
    )
    return { entries, modified: refused.map(({ uid }) => uid) }
  }

  copy(from: string, uids: readonly number[], to: string, origin?: Origin, limit?: HoldLimit): Promise<CopyResult> {
    return this.#transfer('copy', { from, uids, to, origin, limit })
  }

  move(from: string, uids: readonly number[], to: string, origin?: Origin, limit?: HoldLimit): Promise<CopyResult> {
    return this.#transfer('move', { from, uids, to, origin, limit })
  }

  /** Copies or moves messages. Copies of messages that the reader has seen count as seen. */
  async #transfer(how: 'copy' | 'move', { from, uids, to, origin, limit }: Transfer): Promise<CopyResult> {
    const differs = this.#isViewed(from) || this.#isViewed(to)
    const before = differs ? await this.#seenAmong(from, uids) : new Set<number>()
    const result = await this.#store[how](from, uids, to, origin, limit)
    if (!differs) return result
    const [seen, unseen]: [number[], number[]] = [[], []]
    for (const [i, uid] of result.to.entries()) {
      const list = before.has(result.from[i] as number) ? seen : unseen
      list.push(uid)
    }
    if (this.#isViewed(to)) {
      await this.#store.setFlags(to, result.to, { mode: 'remove', flags: [SEEN] }, origin)
      await this.#mark(to, seen, true, origin)
      return result
    }
    if (seen.length > 0) await this.#store.setFlags(to, seen, { mode: 'add', flags: [SEEN] }, origin)
    if (unseen.length > 0) await this.#store.setFlags(to, unseen, { mode: 'remove', flags: [SEEN] }, origin)
    return result
  }

  /** Emits what was stored before this call, also what needs the reader's marks. */
  async refresh(): Promise<void> {
    await this.#store.refresh()
    await this.#delivered
  }

  /** Events of viewed folders are delivered a little later, in their order, because their entries are read first. */
  watch(listener: (event: StoreEvent) => void, folders?: WatchedFolders): () => void {
    let isWatching = true
    const deliver = async (event: StoreEvent): Promise<void> => {
      const seen = await this.#event(event)
      if (seen && isWatching) listener(seen)
    }
    const stop = this.#store.watch((event) => {
      if (!hasOwnSeen(event.folder, this.#reader)) listener(event)
      else this.#delivered = this.#delivered.then(() => deliver(event)).catch((error) => this.#reportUnlessGone(error))
    }, folders)
    return () => {
      isWatching = false
      stop()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]()
  }

  /** Returns an event as the reader sees it; undefined if it sees nothing. */
  async #event(event: StoreEvent): Promise<StoreEvent | undefined> {
    const { folder } = event
    if (event.type === 'appended') {
      // A new message has no marks.
      return { ...event, entries: event.entries.map((entry) => ({ ...entry, flags: withSeen(entry.flags, false) })) }
    }
    if (event.type === 'flags') return { ...event, entries: await this.#viewed(folder.id, event.entries) }
    if (event.type !== 'values' || event.kind !== 'seen') return event
    if (event.reader !== this.#reader) return undefined
    const marks = SeenMarks.from(await this.#store.values({ ...this.#space(folder.id), names: event.names }))
    const changed = await this.#entriesOf(folder.id, marks.changedSince((event.modSeq ?? 1) - 1))
    const entries = changed.map((entry) => marks.view(entry))
    return { type: 'flags', folder, entries, ...(event.origin && { origin: event.origin }) }
  }

  #isViewed(folderId: string): boolean {
    const folder = this.#store.folderOf(folderId)
    return folder !== undefined && hasOwnSeen(folder, this.#reader)
  }

  #space(folderId: string): ValueSpace {
    return { folderId, kind: 'seen', reader: this.#reader }
  }

  /** @param uids the messages whose marks are wanted. Default: all */
  async #marks(folderId: string, uids?: readonly number[]): Promise<SeenMarks> {
    if (!uids) return (await KnownMarks.of(this.#store).in(folderId, this.#reader)).marks
    return SeenMarks.from(await this.#store.values({ ...this.#space(folderId), names: chunksOf(uids) }))
  }

  async #mark(folderId: string, uids: readonly number[], isSeen: boolean, origin: Origin | undefined): Promise<void> {
    if (uids.length === 0) return
    const { lowestUid } = await this.#store.status(folderId)
    const names = chunksOf(uids)
    const known = await this.#store.values({ ...this.#space(folderId), names })
    // The marks of deleted messages are looked for when a chunk is added, so for few changes only.
    const isAdding = known.size < names.length
    await this.#store.changeValues(
      { ...this.#space(folderId), names: isAdding ? undefined : names },
      (current, modSeq) => SeenMarks.from(current).mark(uids, isSeen, { modSeq, lowestUid }),
      origin,
    )
  }

  async #viewed(folderId: string, entries: readonly MessageEntry[]): Promise<MessageEntry[]> {
    const marks = await this.#marks(
      folderId,
      entries.map(({ uid }) => uid),
    )
    return entries.map((entry) => marks.view(entry))
  }

  /** Returns the store's entries of those uids that exist, ascending. */
  async #entriesOf(folderId: string, uids: readonly number[]): Promise<readonly MessageEntry[]> {
    const found: MessageEntry[] = []
    const wanted = ascending(uids)
    for (let i = 0; i < wanted.length; ) {
      const block = blockOf(wanted[i] as number)
      const from = i
      while (i < wanted.length && blockOf(wanted[i] as number) === block) i++
      const isWanted = new Set(wanted.slice(from, i))
      const range = { from: wanted[from] as number, to: wanted[i - 1] as number }
      for (const entry of await this.#store.list(folderId, range)) if (isWanted.has(entry.uid)) found.push(entry)
    }
    return found
  }

  async #seenAmong(folderId: string, uids: readonly number[]): Promise<ReadonlySet<number>> {
    const entries = await this.#entriesOf(folderId, uids)
    const viewed = this.#isViewed(folderId) ? await this.#viewed(folderId, entries) : entries
    return new Set(viewed.filter(({ flags }) => flags.includes(SEEN)).map(({ uid }) => uid))
  }

  /** Changes the flags that readers share. The owner keeps its own `\Seen`. */
  async #setShared(
    folderId: string,
    entries: readonly MessageEntry[],
    { mode, flags }: FlagChange,
    origin: Origin | undefined,
  ): Promise<void> {
    const uidsOf = (isSeen: boolean): number[] =>
      entries.filter((entry) => mode !== 'replace' || entry.flags.includes(SEEN) === isSeen).map(({ uid }) => uid)
    if (mode !== 'replace') {
      await this.#store.setFlags(folderId, uidsOf(true), { mode, flags }, origin)
      return
    }
    await this.#store.setFlags(folderId, uidsOf(false), { mode, flags }, origin)
    await this.#store.setFlags(folderId, uidsOf(true), { mode, flags: [...flags, SEEN] }, origin)
  }

  /** The folder may be deleted, or the store closed, before its event is delivered. */
  #reportUnlessGone(error: unknown): void {
    const isGone = error instanceof StoreError && (error.code === 'not-found' || error.code === 'closed')
    if (!isGone) this.#failed(error)
  }

  #withoutSeen(message: NewMessage): NewMessage {
    const targets = message.targets.map(({ folderId, flags = [] }) => ({
      folderId,
      flags: this.#isViewed(folderId) ? flags.filter((flag) => !isSeenFlag(flag)) : flags,
    }))
    return { ...message, targets }
  }
}

const isSeenFlag = (flag: string): boolean => flag.toLowerCase() === '\\seen'
