import { performance } from '../time/real-timers.ts'

/** The uses of a lab's memory. */
const memoryUses = ['connections', 'messages', 'compression', 'transcripts', 'caches', 'captures'] as const
type MemoryUse = (typeof memoryUses)[number]

/** Uses that live on V8's heap, whose limit is often far below the machine's memory. Buffers live outside. */
const ON_HEAP: ReadonlySet<MemoryUse> = new Set(['transcripts', 'caches'])
/** Shortest time between two reports of the same limit. */
const REPORT_EVERY_MS = 60_000

/** A lab has no memory left for new work. Each protocol has a reply that asks the client to try again later. */
export class MemoryLimitReached extends Error {
  override readonly name = 'MemoryLimitReached'
  constructor() {
    super('the memory limit of the lab is reached')
  }
}

export interface MemoryLimits {
  /** Memory of all uses together. */
  readonly totalOctets: number
  /** Memory of the uses that live on V8's heap. */
  readonly heapOctets: number
}

/** Data that a lab can do without. */
export interface DroppableData {
  /** Drops the oldest data until about this many octets are free, or nothing is left to drop. */
  drop(octets: number): void
}

/** The counters of a budget, in octets. */
export type MemoryUsage = Readonly<Record<MemoryUse, number>> & {
  readonly limit: number
  readonly used: number
  /** Reservations that were refused since the start. */
  readonly refusals: number
}

const UNLIMITED: MemoryLimits = { totalOctets: Number.POSITIVE_INFINITY, heapOctets: Number.POSITIVE_INFINITY }

/**
 * Counts the memory that clients make a lab use, and keeps it within a limit. Beyond the limit, caches are dropped first.
 * Then further reservations are refused; everything that is reserved stays.
 */
export class MemoryBudget {
  #limits: MemoryLimits
  readonly #report: (usage: MemoryUsage) => void
  readonly #used: Record<MemoryUse, number> = {
    connections: 0,
    messages: 0,
    compression: 0,
    transcripts: 0,
    caches: 0,
    captures: 0,
  }
  #total = 0
  #heap = 0
  #refusals = 0
  #reportedAt = Number.NEGATIVE_INFINITY
  /** In the order in which they are dropped. */
  readonly #droppable: DroppableData[] = []

  /** @param report called when a reservation is refused, at most once a minute */
  constructor(limits: MemoryLimits = UNLIMITED, report: (usage: MemoryUsage) => void = () => {}) {
    this.#limits = limits
    this.#report = report
  }

  get limits(): MemoryLimits {
    return this.#limits
  }

  /** Applies to everything reserved from now on. */
  set limits(limits: MemoryLimits) {
    this.#limits = limits
    this.#dropOver()
  }

  get usage(): MemoryUsage {
    return { ...this.#used, limit: this.#limits.totalOctets, used: this.#total, refusals: this.#refusals }
  }

  /** Returns a reservation without octets. */
  reservation(use: MemoryUse): MemoryReservation {
    return new MemoryReservation(this, use)
  }

  /** Registers data to drop when the memory is needed. Data that is registered first is dropped last. */
  addDroppable(data: DroppableData): void {
    this.#droppable.unshift(data)
  }

  /** Reserves octets. Returns false, and reserves nothing, if the limit does not allow it. */
  take(use: MemoryUse, octets: number): boolean {
    const isTaken = this.takeSpare(use, octets)
    if (!isTaken) this.#countRefusal()
    return isTaken
  }

  /** Reserves octets as `take`, for something that the lab can do without: a refusal is not counted. */
  takeSpare(use: MemoryUse, octets: number): boolean {
    this.#add(use, octets)
    if (this.#over() <= 0 || this.#dropOver()) return true
    this.#add(use, -octets)
    return false
  }

  /** Counts octets of droppable data, even beyond the limit. Then the oldest data is dropped, possibly this one. */
  hold(use: MemoryUse, octets: number): void {
    this.#add(use, octets)
    if (this.#over() > 0) this.#dropOver()
  }

  /** Gives octets back. */
  give(use: MemoryUse, octets: number): void {
    // `-octets` can be -0, which is no small integer: V8 would compile everything that counts memory again.
    this.#add(use, 0 - octets)
  }

  #add(use: MemoryUse, octets: number): void {
    this.#used[use] += octets
    this.#total += octets
    if (ON_HEAP.has(use)) this.#heap += octets
  }

  /** Octets beyond the limits. */
  #over(): number {
    return Math.max(this.#total - this.#limits.totalOctets, this.#heap - this.#limits.heapOctets)
  }

  /** Drops data until the use is within the limits. Returns whether it is. */
  #dropOver(): boolean {
    for (const data of this.#droppable) {
      if (this.#over() <= 0) return true
      data.drop(this.#over())
    }
    return this.#over() <= 0
  }

  #countRefusal(): void {
    this.#refusals++
    const now = performance.now()
    if (now - this.#reportedAt < REPORT_EVERY_MS) return
    this.#reportedAt = now
    this.#report(this.usage)
  }
}

/** The memory that one holder uses, such as a message or a connection. */
export class MemoryReservation implements Disposable {
  readonly #budget: MemoryBudget
  readonly #use: MemoryUse
  #octets = 0

  constructor(budget: MemoryBudget, use: MemoryUse) {
    this.#budget = budget
    this.#use = use
  }

  get octets(): number {
    return this.#octets
  }

  /** Reserves more octets. @throws MemoryLimitReached; the reservation stays as it was */
  grow(octets: number): void {
    if (!this.tryGrow(octets)) throw new MemoryLimitReached()
  }

  /** Reserves more octets. Returns false, and leaves the reservation as it was, if the limit does not allow more. */
  tryGrow(octets: number): boolean {
    if (!this.#budget.take(this.#use, octets)) return false
    this.#octets += octets
    return true
  }

  shrink(octets: number): void {
    this.#budget.give(this.#use, octets)
    this.#octets -= octets
  }

  /** Gives everything back. */
  release(): void {
    if (this.#octets > 0) this.shrink(this.#octets)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
