import { largeBuffer } from '../core/octets/large-buffer.ts'
import type { Intake, ReceivedOctets } from '../core/octets/received-octets.ts'
import type { SessionRecorder } from '../core/sessions/types.ts'
import { type Arrival, NO_ARRIVAL } from '../core/time/arrivals.ts'
import { isSliceOver, nextSlice } from '../core/time/time-slice.ts'
import { BlockReader } from './dot-stuffing.ts'
import type { FaultInjector } from './faults/apply-faults.ts'
import type { Transport } from './transport.ts'

/** Converts a message piece by piece, in order. */
type Convert = (piece: Buffer) => Buffer
const same: Convert = (piece) => piece

/** Reads the content of messages and literals from a connection. */
export class ContentReader {
  readonly #transport: Transport
  readonly #record: SessionRecorder
  readonly #intake: Intake
  readonly #faults: FaultInjector | undefined
  /** Messages that are arriving or being stored. */
  #received: ReceivedOctets[] = []
  #isReading = false
  /** The message or literal that is expected or arriving. */
  #arrival: Arrival = NO_ARRIVAL
  readonly #forget = (received: ReceivedOctets): void => {
    if (this.#received.at(-1) === received) this.#received.pop()
    else this.#received = this.#received.filter((other) => other !== received)
  }

  constructor(transport: Transport, record: SessionRecorder, intake: Intake, faults: FaultInjector | undefined) {
    this.#transport = transport
    this.#record = record
    this.#intake = intake
    this.#faults = faults
  }

  /**
   * Says whether the client is about to send a message: then other clients' messages wait a moment to be stored with it. The
   * beginning and the end of a message need not be said. Sessions say it after a message, because most clients send another.
   */
  expect(isExpected: boolean): void {
    const { arrivals } = this.#intake
    if (isExpected) {
      if (!this.#transport.isClosed && !arrivals.waitsFor(this.#arrival)) this.#arrival = arrivals.begin()
    } else if (this.#arrival !== NO_ARRIVAL) {
      arrivals.end(this.#arrival)
      this.#arrival = NO_ARRIVAL
    }
  }

  /** Whether a message or literal has begun and not ended. */
  get isReading(): boolean {
    return this.#isReading
  }

  /**
   * Reads exactly `octets` octets into one buffer, for literals that fit in memory. Returns a promise only if something has to
   * be awaited: most literals have arrived with their command.
   * @throws ConnectionEnded
   */
  readOctets(octets: number): Buffer | Promise<Buffer> {
    const { input } = this.#transport
    const beginning = this.#begins()
    if (beginning || input.heldOctets < octets) return this.#readWhole(octets, beginning)
    this.#transport.checkReadable()
    const piece = input.take(octets)
    this.#count(octets)
    this.#ends(octets)
    // A view of a small part would keep in memory everything that was received together with it.
    return piece.buffer.byteLength <= 2 * octets ? piece : Buffer.from(piece)
  }

  async #readWhole(octets: number, beginning: Promise<void> | undefined): Promise<Buffer> {
    const whole = largeBuffer(octets)
    let filled = 0
    const take = (piece: Buffer): void => {
      filled += piece.copy(whole, filled)
    }
    await this.#read(octets, take, beginning)
    return whole
  }

  /** Reads exactly `octets` octets, and discards them. @throws ConnectionEnded */
  discardOctets(octets: number): Promise<void> {
    return this.#read(octets, () => {}, this.#begins())
  }

  /** Returns an empty message for `receiveOctets`. Dispose of it; the end of the connection does so at the latest. */
  receive(): ReceivedOctets {
    const received = this.#intake.receive(this.#forget)
    this.#received.push(received)
    return received
  }

  /** Reads exactly `octets` octets into a message. @param convert returns what is kept of each piece @throws ConnectionEnded */
  receiveOctets(octets: number, received: ReceivedOctets, convert: Convert = same): Promise<void> {
    const take = (piece: Buffer): Promise<void> | undefined => {
      received.add(convert(piece))
      return received.writing
    }
    return this.#read(octets, take, this.#begins())
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
    await this.#begins()
    const received = this.receive()
    try {
      const reader = new BlockReader(maxOctets, received, convert)
      while (!reader.isComplete) {
        this.#transport.checkReadable()
        const octets = reader.take(this.#transport.input)
        if (octets === 0) await this.#transport.more()
        else {
          this.#count(octets)
          if (received.writing) await received.writing
          // A message may arrive faster than its line ends are converted.
          if (!reader.isComplete && isSliceOver()) await nextSlice()
        }
      }
      // Before `end`, which throws if the block cannot be kept.
      this.#ends(received.octets)
      await received.end()
      return received
    } catch (error) {
      received[Symbol.dispose]()
      throw error
    }
  }

  /** Reads a block as `receiveBlock` does, and returns it as one buffer. */
  async readBlock(maxOctets: number): Promise<Buffer> {
    using received = await this.receiveBlock(maxOctets)
    return await received.toBuffer()
  }

  /** Disposes of what is left of all messages. Call it when the session is over. */
  release(): void {
    for (const received of [...this.#received]) received[Symbol.dispose]()
    this.expect(false)
  }

  /**
   * Passes exactly `octets` octets to `take` as they arrive, and waits for what it returns.
   * @param beginning the result of `#begins`
   * @throws ConnectionEnded
   */
  async #read(
    octets: number,
    take: (piece: Buffer) => Promise<void> | void,
    beginning: Promise<void> | undefined,
  ): Promise<void> {
    await beginning
    for (let left = octets; left > 0; ) {
      this.#transport.checkReadable()
      const piece = this.#transport.input.takeSome(left)
      if (piece.length === 0) await this.#transport.more()
      else {
        this.#count(piece.length)
        left -= piece.length
        const writing = take(piece)
        if (writing) await writing
        if (left > 0 && isSliceOver()) await nextSlice()
      }
    }
    this.#ends(octets)
  }

  #count(octets: number): void {
    this.#transport.idle.content(octets)
    this.#faults?.atOctets(octets)
  }

  /** Returns what must be awaited before the first octets of a message. */
  #begins(): Promise<void> | undefined {
    this.#isReading = true
    this.expect(true)
    return this.#faults?.messageBegins()
  }

  #ends(octets: number): void {
    this.#isReading = false
    this.expect(false)
    this.#transport.idle.progress()
    if (octets > 0) this.#record.octets('in', octets)
  }
}
