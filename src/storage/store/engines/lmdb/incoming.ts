import { viewsOf } from '../../../../core/octets/pieces.ts'
import type { NewMessage } from '../../types.ts'
import { checkFits } from '../full/limits.ts'
import { endingOf, takeOctets } from '../take-octets.ts'
import type { Bodies, StreamedBlob } from './bodies.ts'
import type { ChangeSet } from './change-set.ts'
import { PIECE_OCTETS } from './tables.ts'

/** LMDB keeps the pages of a transaction in memory until it ends, and reuses that memory for later transactions of the thread. */
const LARGE_OCTETS = 8 * 1024 * 1024
const STEP_OCTETS = 64 * PIECE_OCTETS
const NOTHING = { octets: 0, messages: 0 }

type Change = <T>(work: (changeSet: ChangeSet) => T, octets: number) => Promise<T>

/** Receives messages. Writes a large one as it arrives, to a blob that is doomed until an entry adopts it. */
export class Incoming {
  readonly #bodies: Bodies
  readonly #change: Change
  readonly #maxOctets: number
  readonly #releases: (() => void)[] = []

  /** @param maxOctets limit of one message */
  constructor(bodies: Bodies, change: Change, maxOctets = Number.POSITIVE_INFINITY) {
    this.#bodies = bodies
    this.#change = change
    this.#maxOctets = maxOctets
  }

  /** Reads a message to its end. @throws StoreError, and what the message's iterable throws */
  async take(message: NewMessage['raw']): Promise<Buffer | StreamedBlob> {
    const raw = await takeOctets<StreamedBlob>(message, PIECE_OCTETS, (octets, before) => this.#write(octets, before))
    if (!Buffer.isBuffer(raw) || raw.length < LARGE_OCTETS) return raw
    let written: StreamedBlob | undefined
    for (const octets of viewsOf(raw, STEP_OCTETS)) written = await this.#write(octets, written)
    return written ?? raw
  }

  /** Ends an append, after its commit or failure. Blobs without an entry can then be removed. */
  end(): void {
    for (const release of this.#releases.splice(0)) release()
  }

  async #write(octets: Buffer, before: StreamedBlob | undefined): Promise<StreamedBlob> {
    let release: (() => void) | undefined
    const sizeOctets = (before?.sizeOctets ?? 0) + octets.length
    checkFits(NOTHING, { octets: sizeOctets, messages: 0 }, { octets: this.#maxOctets })
    try {
      const blob = await this.#change((changeSet) => {
        const number = changeSet.putUnfinished(before?.blob, (before?.sizeOctets ?? 0) / PIECE_OCTETS, octets)
        // Within the transaction, so that no other operation removes the blob first. This may run twice: see `Commits`.
        release?.()
        release = before ? undefined : this.#bodies.use(number)
        return number
      }, octets.length)
      return { blob, sizeOctets, ending: endingOf(before ? [before.ending, octets] : [octets]) }
    } finally {
      if (release) this.#releases.push(release)
    }
  }
}
