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
const EMPTY = Buffer.alloc(0)

/** A reason to wait before more of a message can be taken. */
type Waiting = Promise<unknown> | 'for octets'

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
   * Says whether the client is about to send a message: then those of other clients wait a moment to be stored with it. The
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
   * be awaited.
   * @throws ConnectionEnded
   */
  readOctets(octets: number): Buffer | Promise<Buffer> {
    let whole: Buffer | undefined
    let filled = 0
    const take = (piece: Buffer): undefined => {
      // A view of a small part would keep in memory everything that was received together with it.
      if (piece.length === octets && piece.buffer.byteLength <= 2 * octets) whole = piece
      else {
        whole ??= Buffer.allocUnsafe(octets)
        filled += piece.copy(whole, filled)
      }
    }
    return this.#read(octets, take, () => whole ?? EMPTY)
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
    this.#received.push(received)
    return received
  }

  /** Reads exactly `octets` octets into a message. @param convert returns what is kept of each piece @throws ConnectionEnded */
  async receiveOctets(octets: number, received: ReceivedOctets, convert: Convert = same): Promise<void> {
    const take = (piece: Buffer): Promise<void> | undefined => {
      received.add(convert(piece))
      return received.writing
    }
    await this.#read(octets, take, () => undefined)
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
    const addArrived = (): Waiting | undefined => this.#addArrived(reader, received)
    const dispose = (): void => received[Symbol.dispose]()
    try {
      const waiting = beginning ?? addArrived()
      return waiting === undefined ? received : this.#takeRest(addArrived, waiting, () => received, dispose)
    } catch (error) {
      dispose()
      throw error
    }
  }

  /**
   * Takes the rest of a message, each part within the event that brings it.
   * @param takeArrived takes what has arrived, and returns what must be awaited before more can be taken
   * @returns what `result` returns once everything is taken
   */
  #takeRest<T>(
    takeArrived: () => Waiting | undefined,
    first: Waiting,
    result: () => T,
    failed = (): void => {},
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        failed()
        reject(error)
      }
      const waitAfter = (take: () => Waiting | undefined): void => {
        try {
          const waiting = take()
          if (waiting === undefined) resolve(result())
          else if (waiting === 'for octets') this.#transport.onMore(goOn)
          else waiting.then(() => waitAfter(takeArrived), fail)
        } catch (error) {
          fail(error)
        }
      }
      const goOn = (ended?: unknown): void => (ended === undefined ? waitAfter(takeArrived) : fail(ended))
      waitAfter(() => first)
    })
  }

  /** Adds what has arrived of a block. Returns what must be awaited before it is called again; undefined: it is complete. */
  #addArrived(reader: BlockReader, received: ReceivedOctets): Waiting | undefined {
    while (!reader.isComplete) {
      this.#transport.checkReadable()
      const octets = reader.take(this.#transport.input)
      if (octets === 0) return 'for octets'
      this.#count(octets)
      if (received.writing) return received.writing
      // A message may arrive faster than its line ends are converted.
      if (!reader.isComplete && isSliceOver()) return nextSlice()
    }
    // Before `end`, which throws if the block cannot be kept. After `end` has written to a file, this runs again.
    if (this.#isReading) this.#ends(received.octets)
    return received.end() ?? undefined
  }

  /** Reads a block as `receiveBlock` does, and returns it as one buffer. */
  async readBlock(maxOctets: number): Promise<Buffer> {
    using received = await this.receiveBlock(maxOctets)
    return await received.whole()
  }

  /** Disposes of what is left of all messages. Call it when the session is over. */
  release(): void {
    for (const received of [...this.#received]) received[Symbol.dispose]()
    this.expect(false)
  }

  /** Passes exactly `octets` octets to `take` as they arrive, and waits for what it returns. @throws ConnectionEnded */
  #read<T>(octets: number, take: (piece: Buffer) => Promise<void> | undefined, result: () => T): T | Promise<T> {
    let left = octets
    const takeArrived = (): Waiting | undefined => {
      while (left > 0) {
        const piece = this.#take(left)
        if (!piece) return 'for octets'
        left -= piece.length
        const writing = take(piece)
        if (writing) return writing
        if (left > 0 && isSliceOver()) return nextSlice()
      }
      this.#ends(octets)
      return undefined
    }
    const waiting = this.#begins() ?? takeArrived()
    return waiting === undefined ? result() : this.#takeRest(takeArrived, waiting, result)
  }

  /** Returns some octets of a message, at most `maxOctets`. Undefined if none have arrived. @throws ConnectionEnded */
  #take(maxOctets: number): Buffer | undefined {
    this.#transport.checkReadable()
    const piece = this.#transport.input.takeSome(maxOctets)
    if (piece.length === 0) return undefined
    this.#count(piece.length)
    return piece
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
