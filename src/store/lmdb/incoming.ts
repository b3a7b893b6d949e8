import { joinPieces } from '../../common/pieces.ts'
import type { NewMessage } from '../types.ts'
import type { Bodies, StreamedBlob } from './bodies.ts'
import type { StoreDraft } from './store-draft.ts'
import { PIECE_OCTETS } from './tables.ts'

/** So much of a message is in memory at a time; a message that is smaller is never written apart from its entry. */
const GATHERED_OCTETS = 4 * PIECE_OCTETS

type Change = <T>(work: (draft: StoreDraft) => T, octets: number) => Promise<T>

/** Messages on their way in: what comes in pieces is written as it comes, and is doomed until an entry adopts it. */
export class Incoming {
  readonly #bodies: Bodies
  readonly #change: Change
  readonly #releases: (() => void)[] = []

  constructor(bodies: Bodies, change: Change) {
    this.#bodies = bodies
    this.#change = change
  }

  /** @throws StoreError, and what the message throws */
  async take(message: NewMessage['raw']): Promise<Buffer | StreamedBlob> {
    if (Buffer.isBuffer(message)) return message
    if (!(Symbol.asyncIterator in message)) return joinPieces(message)
    let gathered: Buffer[] = []
    let octets = 0
    let streamed: StreamedBlob | undefined
    for await (const piece of message) {
      gathered.push(piece)
      octets += piece.length
      if (octets < GATHERED_OCTETS) continue
      const all = Buffer.concat(gathered, octets)
      const whole = octets - (octets % PIECE_OCTETS)
      streamed = await this.#write(all.subarray(0, whole), streamed)
      // A copy: what is left is to keep no more of it alive than itself.
      gathered = [Buffer.from(all.subarray(whole))]
      octets -= whole
    }
    const rest = gathered.length === 1 ? (gathered[0] as Buffer) : Buffer.concat(gathered, octets)
    return streamed ? this.#write(rest, streamed) : rest
  }

  /** What was taken belongs to entries now, or is to go. */
  end(): void {
    for (const release of this.#releases.splice(0)) release()
  }

  async #write(octets: Buffer, before: StreamedBlob | undefined): Promise<StreamedBlob> {
    let release: (() => void) | undefined
    try {
      const blob = await this.#change((draft) => {
        const number = draft.putUnfinished(before?.blob, (before?.sizeOctets ?? 0) / PIECE_OCTETS, octets)
        // Here, so that nobody clears it away before it is known to be in use; and this may be called again.
        release?.()
        release = before ? undefined : this.#bodies.use(number)
        return number
      }, octets.length)
      return { blob, sizeOctets: (before?.sizeOctets ?? 0) + octets.length }
    } finally {
      if (release) this.#releases.push(release)
    }
  }
}
