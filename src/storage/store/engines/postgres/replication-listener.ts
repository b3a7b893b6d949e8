import type { Logger } from 'pino'
import { sharedCalls } from '../../../../core/async/shared-calls.ts'
import { performance, setTimeout } from '../../../../core/time/real-timers.ts'
import type { Database } from '../../../database/database-types.ts'
import type { Folder } from '../../folder.ts'
import type { Folders } from './folders.ts'
import type { Journal } from './journal.ts'
import { hasReached, PARTS, type Position, type PostgresFolder, partOf, positionFrom } from './postgres-folder.ts'
import type { Replication } from './replication.ts'
import type { Setbacks } from './setbacks.ts'
import type { State } from './state.ts'

/** The least time between two reads. What is announced meanwhile is read together. */
const SPACING_MS = 10
/** How long a node hears of changes in a part that nobody watches any more: clients come back. */
const HEARD_MS = 60_000
/** Changes after which the entries of a folder that nobody watches are forgotten instead of brought up to date. */
const MAX_BEHIND = 1_000

interface ReplicationListenerParts {
  readonly database: Database
  readonly folders: Folders
  readonly state: State
  readonly journal: Journal
  readonly setbacks: Setbacks
  readonly replication: Replication
  readonly log: Logger
  /** Whether somebody wants to know what other nodes change in a folder. */
  readonly isWatched: (folder: Folder) => boolean
  /** The keys of the folders that are watched by themselves; undefined if any may be watched. */
  readonly watched: () => Iterable<number> | undefined
}

/**
 * Reads and emits the changes that other nodes announce in folders that somebody watches. One query reads several folders:
 * immediately, or after a pause, with what was announced during it. For the other folders, it only notes the numbers.
 */
export class ReplicationListener {
  readonly #parts: ReplicationListenerParts
  readonly #due = new Set<PostgresFolder>()
  /** The parts that this node hears, with the time when somebody last needed them. */
  readonly #heard = new Map<number, number>()
  #reading: Promise<void> | undefined
  /** `soleSince` when everything was last taken up. */
  #currentSince: number | undefined
  #stops: readonly (() => void)[] = []
  #isClosed = false

  constructor(parts: ReplicationListenerParts) {
    this.#parts = parts
  }

  /** Begins to listen. Call it before the folders are read, so that nothing is missed. @throws DatabaseError */
  async start(): Promise<void> {
    const { database, folders, state, journal } = this.#parts
    // The folders are read after this look, so nothing is compared.
    await journal.look(async () => {})
    const announced = (key: string | undefined, detail?: string): void =>
      this.#try(key === undefined ? this.catchUp() : this.#announce(Number(key), positionFrom(detail)))
    this.#stops = [
      database.listen('folders', announced),
      database.listen('folders', (key) => key === undefined && this.#try(this.#hearLess())),
      database.listen('positions', (key, detail) => key !== undefined && announced(key, detail)),
      database.listen('owners', (key) => key !== undefined && this.#try(folders.refresh())),
      database.listen('state', () => this.#try(state.readChanges())),
    ]
  }

  /**
   * Takes up and emits what other nodes have committed before this call: one small query if nothing has changed, which
   * calls of the same time share. @throws DatabaseError
   */
  readonly catchUp = sharedCalls(() => this.#look())

  /** `soleSince` if everything is taken up that others have changed; undefined if `catchUp` must find out. */
  get currentSince(): number | undefined {
    const { database, journal } = this.#parts
    const since = database.soleSince
    return since === this.#currentSince && !journal.isLost ? since : undefined
  }

  /** Lets this node hear of changes in a folder, or in any, from now on. */
  hearMore(key: number | undefined): void {
    const before = this.#heard.size
    for (const part of partsOf(key === undefined ? undefined : [key])) this.#heard.set(part, performance.now())
    if (this.#heard.size > before) this.#try(this.#hear())
  }

  async #hearLess(): Promise<void> {
    const now = performance.now()
    for (const part of partsOf(this.#parts.watched())) this.#heard.set(part, now)
    const before = this.#heard.size
    for (const [part, neededAt] of this.#heard) if (neededAt < now - HEARD_MS) this.#heard.delete(part)
    if (this.#heard.size < before) await this.#hear()
  }

  async #hear(): Promise<void> {
    await this.#parts.database.hear(new Set(this.#heard.keys()))
    // Announcements of the meantime were missed.
    await this.catchUp()
  }

  /** Resolves when nothing is read any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const stop of this.#stops) stop()
    await this.#reading
  }

  async #look(): Promise<void> {
    const { database, folders, journal, state, setbacks } = this.#parts
    const since = database.soleSince
    await journal.look(async ({ version, changed }) => {
      await folders.follow(version)
      if (changed) return this.#takeAll(changed)
      await state.load()
      const positions = await database.query<FolderPosition>(ALL_POSITIONS)
      const found = new Set(positions.map(({ id }) => id))
      const renewed = await this.#take(positions)
      await setbacks.recover([...folders.all].filter(({ key }) => !found.has(key)))
      await this.#takeAll(renewed)
    })
    this.#currentSince = since
  }

  /** Emits what changed in folders, by their keys. Those that were renewed are new. */
  async #takeAll(keys: readonly number[]): Promise<void> {
    const { database } = this.#parts
    for (let left = keys; left.length > 0; ) {
      left = await this.#take(await database.query<FolderPosition>(POSITIONS, [left]))
    }
  }

  /** Returns the keys of folders that were renewed. */
  async #take(positions: readonly FolderPosition[]): Promise<readonly number[]> {
    const { folders, isWatched, replication, setbacks } = this.#parts
    const [behind, ahead]: [PostgresFolder[], PostgresFolder[]] = [[], []]
    for (const { id, ...position } of positions) {
      const state = folders.get(id)
      if (!state) continue
      // This node may have changed it meanwhile: `recover` looks again.
      if (!hasReached(position, state.position)) ahead.push(state)
      if (hasReached(state.position, position)) continue
      if (isWatched(state.folder)) behind.push(state)
      else if (!state.isInUse) this.#skip(state, position)
    }
    if (behind.length > 0) await replication.replicate(behind)
    await setbacks.recover(ahead)
    return ahead.filter(({ isReplaced }) => isReplaced).map(({ key }) => key)
  }

  /** @param position what a folder has reached */
  async #announce(key: number, position: Position | undefined): Promise<void> {
    const { folders, isWatched } = this.#parts
    if (!position) return
    if (!folders.get(key)) await folders.refresh()
    const state = folders.get(key)
    if (!state || hasReached(state.position, position)) return
    if (isWatched(state.folder)) {
      this.#due.add(state)
      this.#reading ??= this.#readAll()
    } else if (!state.isInUse) this.#skip(state, position)
  }

  #skip(state: PostgresFolder, position: Position): void {
    if (position.modSeq - state.position.modSeq > MAX_BEHIND) this.#parts.replication.forget(state)
    // The next one who uses the entries brings them up to date.
    if (!state.index) Object.assign(state.position, position)
  }

  async #readAll(): Promise<void> {
    while (this.#due.size > 0 && !this.#isClosed) {
      const due = [...this.#due]
      this.#due.clear()
      const next = performance.now() + SPACING_MS
      try {
        await this.#parts.replication.replicate(due)
      } catch (error) {
        this.#logRetry(error)
      }
      const early = next - performance.now()
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
    }
    this.#reading = undefined
  }

  /** Work whose failure the next time makes up for. */
  #try(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.#logRetry(error))
  }

  #logRetry(error: unknown): void {
    if (!this.#isClosed)
      this.#parts.log.debug({ err: error }, 'replicating the changes of other nodes failed; it is tried again')
  }
}

/** Returns the parts of folders. @param keys undefined: any folder */
const partsOf = (keys: Iterable<number> | undefined): Iterable<number> =>
  keys ? new Set(Array.from(keys, partOf)) : Array.from({ length: PARTS }, (_, part) => part)

type FolderPosition = Position & { readonly id: number }

const ALL_POSITIONS = `
  select id, uid_next as "uidNext", mod_seq as "modSeq", value_seq as "valueSeq" from folders where id > 0`
const POSITIONS = `${ALL_POSITIONS} and id = any($1::bigint[])`
