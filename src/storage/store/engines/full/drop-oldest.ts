import type { Logger } from 'pino'
import { performance } from '../../../../core/time/real-timers.ts'
import { type Shortage, StoreFull } from '../../errors.ts'
import { OUTGOING_OWNER } from '../../folder.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { MessageStore } from '../../types.ts'
import type { StoreLimits } from './limits.ts'
import { fromOldest } from './oldest.ts'

/** The origin of the deletions that make room in a full store. */
export const DROPPED = Object.freeze({ reason: 'the store is full' })

/** Share of a limit that is freed at least, so that a full lab does not look for the oldest message for each new one. */
const OCTETS_SHARE = 64
const MESSAGES_SHARE = 1_000
/** Messages deleted in one step. */
const STEP = 512
/** How often room is made for one change on a full disk, where the store cannot know how much is missing. */
const DISK_ATTEMPTS = 3
const DISK_OCTETS = 1 << 20
/** Octets of an entry besides its message. */
const ENTRY_OCTETS = 512
const REPORT_EVERY_MS = 60_000

/** The oldest messages of a folder that are not chosen yet. */
interface Candidates {
  readonly folderId: string
  readonly pages: AsyncGenerator<readonly MessageEntry[], void, void>
  /** Not empty, the oldest last. */
  rest: MessageEntry[]
}

/** The uids of messages by their folder, and what is free without them. */
interface Choice {
  readonly chosen: ReadonlyMap<string, readonly number[]>
  readonly freed: Shortage
}

/** Runs work that only one process at a time does. The signal is aborted if another one may do it meanwhile. */
export type Alone = <T>(work: (signal?: AbortSignal) => Promise<T>) => Promise<T>

interface DropOptions {
  readonly log?: Logger | undefined
  /** For a store that several processes change. */
  readonly alone?: Alone
}

/** The result of an attempt to make room: whether messages were deleted, or the result of the change, which fits by now. */
type Outcome<T> = boolean | { readonly result: T }

/** Deletes the oldest messages of a store when a change does not fit. */
export class DropOldest {
  readonly #store: MessageStore
  readonly #least: Shortage
  readonly #log: Logger | undefined
  readonly #alone: Alone | undefined
  #running: Promise<boolean> | undefined
  #dropped = 0
  #reportedAt = Number.NEGATIVE_INFINITY

  /** @param limits the limits of the store */
  constructor(store: MessageStore, limits: StoreLimits, { log, alone }: DropOptions) {
    this.#store = store
    this.#log = log
    this.#alone = alone
    this.#least = {
      octets: Math.floor((limits.octets ?? 0) / OCTETS_SHARE),
      messages: Math.floor((limits.messages ?? 0) / MESSAGES_SHARE),
    }
  }

  /** Runs a change. If the store is too full for it, makes room and runs it again. @throws what the change throws */
  async run<T>(change: () => T | Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await change()
      } catch (error) {
        const shortage = shortageOf(error, attempt)
        const outcome = shortage && (await this.#makeRoom(change, shortage, attempt))
        if (!outcome) throw error
        if (outcome !== true) return outcome.result
      }
    }
  }

  /** Makes room for a change. Changes that do not fit at the same time wait for each other. */
  async #makeRoom<T>(change: () => T | Promise<T>, shortage: Shortage, attempt: number): Promise<Outcome<T>> {
    if (this.#running) return this.#running
    const making = this.#alone
      ? this.#alone((signal) => this.#dropUnlessFits(change, attempt, signal))
      : this.#drop(shortage)
    this.#running = making
      .then((outcome) => outcome !== false)
      .finally(() => {
        this.#running = undefined
      })
    // Its waiting callers get its error.
    this.#running.catch(() => {})
    return making
  }

  /** Another process may have made room before this one had its turn, so the change is tried again first. */
  async #dropUnlessFits<T>(
    change: () => T | Promise<T>,
    attempt: number,
    signal: AbortSignal | undefined,
  ): Promise<Outcome<T>> {
    try {
      return { result: await change() }
    } catch (error) {
      const shortage = shortageOf(error, attempt)
      if (!shortage) throw error
      return this.#drop(shortage, signal)
    }
  }

  /** Returns whether messages were deleted. */
  async #drop(shortage: Shortage, signal?: AbortSignal): Promise<boolean> {
    const folders = await this.#folders()
    const all = folders.reduce((sum, { size }) => addShortages(sum, size), NOTHING)
    if (all.octets < shortage.octets || all.messages < shortage.messages) return false
    // Frees only what is missing: without a shortage of messages, their number is no reason to delete any.
    const wanted = {
      octets: shortage.octets > 0 ? Math.min(all.octets, Math.max(shortage.octets, this.#least.octets)) : 0,
      messages: shortage.messages > 0 ? Math.min(all.messages, Math.max(shortage.messages, this.#least.messages)) : 0,
    }
    const { chosen, freed } = await this.#choose(folders, wanted)
    if (freed.octets < shortage.octets || freed.messages < shortage.messages) return false
    let deleted = 0
    for (const [folderId, uids] of chosen) {
      for (let at = 0; at < uids.length && !signal?.aborted; at += STEP) {
        deleted += (await this.#store.expungeUnlocked(folderId, uids.slice(at, at + STEP), DROPPED)).length
      }
    }
    this.#report(deleted)
    return deleted > 0
  }

  /** Returns the folders with messages that may be deleted. The queue of outgoing mail has no owner that is listed. */
  async #folders(): Promise<{ readonly folderId: string; readonly size: Shortage }[]> {
    const found = []
    const locked = await this.#store.lockedFolders()
    for (const owner of await this.#store.listOwners()) {
      for (const { id: folderId } of await this.#store.listFolders(owner)) {
        if (locked.has(folderId)) continue
        const { exists: messages, sizeOctets } = await this.#store.status(folderId)
        if (messages > 0) found.push({ folderId, size: { octets: sizeOctets + messages * ENTRY_OCTETS, messages } })
      }
    }
    return found
  }

  /** Returns the messages that are kept while they are sent to another host: without their other copies, no octets are free. */
  async #queued(): Promise<Set<string>> {
    const blobs = new Set<string>()
    for (const { id } of await this.#store.listFolders(OUTGOING_OWNER)) {
      for (const { blob } of await this.#store.list(id)) blobs.add(blob)
    }
    return blobs
  }

  /** Returns the uids of the oldest messages of all folders, at least as many as are wanted if there are, and what they free. */
  async #choose(folders: readonly { readonly folderId: string }[], wanted: Shortage): Promise<Choice> {
    const queued = wanted.messages > 0 ? NO_BLOBS : await this.#queued()
    const chosen = new Map<string, number[]>()
    const queue: Candidates[] = []
    for (const { folderId } of folders) {
      await enqueue(queue, { folderId, pages: fromOldest(this.#store, folderId), rest: [] })
    }
    let freed = NOTHING
    for (let next = queue.pop(); next; next = queue.pop()) {
      const entry = next.rest.pop() as MessageEntry
      if (queued.has(entry.blob)) {
        await enqueue(queue, next)
        continue
      }
      const uids = chosen.get(next.folderId)
      if (uids) uids.push(entry.uid)
      else chosen.set(next.folderId, [entry.uid])
      freed = addShortages(freed, { octets: entry.sizeOctets + ENTRY_OCTETS, messages: 1 })
      if (freed.octets >= wanted.octets && freed.messages >= wanted.messages) break
      await enqueue(queue, next)
    }
    return { chosen, freed }
  }

  #report(deleted: number): void {
    this.#dropped += deleted
    const now = performance.now()
    if (deleted === 0 || now - this.#reportedAt < REPORT_EVERY_MS) return
    this.#reportedAt = now
    this.#log?.warn(
      { messages: this.#dropped },
      'the store is full: the oldest messages are deleted to make room for new ones (store: whenFull: drop-oldest)',
    )
  }
}

const NO_BLOBS: ReadonlySet<string> = new Set()
const NOTHING: Shortage = { octets: 0, messages: 0 }

const addShortages = (a: Shortage, b: Shortage): Shortage => ({
  octets: a.octets + b.octets,
  messages: a.messages + b.messages,
})

/** Returns how much room a failed change needs; undefined if deletions do not help. */
function shortageOf(error: unknown, attempt: number): Shortage | undefined {
  if (!(error instanceof StoreFull)) return undefined
  if (error.shortage) return error.shortage
  return attempt <= DISK_ATTEMPTS ? { octets: DISK_OCTETS, messages: 0 } : undefined
}

/** Adds a folder's candidates to the queue, which has the folder with the oldest message at its end. */
async function enqueue(queue: Candidates[], candidates: Candidates): Promise<void> {
  if (candidates.rest.length === 0) {
    const page = await candidates.pages.next()
    if (page.done) return
    candidates.rest = page.value.toReversed()
  }
  const at = savedAtOf(candidates)
  let [low, high] = [0, queue.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (savedAtOf(queue[middle] as Candidates) > at) low = middle + 1
    else high = middle
  }
  queue.splice(low, 0, candidates)
}

const savedAtOf = ({ rest }: Candidates): number => rest.at(-1)?.savedAt ?? 0
