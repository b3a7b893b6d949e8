import type { FlagChange } from './types.ts'

/** The system flags, in the order they are shown in. RFC 9051 section 2.3.2. */
const systemFlags = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const
const systemRank = new Map<string, number>(systemFlags.map((flag, rank) => [flag, rank]))
const systemSpelling = new Map<string, string>(systemFlags.map((flag) => [flag.toLowerCase(), flag]))
const NONE: readonly string[] = []
/** Distinct combinations remembered; a client that sets a new keyword on every message starts the table anew. */
const COMBINATIONS = 10_000

export const SEEN = '\\Seen'
export const DELETED = '\\Deleted'

/**
 * The flags of one folder: each keyword in the spelling that came first (flags are compared without regard to case,
 * RFC 9051 section 2.3.2), each combination one shared array, so that equal flags are the same object.
 */
export class FlagTable {
  readonly #keywords = new Map<string, string>()
  readonly #combinations = new Map<string, readonly string[]>()

  /** The one array of these flags, without doubles and without `\Recent`, which no client sets. */
  readonly canonical = (flags: readonly string[]): readonly string[] => {
    if (flags.length === 0) return NONE
    const known = this.#combinations.get(keyOf(flags))
    if (known) return known
    const spelled = [...new Set(flags.map((flag) => this.#spell(flag)))].filter((flag) => flag !== '\\Recent')
    const sorted = spelled.sort(byRank)
    const shared = sorted.length === 0 ? NONE : (this.#combinations.get(keyOf(sorted)) ?? sorted)
    if (this.#combinations.size >= COMBINATIONS) this.#combinations.clear()
    this.#combinations.set(keyOf(sorted), shared)
    this.#combinations.set(keyOf(flags), shared)
    return shared
  }

  /** A function that gives the flags after `change`; it computes each combination once. */
  changer({ mode, flags }: FlagChange): (current: readonly string[]) => readonly string[] {
    const given = this.canonical(flags)
    if (mode === 'replace') return () => given
    const results = new Map<readonly string[], readonly string[]>()
    return (current) => {
      const known = results.get(current)
      if (known) return known
      const next = mode === 'add' ? [...current, ...given] : current.filter((flag) => !given.includes(flag))
      const result = this.canonical(next)
      results.set(current, result)
      return result
    }
  }

  #spell(flag: string): string {
    const lower = flag.toLowerCase()
    if (lower === '\\recent') return '\\Recent'
    const known = systemSpelling.get(lower) ?? this.#keywords.get(lower)
    if (known) return known
    this.#keywords.set(lower, flag)
    return flag
  }
}

const keyOf = (flags: readonly string[]): string => flags.join(' ')

function byRank(a: string, b: string): number {
  const rank = (systemRank.get(a) ?? systemFlags.length) - (systemRank.get(b) ?? systemFlags.length)
  return rank !== 0 ? rank : a < b ? -1 : a > b ? 1 : 0
}

/** The flags that the messages of a folder have, kept up to date by telling it of each message's flags as they come and go. */
export class FlagsInUse {
  /** How many messages have a combination. Equal combinations are one array nearly always: see `FlagTable`. */
  readonly #holders = new Map<readonly string[], number>()
  #all: readonly string[] | undefined

  /** Each flag once. A new array whenever there are others. */
  get all(): readonly string[] {
    return (this.#all ??= [...new Set([...this.#holders.keys()].flat())])
  }

  add(flags: readonly string[]): void {
    const holders = this.#holders.get(flags) ?? 0
    this.#holders.set(flags, holders + 1)
    if (holders === 0) this.#all = undefined
  }

  remove(flags: readonly string[]): void {
    const holders = this.#holders.get(flags) ?? 0
    if (holders > 1) this.#holders.set(flags, holders - 1)
    else {
      this.#holders.delete(flags)
      this.#all = undefined
    }
  }
}
