import type { Intake, ReceivedOctets } from '../common/received-octets.ts'
import type { SessionRecorder } from '../sessions/types.ts'
import { BlockReader } from './dot-stuffing.ts'
import type { FaultInjector } from './faults/apply-faults.ts'
import type { Transport } from './transport.ts'

/** Reads the content of messages and literals from a connection. */
export class ContentReader {
  readonly #transport: Transport
  readonly #record: SessionRecorder
  readonly #intake: Intake
  readonly #faults: FaultInjector | undefined
  /** Messages that are arriving or being stored. */
  readonly #received = new Set<ReceivedOctets>()
  /** What is awaited before the first octets of a message. */
  #beginning: Promise<void> | undefined
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
    this.#begins()
    const whole = Buffer.allocUnsafe(octets)
    for (let filled = 0; filled < octets; ) filled += (await this.#piece(octets - filled)).copy(whole, filled)
    this.#ends(octets)
    return whole
  }

  /** Yields exactly `octets` octets as they arrive, for literals of any size. Read it to its end. @throws ConnectionEnded */
  async *streamOctets(octets: number): AsyncGenerator<Buffer, void, void> {
    this.#begins()
    for (let left = octets; left > 0; ) {
      const part = await this.#piece(left)
      left -= part.length
      yield part
    }
    this.#ends(octets)
  }

  /** Returns an empty message for `receiveOctets`. Dispose of it; the end of the connection does so at the latest. */
  receive(): ReceivedOctets {
    const received = this.#intake.receive(this.#forget)
    this.#received.add(received)
    return received
  }

  /** Reads exactly `octets` octets into a message. `inspect` is called with each piece. @throws ConnectionEnded */
  async receiveOctets(octets: number, received: ReceivedOctets, inspect?: (piece: Buffer) => void): Promise<void> {
    this.#begins()
    for (let left = octets; left > 0; ) {
      const part = await this.#piece(left)
      left -= part.length
      inspect?.(part)
      received.add(part)
      if (received.writing) await received.writing
    }
    this.#ends(octets)
  }

  /**
   * Reads a dot-stuffed block up to the line with a single dot. Receives its lines, unstuffed, each with its CRLF.
   * RFC 3977 section 3.1.1. Dispose of the result.
   * @throws TooLong once a longer block has been read and discarded
   * @throws MemoryLimitReached, SpoolError once a block that cannot be kept has been read and discarded
   * @throws ConnectionEnded
   */
  async receiveBlock(maxOctets: number): Promise<ReceivedOctets> {
    this.#begins()
    const received = this.receive()
    try {
      const reader = new BlockReader(maxOctets, received)
      while (!reader.add(await this.#piece(Number.MAX_SAFE_INTEGER), this.#transport.input)) {
        if (received.writing) await received.writing
      }
      if (received.writing) await received.writing
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

  /** Returns some octets of a message, at most `maxOctets`. @throws ConnectionEnded */
  async #piece(maxOctets: number): Promise<Buffer> {
    if (this.#beginning) {
      await this.#beginning
      this.#beginning = undefined
    }
    for (;;) {
      const piece = this.#transport.takeContent(maxOctets)
      if (piece.length > 0) {
        this.#faults?.atOctets(piece.length)
        return piece
      }
      await this.#transport.more()
    }
  }

  #begins(): void {
    this.#isReading = true
    this.#beginning = this.#faults?.messageBegins()
  }

  #ends(octets: number): void {
    this.#isReading = false
    this.#transport.idle.progress()
    if (octets > 0) this.#record.octets('in', octets)
  }
}
