import { StoreError } from '../errors.ts'
import type { Owner } from '../folder.ts'
import type { MessageEntry, StoredMessage } from '../message-entry.ts'
import type { Origin } from '../origin.ts'
import type { StoreEvent } from '../store-events.ts'
import type { CopyResult, FlagChange, FlagChangeResult, HoldLimit, NewMessage } from '../types.ts'
import type { ValueChanges, ValueSpace, Values } from '../value-types.ts'
import { additionsTo, checkLimit, checkLimits, type Held } from './full/owner-limits.ts'
import {
  type AddedEntries,
  copiedEntries,
  copyResult,
  createEntries,
  type FolderNumbers,
  type NewBlob,
  type PlannedMessage,
  planAppend,
  planFlags,
} from './plan.ts'

/** A folder while messages in it change. */
export interface ChangeableFolder extends FolderNumbers {
  highestModSeq: number
}

/** How messages are copied or moved. */
interface Transfer {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly origin?: Origin | undefined
  /** The most that the owner of the target may have afterwards. */
  readonly limit?: HoldLimit | undefined
}

/**
 * The changes of messages and values. This part checks limits, plans the new entries and emits the events; an engine reads and
 * writes. A method that throws has changed nothing.
 */
export abstract class BaseChangeSet<Changed extends ChangeableFolder, Raw> {
  /** Stores messages. @param raws the octets of each @throws StoreError `not-found`, `exists`, `over-quota`, `no-space` */
  append(
    batch: readonly NewMessage[],
    raws: readonly Raw[],
    now: number,
    origin: Origin | undefined,
  ): readonly StoredMessage[] {
    for (const { once, messageId } of batch) {
      if (once && messageId !== undefined && this.knows(messageId))
        throw new StoreError('exists', `${messageId} is known already`)
    }
    const planned = planAppend(batch, (folderId) => this.need(folderId))
    checkLimits(planned, (i) => this.sizeOf(raws[i] as Raw), this.heldBy)
    this.reserve(planned, raws)
    const added: AddedEntries<Changed> = new Map()
    const stored: StoredMessage[] = []
    for (const [i, message] of planned.entries()) {
      const blob = this.putBlob(message, raws[i] as Raw)
      for (const one of createEntries(message, blob, now, added)) stored.push(one)
    }
    for (const [folder, entries] of added) this.#add(folder, entries, origin)
    return stored
  }

  /** Changes flags. @throws StoreError `not-found` */
  setFlags(folderId: string, uids: readonly number[], change: FlagChange, origin?: Origin): FlagChangeResult {
    const folder = this.need(folderId)
    const { entries, modified, before, after } = planFlags(this.pick(folder, uids), folder, change)
    if (after.length > 0) {
      this.replaceEntries(folder, before, after)
      this.emit(folder, { type: 'flags', folder: folder.folder, entries: after, ...(origin && { origin }) })
    }
    return { entries, modified }
  }

  /** Copies messages. @throws StoreError `not-found`, `over-quota`, `no-space` */
  copy(folderId: string, uids: readonly number[], targetFolderId: string, transfer: Transfer): CopyResult {
    const from = this.pick(this.need(folderId), uids)
    return this.#copyTo(this.need(targetFolderId), from, transfer, false)
  }

  /** Copies messages and deletes them where they were. @throws StoreError as `copy` */
  move(folderId: string, uids: readonly number[], targetFolderId: string, transfer: Transfer): CopyResult {
    const source = this.need(folderId)
    const moving = this.pick(source, uids)
    const result = this.#copyTo(this.need(targetFolderId), moving, transfer, true)
    this.#expunge(source, moving, transfer.origin)
    return result
  }

  /** Deletes messages. Returns their uids in ascending order. @throws StoreError `not-found` */
  expunge(folderId: string, uids: readonly number[], origin?: Origin): readonly number[] {
    const folder = this.need(folderId)
    return this.#expunge(folder, this.pick(folder, uids), origin)
  }

  /** Changes values of a folder, or of the store as a whole. @throws StoreError `not-found`, `no-space` */
  changeValues(
    space: ValueSpace,
    change: (current: Values, modSeq: number) => ValueChanges,
    origin: Origin | undefined,
  ): void {
    const folder = space.folderId === undefined ? undefined : this.need(space.folderId)
    const next = (folder?.highestModSeq ?? 0) + 1
    const changes = change(this.valuesIn(space), next)
    if (changes.size === 0) return
    // Only these values belong to messages, so that clients synchronize them by the modSeq.
    const modSeq = folder && space.kind === 'seen' ? next : undefined
    this.putValues(space, changes, modSeq)
    if (!folder) return
    if (modSeq !== undefined) folder.highestModSeq = modSeq
    const { kind, reader } = space
    this.emit(folder, {
      type: 'values',
      folder: folder.folder,
      kind,
      names: [...changes.keys()],
      ...(reader !== undefined && { reader }),
      ...(modSeq !== undefined && { modSeq }),
      ...(origin && { origin }),
    })
  }

  /** Returns a folder. @throws StoreError `not-found` */
  abstract need(folderId: string): Changed

  /** Returns the entries of those uids that exist, in uid order and without duplicates. */
  protected abstract pick(folder: Changed, uids: readonly number[]): readonly MessageEntry[]

  /** Returns whether a public folder ever had a Message-ID. */
  protected abstract knows(messageId: string): boolean

  protected abstract sizeOf(raw: Raw): number

  /** Returns what an owner has, with the changes so far. */
  protected abstract readonly heldBy: (owner: Owner) => Held

  /** Takes the room of new messages, if the engine does not check it elsewhere. @throws StoreError `no-space` */
  protected reserve(_planned: readonly PlannedMessage<Changed>[], _raws: readonly Raw[]): void {}

  /** Writes the octets of a message, for as many entries as it has places. */
  protected abstract putBlob(planned: PlannedMessage<Changed>, raw: Raw): NewBlob

  /** Counts one more entry for the blob of each copy. @throws StoreError `no-space` */
  protected abstract share(target: Changed, entries: readonly MessageEntry[], isMove: boolean): void

  /** Writes new entries and the numbers of their folder. */
  protected abstract addEntries(folder: Changed, entries: readonly MessageEntry[]): void

  /** Writes entries with new flags and the modSeq of their folder. @param before the entries as they were, in the same order */
  protected abstract replaceEntries(
    folder: Changed,
    before: readonly MessageEntry[],
    after: readonly MessageEntry[],
  ): void

  /** Deletes entries, releases their blobs and writes the modSeq of their folder. */
  protected abstract removeEntries(folder: Changed, entries: readonly MessageEntry[], modSeq: number): void

  /** Returns the values of a space, with the changes so far. */
  protected abstract valuesIn(space: ValueSpace): Values

  /** Writes values. @param modSeq the one that the change gets, if the values belong to messages @throws StoreError `no-space` */
  protected abstract putValues(space: ValueSpace, changes: ValueChanges, modSeq: number | undefined): void

  /** Emits an event: immediately, or after the commit. */
  protected abstract emit(folder: Changed, event: StoreEvent): void

  #copyTo(
    target: Changed,
    from: readonly MessageEntry[],
    { now, origin, limit }: Transfer,
    isMove: boolean,
  ): CopyResult {
    if (from.length === 0) return copyResult([], [])
    checkLimit(additionsTo(target, from), limit, this.heldBy)
    this.share(target, from, isMove)
    const entries = copiedEntries(from, target, now)
    this.#add(target, entries, origin)
    return copyResult(from, entries)
  }

  #add(folder: Changed, entries: readonly MessageEntry[], origin: Origin | undefined): void {
    this.addEntries(folder, entries)
    const { folder: its } = folder
    this.emit(
      folder,
      origin ? { type: 'appended', folder: its, entries, origin } : { type: 'appended', folder: its, entries },
    )
  }

  #expunge(folder: Changed, entries: readonly MessageEntry[], origin: Origin | undefined): readonly number[] {
    if (entries.length === 0) return []
    const modSeq = folder.highestModSeq + 1
    const uids = entries.map(({ uid }) => uid)
    this.removeEntries(folder, entries, modSeq)
    const event = { type: 'expunged', folder: folder.folder, uids, entries, modSeq } as const
    this.emit(folder, { ...event, ...(origin && { origin }) })
    return uids
  }
}
