import { countOctets, type Pieces } from '../../../../core/octets/pieces.ts'
import type { Folder, Owner } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { ValueChanges, ValueSpace, Values } from '../../value-types.ts'
import { BaseChangeSet } from '../change-set.ts'
import type { FolderRegistry } from '../folder-registry.ts'
import { checkFits, isCounted } from '../full/limits.ts'
import { type Held, sumFolders } from '../full/owner-limits.ts'
import type { NewBlob, PlannedMessage } from '../plan.ts'
import { lacksLineEnd } from '../take-octets.ts'
import type { Blobs } from './blobs.ts'
import type { ArticleHistory, MemoryFolder } from './indexes.ts'
import { MemoryValues } from './values.ts'

interface ChangeSetParts {
  readonly folders: FolderRegistry<MemoryFolder>
  readonly blobs: Blobs
  readonly history: ArticleHistory
  /** Most messages, without the queue of outgoing mail. Default: no limit. */
  readonly maxMessages: number | undefined
  readonly emit: (event: StoreEvent) => void
}

/** The changes of a memory store. Each takes effect immediately. */
export class MemoryChangeSet extends BaseChangeSet<MemoryFolder, Pieces> {
  /** The values that belong to no folder. */
  readonly values = new MemoryValues()
  readonly #parts: ChangeSetParts
  /** Number of messages, without the queue of outgoing mail. */
  #messages = 0

  constructor(parts: ChangeSetParts) {
    super()
    this.#parts = parts
  }

  need(folderId: string): MemoryFolder {
    return this.#parts.folders.need(folderId)
  }

  /** Counts a message that is restored from a copy. @throws StoreError `no-space` */
  countRestored(folder: MemoryFolder): void {
    this.#checkCount([folder])
    if (isCounted(folder.folder)) this.#messages++
  }

  /** Deletes a folder with its messages and values. */
  deleteFolder(state: MemoryFolder): void {
    const { folder, index, values } = state
    this.#release(folder, index.list())
    this.#parts.blobs.free(values.octets)
    this.#parts.folders.remove(state)
    this.#parts.emit({ type: 'folder-deleted', folder })
  }

  /** Removes the values that belong to no folder. */
  clearValues(): void {
    this.#parts.blobs.free(this.values.octets)
    this.values.clear()
  }

  /** Returns the values of a folder, or of the store as a whole. @throws StoreError `not-found` */
  valuesOf({ folderId }: ValueSpace): MemoryValues {
    return folderId === undefined ? this.values : this.need(folderId).values
  }

  protected readonly heldBy = (owner: Owner): Held => {
    const { folders } = this.#parts
    return sumFolders(folders.list(owner).map(({ id }) => this.need(id).index.status()))
  }

  protected pick({ index }: MemoryFolder, uids: readonly number[]): readonly MessageEntry[] {
    return index.pick(uids)
  }

  protected knows(messageId: string): boolean {
    return this.#parts.history.has(messageId)
  }

  protected sizeOf(raw: Pieces): number {
    return countOctets(raw)
  }

  protected override reserve(planned: readonly PlannedMessage<MemoryFolder>[], raws: readonly Pieces[]): void {
    let [octets, entries] = [0, 0]
    for (const [i, { prefix, places }] of planned.entries()) {
      octets += (prefix?.length ?? 0) + countOctets(raws[i] ?? [])
      entries += places.length
    }
    if (this.#parts.maxMessages !== undefined) this.#checkCount(planned.flatMap(({ places }) => places))
    this.#parts.blobs.reserve(octets, entries)
  }

  protected putBlob({ prefix, places }: PlannedMessage<MemoryFolder>, raw: Pieces): NewBlob {
    const pieces = prefix ? [prefix, ...raw] : raw
    const blob = this.#parts.blobs.add(pieces, places.length)
    return { blob, sizeOctets: countOctets(pieces), lacksLineEnd: lacksLineEnd(pieces) }
  }

  protected share(target: MemoryFolder, entries: readonly MessageEntry[], isMove: boolean): void {
    const { blobs } = this.#parts
    if (isMove) blobs.reserveForMove(entries.length)
    else {
      this.#checkCount(entries.map(() => target))
      blobs.reserve(0, entries.length)
    }
    for (const { blob } of entries) blobs.hold(blob)
  }

  protected addEntries({ folder, index }: MemoryFolder, entries: readonly MessageEntry[]): void {
    index.append(entries)
    if (isCounted(folder)) this.#messages += entries.length
    this.#parts.history.add(folder, entries)
  }

  protected replaceEntries(
    { index }: MemoryFolder,
    _before: readonly MessageEntry[],
    after: readonly MessageEntry[],
  ): void {
    index.replace(after)
  }

  protected removeEntries(state: MemoryFolder, entries: readonly MessageEntry[], modSeq: number): void {
    state.expunge(
      entries.map(({ uid }) => uid),
      modSeq,
    )
    this.#release(state.folder, entries)
  }

  protected valuesIn(space: ValueSpace): Values {
    return this.valuesOf(space).in(space)
  }

  protected putValues(space: ValueSpace, changes: ValueChanges): void {
    const { blobs } = this.#parts
    const values = this.valuesOf(space)
    const growth = values.growth(space, changes)
    if (growth > 0) blobs.reserve(growth, 0)
    else blobs.free(-growth)
    values.change(space, changes)
  }

  protected emit(_folder: MemoryFolder, event: StoreEvent): void {
    this.#parts.emit(event)
  }

  /** Checks the number of messages that a change adds to these folders. @throws StoreError `no-space` */
  #checkCount(added: readonly { readonly folder: Folder }[]): void {
    const { maxMessages } = this.#parts
    if (maxMessages === undefined) return
    const messages = added.filter(({ folder }) => isCounted(folder)).length
    checkFits({ octets: 0, messages: this.#messages }, { octets: 0, messages }, { messages: maxMessages })
  }

  #release(folder: Folder, entries: readonly MessageEntry[]): void {
    const { blobs, history } = this.#parts
    for (const { blob } of entries) blobs.release(blob)
    if (isCounted(folder)) this.#messages -= entries.length
    history.remove(folder, entries)
  }
}
