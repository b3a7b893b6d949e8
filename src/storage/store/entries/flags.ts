import type { FlagChange } from '../types.ts'

/** The system flags in the order in which they are shown. RFC 9051 section 2.3.2. */
const systemFlags = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const
const systemRank = new Map<string, number>(systemFlags.map((flag, rank) => [flag, rank]))
const systemSpelling = new Map<string, string>(systemFlags.map((flag) => [flag.toLowerCase(), flag]))
const NONE: readonly string[] = []
/** Most combinations in the table. At the limit it is cleared, in case a client sets a new keyword on every message. */
const MAX_COMBINATIONS = 10_000

export const SEEN = '\\Seen'
export const DELETED = '\\Deleted'

/**
 * The flags of one folder. Keywords keep the spelling that was used first, because flags are case-insensitive (RFC 9051
 * section 2.3.2). Equal combinations of flags are the same array, so they can be compared with `===`.
 */
export class FlagTable {
  readonly #keywords = new Map<string, string>()
  readonly #combinations = new Map<string, readonly string[]>()

  /** Returns the shared array of these flags, without duplicates and without `\Recent`, which clients cannot set. */
  readonly canonical = (flags: readonly string[]): readonly string[] => {
    if (flags.length === 0) return NONE
    const known = this.#combinations.get(flagsKey(flags))
    if (known) return known
    const spelled = [...new Set(flags.map((flag) => this.#spell(flag)))].filter((flag) => flag !== '\\Recent')
    const sorted = spelled.sort(compareRank)
    const shared = sorted.length === 0 ? NONE : (this.#combinations.get(flagsKey(sorted)) ?? sorted)
    if (this.#combinations.size >= MAX_COMBINATIONS) this.#combinations.clear()
    this.#combinations.set(flagsKey(sorted), shared)
    this.#combinations.set(flagsKey(flags), shared)
    return shared
  }

  /** Returns a function that applies `change` to a message's flags. It computes each combination once. */
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

const flagsKey = (flags: readonly string[]): string => flags.join(' ')

function compareRank(a: string, b: string): number {
  const rank = (systemRank.get(a) ?? systemFlags.length) - (systemRank.get(b) ?? systemFlags.length)
  return rank !== 0 ? rank : a < b ? -1 : a > b ? 1 : 0
}

/** Tracks which flags the messages of a folder have. Call `add` and `remove` with the flags of every message. */
export class FlagsInUse {
  /** Number of messages per combination. Equal combinations are nearly always the same array: see `FlagTable`. */
  readonly #messages = new Map<readonly string[], number>()
  #all: readonly string[] | undefined

  /** The flags in use, each once. Changes create a new array. */
  get all(): readonly string[] {
    return (this.#all ??= [...new Set([...this.#messages.keys()].flat())])
  }

  add(flags: readonly string[], count = 1): void {
    const messages = this.#messages.get(flags) ?? 0
    this.#messages.set(flags, messages + count)
    if (messages === 0) this.#all = undefined
  }

  remove(flags: readonly string[]): void {
    const messages = this.#messages.get(flags) ?? 0
    if (messages > 1) this.#messages.set(flags, messages - 1)
    else {
      this.#messages.delete(flags)
      this.#all = undefined
    }
  }
}
