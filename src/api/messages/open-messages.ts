import { OneAtATime } from '../../core/async/one-at-a-time.ts'
import { HEAP_SHARE } from '../../core/octets/heap-share.ts'
import type { MemoryBudget, MemoryReservation } from '../../core/octets/memory-budget.ts'
import { runInSlices } from '../../core/time/time-slice.ts'
import { ReadableMessage, type ReadLimits, VIEW_CHARS } from '../../mail/format/readable.ts'
import { parseInSteps } from '../../mail/format/structure.ts'

/** Larger messages are read one after the other. */
const LARGE_OCTETS = 1024 * 1024
/** HTML of a message that is shown: the longest answers of the lab have this much in several copies. */
const HTML_CHARS = Math.min(2 * 1024 * 1024, HEAP_SHARE)
const LIMITS: ReadLimits = { textChars: VIEW_CHARS, htmlChars: HTML_CHARS }

/** Returns a message that was parsed while other sessions ran. Its texts are limited. */
export const parseReadable = async (raw: Buffer): Promise<ReadableMessage> =>
  new ReadableMessage(raw, await runInSlices(parseInSteps(raw)), LIMITS)

/** A message while somebody reads it. */
export class OpenMessage {
  readonly read: ReadableMessage
  /** Counts what its readers make of it. */
  readonly memory: MemoryReservation
  readonly #results = new Map<string, Promise<unknown>>()

  constructor(read: ReadableMessage, memory: MemoryReservation) {
    this.read = read
    this.memory = memory
  }

  /** Returns what others have made of the message under the same key, or makes it. */
  computeOnce<T>(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#results.get(key)
    if (known) return known as Promise<T>
    const making = make()
    this.#results.set(key, making)
    return making
  }
}

interface Opening {
  readonly opened: Promise<OpenMessage | undefined>
  readers: number
  /** Lets the next large message be read. */
  close: () => void
}

/** The messages that are read at the moment: each once for all of its readers, within the memory of the lab. */
export class OpenMessages {
  readonly #memory: MemoryBudget
  readonly #open = new Map<string, Opening>()
  readonly #large = new OneAtATime()

  constructor(memory: MemoryBudget) {
    this.#memory = memory
  }

  /**
   * Reads a message for some work, which must not read another one. Returns undefined if it does not exist any more.
   * @throws MemoryLimitReached
   */
  async use<T>(
    { blob, sizeOctets }: { readonly blob: string; readonly sizeOctets: number },
    read: () => Promise<Buffer | undefined>,
    work: (open: OpenMessage) => T | Promise<T>,
  ): Promise<T | undefined> {
    const joined = this.#open.get(blob)
    const opening = joined ?? this.#begin(blob, sizeOctets, read)
    opening.readers++
    try {
      const open = await opening.opened
      if (open) return await work(open)
    } finally {
      if (--opening.readers === 0) {
        if (this.#open.get(blob) === opening) this.#open.delete(blob)
        opening.close()
      }
    }
    // The copy of the first reader was deleted meanwhile; this one may still be there.
    return joined && (await this.use({ blob, sizeOctets }, read, work))
  }

  #begin(blob: string, sizeOctets: number, read: () => Promise<Buffer | undefined>): Opening {
    let close = (): void => {}
    const closed = new Promise<void>((resolve) => {
      close = resolve
    })
    const opened = new Promise<OpenMessage | undefined>((resolve, reject) => {
      const run = async (): Promise<void> => {
        using memory = this.#memory.reservation('messages')
        try {
          memory.grow(sizeOctets)
          const raw = await read()
          if (!raw) this.#open.delete(blob) // who joins from now on reads its own copy
          resolve(raw && new OpenMessage(await parseReadable(raw), memory))
        } catch (error) {
          reject(error)
        }
        await closed
      }
      if (sizeOctets > LARGE_OCTETS) void this.#large.run(run)
      else void run()
    })
    const opening = { opened, readers: 0, close }
    this.#open.set(blob, opening)
    return opening
  }
}
