import { clearTimeout, performance, setTimeout } from '../../../../core/time/real-timers.ts'
import type { Database, Transaction } from '../../../database/database-types.ts'
import { DatabaseError } from '../../../database/errors.ts'
import { uidSteps } from '../../entries/uid-order.ts'
import { StoreError } from '../../errors.ts'
import type { Folder } from '../../folder.ts'
import type { StoreEvent } from '../../store-events.ts'
import type { Values } from '../../value-types.ts'
import type { Steps } from '../base-store.ts'
import { checkFits } from '../full/limits.ts'
import { notComplete } from './bodies.ts'
import { ChangedFolder, ChangeSet, type LockedRow } from './change-set.ts'
import { storeError } from './errors.ts'
import type { Journal } from './journal.ts'
import type { MessageCount } from './message-count.ts'
import type { BlobNumbers } from './numbers.ts'
import { type BatchRows, NO_VALUES, type Operation, readBatch } from './operation.ts'
import { FoldersBehind, hasReached, type PostgresFolder, partOf, positionText } from './postgres-folder.ts'
import { columnsOf, entryOf, type Names } from './records.ts'
import type { Delta, Replication } from './replication.ts'

/** How changes of many messages run. */
export interface PostgresSteps extends Steps {
  /** Whether a step needs more of the rows of its folders than their numbers. */
  readonly readsRows?: boolean
}

interface Queued extends Operation<unknown> {
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

type Outcome = { readonly result: unknown } | { readonly error: unknown }

/** A batch that is committed. */
interface Done {
  readonly outcomes: readonly Outcome[]
  /** Emits the events. */
  readonly end: () => void
}

/** How long a folder counts as one that other nodes change, after one has: longer each time that it is so again. */
const CONTESTED_MS = 1_000
const LONGEST_CONTESTED_MS = 60_000
/** Errors of a statement that changed nothing. The transaction that follows is tried again, or needs less space. */
const MAY_WORK_LOCKED: ReadonlySet<string> = new Set(['conflict', 'disconnected', 'no-space', 'failed'])

/** The limits of one transaction. */
const MAX_OPERATIONS = 256
const MAX_OCTETS = 8 << 20
const MAX_UIDS = 4_000
/** How long the next transaction waits for more operations, as a part of the duration of the last one, and at most. */
const GATHER_SHARE = 0.5
const MAX_GATHER_MS = 5

const FORGET = 'delete from history where message_id = any($1::text[])'

interface WriteQueueParts {
  readonly database: Database
  readonly replication: Replication
  readonly names: Names
  readonly numbers: BlobNumbers
  readonly journal: Journal
  /** Compares all folders with the database, if it may be another server than before. @throws DatabaseError */
  readonly catchUpIfNeeded: () => Promise<void>
  /** Renews folders whose rows lack changes. @throws DatabaseError */
  readonly recover: (states: readonly PostgresFolder[]) => Promise<void>
  readonly emit: (event: StoreEvent) => void
  /** Whether somebody wants to know what other nodes change in a folder. */
  readonly isWatched: (folder: Folder) => boolean
  /** Called with errors after a commit, which no caller is told of. */
  readonly report: (error: unknown) => void
  readonly count: MessageCount
}

/**
 * Runs the changes of a node in transactions, one after the other. The operations that arrive during a transaction go
 * together into the next one, so that one flush of the disk serves them all. The next one also waits a moment for further
 * operations of the callers whom the last one has served.
 */
export class WriteQueue {
  readonly #parts: WriteQueueParts
  #queue: Queued[] = []
  /** Called when an operation arrives. */
  #arrived: () => void = () => {}
  #running: Promise<void> | undefined

  constructor(parts: WriteQueueParts) {
    this.#parts = parts
  }

  /** Runs an operation and resolves after its commit and its events. @throws StoreError */
  run<T>(operation: Operation<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ ...operation, resolve: resolve as Queued['resolve'], reject })
      this.#arrived()
      this.#running ??= this.#drain()
    })
  }

  /** Changes many messages of the first folder in several transactions. Returns the results in uid order. @throws StoreError */
  async inSteps<T>(
    folders: readonly PostgresFolder[],
    uids: readonly number[],
    step: (changeSet: ChangeSet, some: readonly number[]) => T,
    { readsRows = false, limit }: PostgresSteps = {},
  ): Promise<readonly T[]> {
    const [first, last] = [folders[0] as PostgresFolder, folders.at(-1) as PostgresFolder]
    const results: T[] = []
    for (const some of uidSteps(uids)) {
      const result = await this.run({
        folders,
        uids: new Map([[first, some]]),
        isPlain: !readsRows,
        limited: limit ? [last.folder.owner] : [],
        apply: (changeSet) => step(changeSet, some),
      })
      results.push(result)
    }
    return results
  }

  /** Resolves when all operations have ended. */
  async ended(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #drain(): Promise<void> {
    // Requests of the same moment go together.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch = this.#take()
      const begun = performance.now()
      await this.#runBatch(batch)
      const duration = performance.now() - begun
      // Alone, an operation never waits.
      if (this.#queue.length > 0) await this.#gather(batch.length + this.#queue.length, duration * GATHER_SHARE)
    }
    this.#running = undefined
  }

  /** Waits until as many operations have arrived as were active at the same time, but not for long. */
  async #gather(active: number, ms: number): Promise<void> {
    const most = Math.min(active, MAX_OPERATIONS)
    if (this.#queue.length >= most) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, MAX_GATHER_MS))
      this.#arrived = () => {
        if (this.#queue.length < most) return
        clearTimeout(timer)
        resolve()
      }
    })
    this.#arrived = () => {}
  }

  #take(): Queued[] {
    let [octets, uids, count] = [0, 0, 0]
    for (const operation of this.#queue) {
      octets += operation.octets ?? 0
      for (const some of operation.uids?.values() ?? []) uids += some.length
      if (count > 0 && (octets > MAX_OCTETS || uids > MAX_UIDS || count >= MAX_OPERATIONS)) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  async #runBatch(batch: readonly Queued[]): Promise<void> {
    const folders = [...new Set(batch.flatMap((one) => one.folders))]
    const turns: (() => void)[] = []
    try {
      await this.#parts.catchUpIfNeeded()
      if (folders.some(({ isReplaced }) => isReplaced)) throw hasLostChanges()
      for (const folder of folders) turns.push(await folder.turn())
      const blobs = batch.reduce((sum, one) => sum + (one.blobs ?? 0), 0)
      const blobNumbers = await this.#parts.numbers.take(blobs)
      const { outcomes, end } =
        (await this.#tryWithoutLocks(batch, folders, blobNumbers)) ??
        (await this.#parts.database.transaction(
          (transaction) => this.#runLocked(transaction, batch, folders, blobNumbers),
          { adds: batch.some(({ adds }) => adds) },
        ))
      try {
        end()
      } catch (error) {
        // It is committed and must not be repeated. What is in memory may be out of date.
        for (const folder of folders) this.#parts.replication.forget(folder)
        this.#parts.report(error)
      }
      for (const end of turns.splice(0)) end()
      batch.forEach(({ resolve, reject }, i) => {
        const outcome = outcomes[i] as Outcome
        if ('error' in outcome) reject(outcome.error)
        else resolve(outcome.result)
      })
    } catch (error) {
      for (const end of turns.splice(0)) end()
      if (error instanceof FoldersBehind) return this.#recover(batch, error)
      if (error instanceof DatabaseError && error.code === 'unknown') this.#parts.journal.renameWriter()
      // One of them may be to blame. A full disk can still take those that delete.
      const mayWorkAlone = !(error instanceof DatabaseError) || error.code === 'failed' || error.code === 'no-space'
      if (batch.length > 1 && mayWorkAlone) for (const one of batch) await this.#runBatch([one])
      else for (const { reject } of batch) reject(storeError(error))
    }
  }

  /** Refuses a batch after the database has lost changes of its folders: uids in it may be those of other messages now. */
  async #recover(batch: readonly Queued[], { states }: FoldersBehind): Promise<void> {
    const error = await this.#parts.recover(states).then(hasLostChanges, storeError)
    for (const { reject } of batch) reject(error)
  }

  /**
   * Runs a batch with one statement, as if nobody else had changed its folders. Returns undefined if somebody has, or if the
   * batch needs to read: then nothing was changed.
   */
  async #tryWithoutLocks(
    batch: readonly Queued[],
    folders: readonly PostgresFolder[],
    blobNumbers: readonly number[],
  ): Promise<Done | undefined> {
    const { database, names, count, journal } = this.#parts
    const now = performance.now()
    const isPlain = batch.every(
      (one) => one.isPlain && !one.once?.length && !one.adopts?.length && !one.limited?.length,
    )
    const isKnown = batch.every(({ uids }) => [...(uids?.keys() ?? [])].every(({ index }) => index))
    if (!isPlain || !isKnown || count.limit !== undefined || folders.some((one) => one.contestedUntil > now)) return
    const guessed = new Map(folders.map((state) => [state.folder.id, new ChangedFolder(state, expectedRow(state))]))
    const changeSet = new ChangeSet(guessed, names, blobNumbers, () => NO_VALUES)
    const outcomes = batch.map((one) => outcomeOf(() => one.apply(changeSet)))
    const changed = changeSet.end()
    const others = [...guessed.values()].filter((folder) => !changed.includes(folder))
    // Folders that are only read are not locked, as the source of a copy must be.
    if (others.length > 0 && batch.some((one) => one.folders.length > 1)) return
    // Keywords of other nodes may not be known here.
    if (changed.some(({ newKeywords }) => newKeywords !== null)) return
    const rows = others.map(({ row }) => row)
    const isRight = await changeSet.writes.sendAlone(database, rows, journal.writer).catch((error: unknown) => {
      if (error instanceof DatabaseError && MAY_WORK_LOCKED.has(error.code)) return false
      throw error
    })
    for (const folder of folders) folder.wrongGuesses = isRight ? 0 : folder.wrongGuesses + 1
    if (isRight) return { outcomes, end: () => this.#emit(changeSet, [], changed) }
    for (const folder of folders) {
      const ms = Math.min(CONTESTED_MS * 2 ** (folder.wrongGuesses - 1), LONGEST_CONTESTED_MS)
      folder.contestedUntil = performance.now() + ms
    }
    return undefined
  }

  /** Runs a batch in a transaction. `end` emits the events; call it after the commit. */
  async #runLocked(
    transaction: Transaction,
    batch: readonly Queued[],
    folders: readonly PostgresFolder[],
    blobNumbers: readonly number[],
  ): Promise<Done> {
    const { replication, names, count, journal } = this.#parts
    const { limit } = count
    const byKey = new Map(folders.map((folder) => [folder.key, folder]))
    const rows = await readBatch(transaction, batch, byKey.keys(), count)
    const { adopted, fresh, values } = rows
    const byState = new Map<PostgresFolder, ChangedFolder>()
    for (const row of rows.folders) {
      const state = byKey.get(row.id) as PostgresFolder
      byState.set(state, new ChangedFolder(state, row))
    }
    const behind = this.#behind(byState.values())
    const deltas = behind.length > 0 ? [...(await replication.deltasOf(transaction, behind))] : []
    this.#noteEntries(rows.entries, deltas, byKey, byState)
    const locked = new Map(Array.from(byState, ([{ folder }, changed]) => [folder.id, changed]))
    let current: Values | undefined
    const changeSet = new ChangeSet(locked, names, blobNumbers, () => current ?? NO_VALUES, rows.held)
    const outcomes = batch.map((one, i): Outcome => {
      current = values[i]
      try {
        for (const { blob } of one.adopts ?? []) if (!adopted.has(blob)) throw notComplete()
        for (const key of one.once ?? []) if (!fresh.has(key)) throw duplicateError()
        if (limit !== undefined && one.messages) {
          const used = { octets: 0, messages: rows.messages + changeSet.growth }
          checkFits(used, { octets: 0, messages: one.messages }, { messages: limit })
        }
        const result = one.apply(changeSet)
        for (const key of one.once ?? []) fresh.delete(key)
        return { result }
      } catch (error) {
        for (const { blob } of one.adopts ?? []) if (adopted.has(blob)) changeSet.writes.abandon(blob)
        return { error }
      }
    })
    const changed = changeSet.end()
    changeSet.writes.send(transaction, journal.writer)
    count.add(transaction, changeSet.growth)
    // The operations that remembered these have failed.
    if (fresh.size > 0) transaction.send(FORGET, [[...fresh]])
    return { outcomes, end: () => this.#emit(changeSet, deltas, changed) }
  }

  /**
   * Returns the folders whose changes by other nodes must be read, because a session has opened them or a listener waits.
   * @throws FoldersBehind if rows lack changes that this node knows
   */
  #behind(locked: Iterable<ChangedFolder>): readonly PostgresFolder[] {
    const [behind, lost]: [PostgresFolder[], PostgresFolder[]] = [[], []]
    for (const { state, row } of locked) {
      const { position } = state
      const reached = { uidNext: row.uid_next, modSeq: row.mod_seq, valueSeq: row.value_seq }
      if (hasReached(position, reached) && hasReached(reached, position)) continue
      if (state.key > 0 && !hasReached(reached, position)) lost.push(state)
      if (state.index || this.#parts.isWatched(state.folder)) behind.push(state)
      else Object.assign(position, reached)
    }
    if (lost.length > 0) throw new FoldersBehind(lost)
    return behind
  }

  /** Notes the entries that the transaction has read in the folders that it has locked. */
  #noteEntries(
    rows: BatchRows['entries'],
    deltas: readonly [PostgresFolder, Delta][],
    byKey: ReadonlyMap<number, PostgresFolder>,
    locked: ReadonlyMap<PostgresFolder, ChangedFolder>,
  ): void {
    const { names } = this.#parts
    for (const row of rows) {
      const state = byKey.get(row.folder)
      if (state) locked.get(state)?.know(entryOf(columnsOf(row), names, state))
    }
    for (const [state, delta] of deltas) {
      const folder = locked.get(state)
      for (const row of delta.rows) {
        if (row.what === 'entry') folder?.know(entryOf(columnsOf(row), names, state))
        else if (row.what === 'vanished') folder?.lose((row.uids ?? '').split(',').map(Number))
      }
    }
  }

  #emit(changeSet: ChangeSet, deltas: readonly [PostgresFolder, Delta][], changed: readonly ChangedFolder[]): void {
    const { replication, database, emit } = this.#parts
    for (const [state, delta] of deltas) replication.apply(state, delta)
    for (const { state, uidNext, highestModSeq: modSeq, valueSeq, keywords } of changed) {
      Object.assign(state.position, { uidNext, modSeq, valueSeq })
      state.keywords = keywords
      // Values that belong to no folder have no listeners.
      if (state.key <= 0) continue
      const [key, position] = [String(state.key), positionText(state.position)]
      database.notify('folders', key, position, partOf(state.key))
      database.notifyLater('positions', key, position)
    }
    for (const { folder, event } of changeSet.events) {
      const { index } = folder.state
      if (event.type === 'appended') index?.append(event.entries)
      else if (event.type === 'flags') index?.replace(event.entries)
      else if (event.type === 'expunged') index?.remove(event.uids, event.modSeq)
      emit(event)
    }
  }
}

function outcomeOf(apply: () => unknown): Outcome {
  try {
    return { result: apply() }
  } catch (error) {
    return { error }
  }
}

/** Returns the row of a folder as this node knows it. */
const expectedRow = ({ key, position, keywords }: PostgresFolder): LockedRow => ({
  id: key,
  uid_next: position.uidNext,
  mod_seq: position.modSeq,
  value_seq: position.valueSeq,
  keywords,
  lock_token: null,
  is_locked: null,
})

const hasLostChanges = (): StoreError =>
  new StoreError('failed', 'the database has lost changes of a mailbox; nothing was stored, try again')

const duplicateError = (): StoreError => new StoreError('exists', 'the Message-ID is known already')
