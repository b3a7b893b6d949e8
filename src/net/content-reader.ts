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
   * Returns a promise only if something has to be awaited.
   * @param convert returns what is kept of each piece
   * @throws TooLong once a longer block has been read and discarded
   * @throws MemoryLimitReached, SpoolError once a block that cannot be kept has been read and discarded
   * @throws ConnectionEnded
   */
  receiveBlock(maxOctets: number, convert: Convert = same): ReceivedOctets | Promise<ReceivedOctets> {
    const beginning = this.#begins()
    const received = this.receive()
    const reader = new BlockReader(maxOctets, received, convert)
    try {
      const waiting = beginning ?? this.#addArrived(reader, received)
      return waiting === undefined ? received : this.#receiveRest(reader, received, waiting)
    } catch (error) {
      received[Symbol.dispose]()
      throw error
    }
  }

  /** Receives the rest of a block, each part within the event that brings it. @param waiting as `#addArrived` returns it */
  #receiveRest(
    reader: BlockReader,
    received: ReceivedOctets,
    waiting: Promise<unknown> | 'for octets',
  ): Promise<ReceivedOctets> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        received[Symbol.dispose]()
        reject(error)
      }
      const wait = (what: Promise<unknown> | 'for octets'): void => {
        if (what === 'for octets') this.#transport.onMore(goOn)
        else what.then(() => goOn(), fail)
      }
      const goOn = (ended?: unknown): void => {
        if (ended !== undefined) return fail(ended)
        try {
          const what = this.#addArrived(reader, received)
          if (what === undefined) resolve(received)
          else wait(what)
        } catch (error) {
          fail(error)
        }
      }
      wait(waiting)
    })
  }

  /** Adds what has arrived of a block. Returns what must be awaited before it is called again; undefined: it is complete. */
  #addArrived(reader: BlockReader, received: ReceivedOctets): Promise<unknown> | 'for octets' | undefined {
    while (!reader.isComplete) {
      const piece = this.#take(Number.MAX_SAFE_INTEGER)
      if (!piece) return 'for octets'
      reader.add(piece, this.#transport.input)
      if (received.writing) return received.writing
      // A message may arrive faster than its line ends are converted.
      if (!reader.isComplete && isSliceOver()) return nextSlice()
    }
    const ending = received.end()
    if (ending) return ending
    this.#ends(received.octets)
    return undefined
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
