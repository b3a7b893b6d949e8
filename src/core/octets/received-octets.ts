import { Arrivals } from '../time/arrivals.ts'
import { largeBuffer } from './large-buffer.ts'
import { MemoryBudget, type MemoryReservation } from './memory-budget.ts'
import { joinPieces, PieceCollector, type Pieces, piecesFrom } from './pieces.ts'
import type { Spool, SpoolFile } from './spool.ts'

/** Octets of one message that are held in memory. A larger one goes to a file of the spool. */
export const HELD_OCTETS = 128 * 1024
/** Memory of a piece besides its octets. */
const PIECE_OCTETS = 200

/** Receives messages of clients: within the lab's memory, and, if there is a spool, large ones in files. */
export class Intake {
  readonly memory: MemoryBudget
  readonly arrivals: Arrivals
  readonly #spool: Spool | undefined

  constructor(memory = new MemoryBudget(), spool?: Spool, arrivals = new Arrivals()) {
    this.memory = memory
    this.arrivals = arrivals
    this.#spool = spool
  }

  /** Resolves when the files of all disposed messages are deleted. */
  async settled(): Promise<void> {
    await this.#spool?.settled()
  }

  /** @param disposed called when the message is disposed of */
  receive(disposed?: (received: ReceivedOctets) => void): ReceivedOctets {
    return new ReceivedOctets(this.memory.reservation('messages'), this.#spool, disposed)
  }
}

/**
 * A message, or another large text, while it arrives and until it is stored. Its memory is reserved. If there is not
 * enough memory or disk space, the rest is discarded, and `end` throws the reason. Its creator must dispose of it.
 */
export class ReceivedOctets implements Disposable {
  readonly #reservation: MemoryReservation
  readonly #spool: Spool | undefined
  readonly #disposed: ((received: ReceivedOctets) => void) | undefined
  readonly #collector = new PieceCollector()
  #octets = 0
  /** Octets in the collector. */
  #held = 0
  #file: SpoolFile | undefined
  #writing: Promise<void> | undefined
  #failure: { readonly reason: unknown } | undefined
  #isDisposed = false

  constructor(reservation: MemoryReservation, spool: Spool | undefined, disposed?: (received: ReceivedOctets) => void) {
    this.#reservation = reservation
    this.#spool = spool
    this.#disposed = disposed
  }

  /** Number of octets so far, discarded ones included. */
  get octets(): number {
    return this.#octets
  }

  /** The octets, unless they are in a file. */
  get pieces(): Pieces | undefined {
    return this.#file ? undefined : this.#collector.pieces
  }

  /** Set while octets are written to the file. Wait for it before the next `add`. */
  get writing(): Promise<void> | undefined {
    return this.#writing
  }

  add(piece: Buffer): void {
    this.#octets += piece.length
    if (this.#failure || this.#isDisposed || piece.length === 0) return
    const piecesBefore = this.#collector.pieces.length
    this.#collector.add(piece)
    this.#held += piece.length
    try {
      // Fewer than before if small pieces were merged.
      this.#reservation.grow(piece.length + (this.#collector.pieces.length - piecesBefore) * PIECE_OCTETS)
    } catch (error) {
      this.#fail(error)
      return
    }
    if (this.#spool && this.#held >= HELD_OCTETS) this.#writing = this.#write(this.#spool)
  }

  /** Frees what has arrived, and discards what will arrive. `end` throws the reason. */
  discard(reason: Error): void {
    this.#fail(reason)
  }

  /** Whether the octets are discarded. */
  get hasFailed(): boolean {
    return this.#failure !== undefined
  }

  /** @throws MemoryLimitReached, SpoolError, the reason of `discard`: why the octets are discarded */
  check(): void {
    if (this.#failure) throw this.#failure.reason
  }

  /** Completes the message when all octets have arrived. Returns a promise if some have to be written. @throws as `check` */
  end(): void | Promise<void> {
    this.check()
    if (this.#file && this.#spool && this.#held > 0) return this.#write(this.#spool).then(() => this.check())
  }

  /** Returns all octets in one buffer, synchronously if they arrived in one piece. @throws MemoryLimitReached, SpoolError */
  toBuffer(): Buffer | Promise<Buffer> {
    const { pieces } = this
    return pieces?.length === 1 ? joinPieces(pieces) : this.start(this.#octets)
  }

  /** Returns all octets in one buffer, and keeps nothing else. They stay reserved. @throws as `check` */
  async take(): Promise<Buffer> {
    await this.end()
    const whole = await this.toBuffer()
    this.#collector.clear()
    this.#held = 0
    this.#file?.dispose()
    this.#file = undefined
    this.#reservation.shrink(this.#reservation.octets - whole.length)
    return whole
  }

  /** Returns at most this many octets from the start. @throws MemoryLimitReached, SpoolError */
  async start(maxOctets: number): Promise<Buffer> {
    const { pieces } = this
    const octets = Math.min(maxOctets, this.#octets)
    if (pieces?.length === 1) return joinPieces(pieces).subarray(0, octets)
    this.#reservation.grow(octets)
    if (!this.#file) return Buffer.concat(pieces ?? [], octets)
    const start = largeBuffer(octets)
    await this.#file.read(start, 0)
    return start
  }

  /** Yields the octets from a position on. */
  async *stream(position = 0): AsyncGenerator<Buffer, void, void> {
    yield* this.#file ? this.#file.stream(position) : piecesFrom(this.#collector.pieces, position)
  }

  /** Releases the memory and deletes the file. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#free()
    this.#disposed?.(this)
  }

  async #write(spool: Spool): Promise<void> {
    const { pieces } = this.#collector
    const reserved = this.#reservation.octets
    this.#collector.clear()
    this.#held = 0
    try {
      if (!this.#file) {
        const file = await spool.create()
        if (this.#isDisposed) return file.dispose()
        this.#file = file
      }
      await this.#file.append(pieces)
      if (!this.#isDisposed) this.#reservation.shrink(reserved)
    } catch (error) {
      this.#fail(error)
    } finally {
      this.#writing = undefined
    }
  }

  #fail(reason: unknown): void {
    this.#failure ??= { reason }
    this.#free()
  }

  #free(): void {
    this.#collector.clear()
    this.#held = 0
    this.#reservation.release()
    this.#file?.dispose()
    this.#file = undefined
  }
}
