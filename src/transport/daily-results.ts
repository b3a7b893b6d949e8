import { OneAtATime } from '../core/async/one-at-a-time.ts'
import type { Clock } from '../core/time/clock.ts'

/** Keeps texts by key: the state of the message store. */
interface ResultMemory {
  getState(key: string): Promise<string | undefined>
  setState(key: string, value: string | undefined): Promise<void>
}

/** Where results are kept, and the clock that tells their day. */
export type ResultPlace = readonly [memory: ResultMemory, clock: Clock]

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
  /** Returns the content with one more result. */
  add(known: Content | undefined, result: Result, domain: string): Content
  /** Returns what is left after a part was sent; undefined: nothing. */
  subtract(content: Content, sent: Content): Content | undefined
}

const DAY_MS = 86_400_000
/** Days that are kept. A report is about one of them. */
const MAX_DAYS = 7
/** Domains of a day. Results about more are not counted. */
const MAX_DOMAINS = 1000
/** Characters of all results. Those that would add to more are not counted. */
const MAX_CHARS = 4 * 1024 * 1024

/** The results that reports are about, by domain and day, kept in the state of the message store. */
export class DailyResults<Result extends { readonly domain: string }, Content> {
  readonly #memory: ResultMemory
  readonly #clock: Clock
  readonly #kind: ResultKind<Result, Content>
  readonly #writes = new OneAtATime()

  constructor(memory: ResultMemory, clock: Clock, kind: ResultKind<Result, Content>) {
    this.#memory = memory
    this.#clock = clock
    this.#kind = kind
  }

  /** Counts results. */
  add(results: readonly Result[]): Promise<void> {
    if (results.length === 0) return Promise.resolve()
    return this.#writes.run(async () => {
      const now = this.#clock.now()
      const oldest = dayOf(now - (MAX_DAYS - 1) * DAY_MS)
      let days: readonly DayOf<Content>[] = (await this.#read()).filter(({ day }) => day >= oldest)
      for (const result of results) days = this.#with(days, dayOf(now), result)
      const text = JSON.stringify(days)
      if (text.length <= MAX_CHARS) await this.#memory.setState(this.#kind.key, text)
    })
  }

  /** Returns the results, the latest day first. @param domain returns only the results about one domain */
  async list(domain?: string): Promise<readonly DayOf<Content>[]> {
    const days = (await this.#writes.run(() => this.#read())).toReversed()
    return domain === undefined ? days : days.filter((one) => one.domain === domain.toLowerCase())
  }

  /** Forgets results that were sent. Those that were counted since they were listed stay. */
  delete(sent: DayOf<Content>): Promise<void> {
    return this.#writes.run(async () => {
      const kept = (await this.#read()).flatMap((one): readonly DayOf<Content>[] => {
        const { domain, day } = one
        if (domain !== sent.domain || day !== sent.day) return [one]
        const rest = this.#kind.subtract(one, sent)
        return rest === undefined ? [] : [{ ...rest, domain, day }]
      })
      await this.#memory.setState(this.#kind.key, kept.length === 0 ? undefined : JSON.stringify(kept))
    })
  }

  #with(days: readonly DayOf<Content>[], day: string, result: Result): readonly DayOf<Content>[] {
    const domain = result.domain.toLowerCase()
    const index = days.findIndex((one) => one.domain === domain && one.day === day)
    if (index < 0 && days.filter((one) => one.day === day).length >= MAX_DOMAINS) return days
    const changed = { ...this.#kind.add(days[index], result, domain), domain, day }
    return index < 0 ? [...days, changed] : days.with(index, changed)
  }

  async #read(): Promise<readonly DayOf<Content>[]> {
    return JSON.parse((await this.#memory.getState(this.#kind.key)) ?? '[]') as readonly DayOf<Content>[]
  }
}

/** Returns the day of a time in UTC. RFC 8460 section 4.1. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** Returns the first and the last moment of a day, in milliseconds since the epoch. */
export function timesOf(day: string): { readonly startsAt: number; readonly endsAt: number } {
  const startsAt = Date.parse(`${day}T00:00:00Z`)
  return { startsAt, endsAt: startsAt + DAY_MS - 1000 }
}
