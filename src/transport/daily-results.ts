import { OneAtATime } from '../core/async/one-at-a-time.ts'
import type { Clock } from '../core/time/clock.ts'
import { clearTimeout, setTimeout } from '../core/time/real-timers.ts'

/** Keeps texts by key: the state of the message store. */
interface ResultMemory {
  getState(key: string): Promise<string | undefined>
  setState(key: string, value: string | undefined): Promise<void>
}

/** Where results are kept, the clock that tells their day, and the node that counts them. */
export type ResultPlace = readonly [memory: ResultMemory, clock: Clock, node: string]

/** The results about one domain on one day. */
export type DayOf<Content> = Content & {
  readonly domain: string
  /** The day in UTC, as `2026-01-31`. */
  readonly day: string
}

/** How the results of a kind of report are counted. */
interface ResultKind<Result, Content> {
  /** The key of the results in the memory. */
  readonly key: string
  /** Returns the content of one result. */
  contentOf(result: Result, domain: string): Content
  /** Returns the content of all, within the limits of a report. The list has at least one. */
  sum(contents: readonly Content[]): Content
  /** Returns what is left after a part was sent; undefined: nothing. */
  subtract(content: Content, sent: Content): Content | undefined
}

/** The counts of one node, and those that it has sent of the counts of all nodes. Only this node writes them. */
interface NodeResults<Content> {
  readonly counted: readonly DayOf<Content>[]
  readonly sent: readonly DayOf<Content>[]
}

const DAY_MS = 86_400_000
/** Days that are kept. A report is about one of them. */
const MAX_DAYS = 7
/** Domains of a day. Results about more are not counted. */
const MAX_DOMAINS = 1000
/** Characters of all results of a node. Those that would add to more are not counted. */
const MAX_CHARS = 4 * 1024 * 1024
/** Results wait this long until they are written together. */
const WRITE_MS = 2000
/** Results that wait before equal ones are added up, and sums that wait before they are written. */
const MAX_WAITING = 200
const MAX_SUMS = 100

/**
 * The results that reports are about, by domain and day, kept in the state of the message store. Each node writes a row of its
 * own, so that nodes which count at the same moment lose nothing. The results are the sum of what all nodes have counted
 * without what any node has sent.
 */
export class DailyResults<Result extends { readonly domain: string }, Content> {
  readonly #memory: ResultMemory
  readonly #clock: Clock
  readonly #node: string
  readonly #kind: ResultKind<Result, Content>
  readonly #writes = new OneAtATime()
  #waiting: DayOf<Content>[] = []
  #timer: NodeJS.Timeout | undefined
  /** Gets an error of a write that nobody waits for. */
  onError: (error: unknown) => void = () => {}

  constructor([memory, clock, node]: ResultPlace, kind: ResultKind<Result, Content>) {
    this.#memory = memory
    this.#clock = clock
    this.#node = node
    this.#kind = kind
  }

  /** Counts results. They are written within seconds, together with others. */
  add(results: readonly Result[]): void {
    const day = dayOf(this.#clock.now())
    for (const result of results) {
      const domain = result.domain.toLowerCase()
      this.#waiting.push({ ...this.#kind.contentOf(result, domain), domain, day })
    }
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting = this.#sums(this.#waiting)
      if (this.#waiting.length >= MAX_SUMS) void this.flush().catch(this.onError)
    }
    if (this.#waiting.length > 0) {
      this.#timer ??= setTimeout(() => void this.flush().catch(this.onError), WRITE_MS).unref()
    }
  }

  /** Writes the results that wait. */
  flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    return this.#writes.run(async () => {
      const waiting = this.#waiting
      this.#waiting = []
      if (waiting.length === 0) return
      const { counted, sent } = await this.#read(this.#node)
      const sums = this.#sums([...counted, ...waiting])
      const domains = new Map<string, number>()
      let left = MAX_CHARS
      const kept = sums.filter((one) => {
        const number = (domains.get(one.day) ?? 0) + 1
        domains.set(one.day, number)
        left -= JSON.stringify(one).length
        return number <= MAX_DOMAINS && left >= 0
      })
      await this.#write({ counted: kept, sent })
    })
  }

  /** Forgets results that are not written. */
  discard(): void {
    this.#waiting = []
  }

  /** Returns the results, the latest day first. @param domain returns only the results about one domain */
  async list(domain?: string): Promise<readonly DayOf<Content>[]> {
    await this.flush()
    const rows = await Promise.all((await this.#nodes()).map((node) => this.#read(node)))
    const sent = new Map(this.#sums(rows.flatMap((row) => row.sent)).map((one) => [dayKey(one), one]))
    return this.#sums(rows.flatMap(({ counted }) => counted))
      .flatMap((one): readonly DayOf<Content>[] => {
        const less = sent.get(dayKey(one))
        const rest = less ? this.#kind.subtract(one, less) : one
        return rest === undefined ? [] : [{ ...rest, domain: one.domain, day: one.day }]
      })
      .filter((one) => domain === undefined || one.domain === domain.toLowerCase())
      .toSorted((one, other) => (one.day < other.day ? 1 : one.day > other.day ? -1 : 0))
  }

  /** Forgets results that were sent. Those that were counted since they were listed stay. */
  delete(sent: DayOf<Content>): Promise<void> {
    return this.#writes.run(async () => {
      const own = await this.#read(this.#node)
      await this.#write({ ...own, sent: this.#sums([...own.sent, sent]) })
    })
  }

  #sums(all: readonly DayOf<Content>[]): DayOf<Content>[] {
    const groups = new Map<string, DayOf<Content>[]>()
    for (const one of all) {
      const same = groups.get(dayKey(one))
      if (same) same.push(one)
      else groups.set(dayKey(one), [one])
    }
    return [...groups.values()].map((same) => {
      const [{ domain, day }] = same as [DayOf<Content>]
      return { ...this.#kind.sum(same), domain, day }
    })
  }

  async #write({ counted, sent }: NodeResults<Content>): Promise<void> {
    const oldest = dayOf(this.#clock.now() - (MAX_DAYS - 1) * DAY_MS)
    const isKept = ({ day }: { readonly day: string }): boolean => day >= oldest
    const text = JSON.stringify({ counted: counted.filter(isKept), sent: sent.filter(isKept) })
    await this.#memory.setState(this.#rowKey(this.#node), text)
    // Two nodes that begin at the same moment can overwrite this list: each enters itself again when it writes.
    const nodes = await this.#nodes()
    if (!nodes.includes(this.#node))
      await this.#memory.setState(`${this.#kind.key}-nodes`, JSON.stringify([...nodes, this.#node]))
  }

  #rowKey(node: string): string {
    return `${this.#kind.key}\n${node}`
  }

  async #nodes(): Promise<readonly string[]> {
    return JSON.parse((await this.#memory.getState(`${this.#kind.key}-nodes`)) ?? '[]') as readonly string[]
  }

  async #read(node: string): Promise<NodeResults<Content>> {
    const text = await this.#memory.getState(this.#rowKey(node))
    return text === undefined ? { counted: [], sent: [] } : (JSON.parse(text) as NodeResults<Content>)
  }
}

const dayKey = ({ domain, day }: { readonly domain: string; readonly day: string }): string => `${day} ${domain}`

/** Returns the day of a time in UTC. RFC 8460 section 4.1. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** Returns the first and the last moment of a day, in milliseconds since the epoch. */
export function timesOf(day: string): { readonly startsAt: number; readonly endsAt: number } {
  const startsAt = Date.parse(`${day}T00:00:00Z`)
  return { startsAt, endsAt: startsAt + DAY_MS - 1000 }
}
