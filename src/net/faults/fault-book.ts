import type { Fault, FaultAction, FaultPoint } from '../../config/schema/fault.ts'
import { isVerb, verbOf } from './verb.ts'

/** Which connection a fault may strike. */
export interface Struck {
  readonly protocol: string
  readonly virtualServer: string
  /** The account logged on now. */
  readonly user: () => string | undefined
  /** Whether it is under TLS now. */
  readonly secure: () => boolean
}

interface Entry {
  readonly fault: Fault
  readonly pattern: RegExp | undefined
  /** Times that it fitted, and struck. */
  fitted: number
  struck: number
}

/** A fault that strikes: what to do, and what to call it in the record. */
export interface Strike {
  readonly name: string
  readonly action: FaultAction
}

/** The faults of a lab: which are due, and how often they have struck. The same seed and the same clients, the same run. */
export class FaultBook {
  readonly #entries = new Set<Entry>()
  readonly #connections = new Map<string, number>()
  #seed: number
  #random: () => number

  constructor(seed: number) {
    this.#seed = seed
    this.#random = seededRandom(seed)
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  /** Returns the function that takes it away. */
  add(fault: Fault): () => void {
    const { matching } = fault.when
    const pattern = matching === undefined ? undefined : new RegExp(matching, 'i')
    const entry: Entry = { fault, pattern, fitted: 0, struck: 0 }
    this.#entries.add(entry)
    return () => this.#entries.delete(entry)
  }

  /** Takes all away, and begins the seed anew, or another one. */
  clear(seed = this.#seed): void {
    this.#entries.clear()
    this.#connections.clear()
    this.#seed = seed
    this.#random = seededRandom(seed)
  }

  /** A connection that was accepted. */
  open(struck: Struck): ConnectionFaults {
    const number = (this.#connections.get(struck.virtualServer) ?? 0) + 1
    this.#connections.set(struck.virtualServer, number)
    return new ConnectionFaults(this, struck, number)
  }

  /** Random octets of the same generator. */
  octets(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => Math.floor(this.#random() * 256)))
  }

  /** The faults that strike now, in the order in which they were added. */
  due(at: FaultPoint, line: string, struck: Struck, connection: number, seen: Map<object, number>): Strike[] {
    const strikes: Strike[] = []
    for (const entry of this.#entries) {
      if (!this.#fits(entry, at, line, struck, connection)) continue
      const nth = (seen.get(entry) ?? 0) + 1
      seen.set(entry, nth)
      if (this.#isDue(entry, nth))
        strikes.push({ name: entry.fault.name ?? describe(entry.fault), action: entry.fault.do })
    }
    return strikes
  }

  #fits({ fault, pattern }: Entry, at: FaultPoint, line: string, struck: Struck, connection: number): boolean {
    const { on, protocol, virtualServer, verb, user, tls, connection: wanted } = fault.when
    return (
      on === at &&
      (protocol === undefined || protocol === struck.protocol) &&
      (virtualServer === undefined || virtualServer === struck.virtualServer) &&
      (wanted === undefined || wanted === connection) &&
      (user === undefined || user === struck.user()) &&
      (tls === undefined || tls === struck.secure()) &&
      (verb === undefined || isVerb(verb, verbOf(struck.protocol, line))) &&
      (pattern === undefined || pattern.test(line))
    )
  }

  #isDue(entry: Entry, nth: number): boolean {
    const { when, skip, times } = entry.fault
    if (when.nth !== undefined && when.nth !== nth) return false
    if (when.chance !== undefined && this.#random() >= when.chance) return false
    entry.fitted++
    if (entry.fitted <= skip || (times !== 'always' && entry.struck >= times)) return false
    entry.struck++
    return true
  }
}

/** The faults as one connection meets them. */
export class ConnectionFaults {
  readonly #book: FaultBook
  readonly #struck: Struck
  readonly #number: number
  readonly #seen = new Map<object, number>()

  constructor(book: FaultBook, struck: Struck, number: number) {
    this.#book = book
    this.#struck = struck
    this.#number = number
  }

  get protocol(): string {
    return this.#struck.protocol
  }

  /** What strikes at this moment; mostly nothing. */
  due(at: FaultPoint, line = ''): readonly Strike[] {
    if (this.#book.isEmpty) return []
    return this.#book.due(at, line, this.#struck, this.#number, this.#seen)
  }

  octets(count: number): Buffer {
    return this.#book.octets(count)
  }
}

const describe = ({ do: action }: Fault): string =>
  Object.entries(action)
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')

/** Numbers from 0 to below 1 (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
