import { performance, setImmediate } from './real-timers.ts'

/** Longest time in milliseconds that the long work of all sessions together takes in one turn of the event loop. */
const SLICE_MS = 10

/** Work that can be interrupted at every `yield`. The work between two of them should take far less than a slice. */
export type Steps<T> = Generator<undefined, T, void>

/** Runs steps without interruption, for callers that cannot wait. */
export function runToEnd<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** Runs steps, and lets other sessions run whenever a slice is over. Returns synchronously what takes less than a slice. */
export function runInSlices<T>(steps: Steps<T>): T | Promise<T> {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (isSliceOver()) return continueInSlices(steps)
  }
}

async function continueInSlices<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    if (isSliceOver()) await nextSlice()
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** When the slice of this turn ends. Undefined until the first check in a turn. */
let sliceEnd: number | undefined

/** Returns whether long work must pause now, with `nextSlice`. */
export function isSliceOver(): boolean {
  const now = performance.now()
  sliceEnd ??= now + SLICE_MS
  return now > sliceEnd
}

/** Sessions that wait for a slice, oldest first. One of each continues per turn, so that many sessions take no more time than one. */
const waitingWork: (() => void)[] = []
const waitingCommands: (() => void)[] = []
let isTurnAhead = false

/** Resolves when it is this work's turn again. Pending events run in between. */
export const nextSlice = (): Promise<void> => wait(waitingWork)

function wait(queue: (() => void)[]): Promise<void> {
  expectTurn()
  return new Promise((resolve) => queue.push(resolve))
}

/** Resolves after pending events have run. For short work, which does not wait for the long work of other sessions. */
export function nextTurn(): Promise<void> {
  expectTurn()
  return new Promise(setImmediate)
}

function expectTurn(): void {
  if (isTurnAhead) return
  isTurnAhead = true
  setImmediate(beginTurn)
}

function beginTurn(): void {
  isTurnAhead = false
  sliceEnd = undefined
  waitingCommands.shift()?.()
  waitingWork.shift()?.()
  if (waitingCommands.length + waitingWork.length > 0) expectTurn()
}

/** Items that `mapInSlices` works on at the same time. */
const PART_ITEMS = 100

/** Returns the results of some work for each item, in their order. Other sessions run in between. @throws what `work` throws */
export async function mapInSlices<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += PART_ITEMS) {
    if (isSliceOver()) await nextSlice()
    results.push(...(await Promise.all(items.slice(at, at + PART_ITEMS).map(work))))
  }
  return results
}

/** A command that takes longer is long work. */
const SHORT_MS = 2
/** Longest time that counts, so that a client that reads slowly is soon served quickly again. */
const MAX_COUNTED_MS = 8 * SHORT_MS

/**
 * Lets the commands of one session take turns with other sessions. After long commands, the session's next ones wait in a
 * line, of which one continues per turn, so that no series of such commands delays the short commands of others.
 */
export class CommandTurns {
  #startedAt: number | undefined
  /** Time of the recent commands in milliseconds. Halves with each command, so that it takes a few short ones to forget it. */
  #recentMs = 0
  /** Commands before this moment need not wait: the session has waited for its turn. */
  #turnEnd = 0

  /** Ends a series of commands. Call it when no further command has arrived yet. */
  pause(): void {
    if (this.#startedAt !== undefined) this.#count(performance.now())
    this.#startedAt = undefined
  }

  /** Begins a command. Call it before each one. Returns a promise if the command must wait. */
  begin(): Promise<void> | undefined {
    const now = performance.now()
    this.#count(now)
    this.#startedAt = now
    sliceEnd ??= now + SLICE_MS
    if (now <= sliceEnd || now <= this.#turnEnd) return undefined
    return this.#wait()
  }

  async #wait(): Promise<void> {
    const isShort = this.#recentMs <= SHORT_MS
    await (isShort ? nextTurn() : wait(waitingCommands))
    this.#startedAt = performance.now()
    // One command per turn would not keep up with a client that sends many.
    if (isShort) this.#turnEnd = this.#startedAt + SHORT_MS
  }

  #count(now: number): void {
    if (this.#startedAt === undefined) return
    this.#recentMs = Math.max(Math.min(now - this.#startedAt, MAX_COUNTED_MS), this.#recentMs / 2)
  }
}
