import type { Intake, ReceivedOctets } from '../common/received-octets.ts'
import { isSliceOver, nextSlice } from '../common/time-slice.ts'
import type { SessionRecorder } from '../sessions/types.ts'
import { BlockReader } from './dot-stuffing.ts'
import type { FaultInjector } from './faults/apply-faults.ts'
import type { Transport } from './transport.ts'

/** Converts a message piece by piece, in order. */
export type Convert = (piece: Buffer) => Buffer
const same: Convert = (piece) => piece

/** Reads the content of messages and literals from a connection. */
export class ContentReader {
  readonly #transport: Transport
  readonly #record: SessionRecorder
  readonly #intake: Intake
  readonly #faults: FaultInjector | undefined
  /** Messages that are arriving or being stored. */
  readonly #received = new Set<ReceivedOctets>()
  #isReading = false
  readonly #forget = (received: ReceivedOctets): void => {
    this.#received.delete(received)
  }

  constructor(transport: Transport, record: SessionRecorder, intake: Intake, faults: FaultInjector | undefined) {
    this.#transport = transport
    this.#record = record
    this.#intake = intake
    this.#faults = faults
  }

  /** Whether a message or literal has begun and not ended. */
  get isReading(): boolean {
    return this.#isReading
  }

  /**
   * Reads exactly `octets` octets into a new buffer, for literals that fit in memory. A view would keep in memory
   * everything that was received together with a small literal. @throws ConnectionEnded
   */
  async readOctets(octets: number): Promise<Buffer> {
    const whole = Buffer.allocUnsafe(octets)
    let filled = 0
    await this.#read(octets, (piece) => {
      filled += piece.copy(whole, filled)
      return undefined
    })
    return whole
  }

  /** Yields exactly `octets` octets as they arrive, for literals of any size. Read it to its end. @throws ConnectionEnded */
  async *streamOctets(octets: number): AsyncGenerator<Buffer, void, void> {
    await this.#begins()
    for (let left = octets; left > 0; ) {
      const piece = this.#take(left)
      if (piece) yield piece
      else await this.#transport.more()
      left -= piece?.length ?? 0
    }
    this.#ends(octets)
  }

  /** Returns an empty message for `receiveOctets`. Dispose of it; the end of the connection does so at the latest. */
  receive(): ReceivedOctets {
    const received = this.#intake.receive(this.#forget)
    this.#received.add(received)
    return received
  }

  /** Reads exactly `octets` octets into a message. @param convert returns what is kept of each piece @throws ConnectionEnded */
  receiveOctets(octets: number, received: ReceivedOctets, convert: Convert = same): Promise<void> {
    return this.#read(octets, (piece) => {
      received.add(convert(piece))
      return received.writing
    })
  }

  /**
   * Reads a dot-stuffed block up to the line with a single dot. Receives its lines, unstuffed, each with its CRLF.
   * RFC 3977 section 3.1.1. Dispose of the result.
   * @param convert returns what is kept of each piece
   * @throws TooLong once a longer block has been read and discarded
   * @throws MemoryLimitReached, SpoolError once a block that cannot be kept has been read and discarded
   * @throws ConnectionEnded
   */
  async receiveBlock(maxOctets: number, convert: Convert = same): Promise<ReceivedOctets> {
    const beginning = this.#begins()
    const received = this.receive()
    try {
      if (beginning) await beginning
      const reader = new BlockReader(maxOctets, received, convert)
      for (let isEnd = false; !isEnd; ) {
        const piece = this.#take(Number.MAX_SAFE_INTEGER)
        if (piece) isEnd = reader.add(piece, this.#transport.input)
        else await this.#transport.more()
        if (received.writing) await received.writing
        // A message may arrive faster than its line ends are converted.
        if (piece && !isEnd && isSliceOver()) await nextSlice()
      }
      const ending = received.end()
      if (ending) await ending
      this.#ends(received.octets)
      return received
    } catch (error) {
      received[Symbol.dispose]()
      throw error
    }
  }

  /** Reads a block as `receiveBlock` does, and returns it as one buffer. */
  async readBlock(maxOctets: number): Promise<Buffer> {
    using received = await this.receiveBlock(maxOctets)
    return await received.whole()
  }

  /** Disposes of what is left of all messages. Call it when the session is over. */
  release(): void {
    for (const received of this.#received) received[Symbol.dispose]()
  }

  /** Passes exactly `octets` octets to `take` as they arrive, and waits for what it returns. @throws ConnectionEnded */
  async #read(octets: number, take: (piece: Buffer) => Promise<void> | undefined): Promise<void> {
    const beginning = this.#begins()
    if (beginning) await beginning
    for (let left = octets; left > 0; ) {
      const piece = this.#take(left)
      const waiting = piece ? take(piece) : this.#transport.more()
      if (waiting) await waiting
      left -= piece?.length ?? 0
      if (piece && left > 0 && isSliceOver()) await nextSlice()
    }
    this.#ends(octets)
  }

  /** Returns some octets of a message, at most `maxOctets`. Undefined if none have arrived. @throws ConnectionEnded */
  #take(maxOctets: number): Buffer | undefined {
    const piece = this.#transport.takeContent(maxOctets)
    if (piece.length === 0) return undefined
    this.#faults?.atOctets(piece.length)
    return piece
  }

  /** Returns what must be awaited before the first octets of a message. */
  #begins(): Promise<void> | undefined {
    this.#isReading = true
    return this.#faults?.messageBegins()
  }

  #ends(octets: number): void {
    this.#isReading = false
    this.#transport.idle.progress()
    if (octets > 0) this.#record.octets('in', octets)
  }
}
