import type { SessionRecorder } from '../../sessions/types.ts'
import type { Transport } from '../transport.ts'
import type { ConnectionFaults } from './fault-book.ts'
import { type Outcome, strike } from './perform.ts'

/** Whoever writes to the client, on record. */
export interface Speaker {
  readonly record: SessionRecorder
  write(data: string | Buffer): void
}

/** Where a connection meets its faults: before the greeting, at a line, in a message. */
export class FaultMeter {
  readonly #faults: ConnectionFaults
  readonly #transport: Transport
  readonly #speaker: Speaker
  /** Octets of the message that is coming in, and how many of them are too many. */
  #octets = 0
  #limit: number | undefined

  constructor(faults: ConnectionFaults, transport: Transport, speaker: Speaker) {
    this.#faults = faults
    this.#transport = transport
    this.#speaker = speaker
  }

  /** @throws ConnectionEnded */
  async beforeGreeting(): Promise<Outcome> {
    const strikes = this.#faults.due('connect')
    return strikes.length === 0 ? 'pass' : strike(this.#faults, strikes, this.#transport, this.#speaker)
  }

  /** @throws ConnectionEnded */
  async atLine(text: string): Promise<Outcome> {
    const strikes = this.#faults.due('command', text)
    return strikes.length === 0 ? 'pass' : strike(this.#faults, strikes, this.#transport, this.#speaker, text)
  }

  messageBegins(): void {
    const [first] = this.#faults.due('data')
    this.#octets = 0
    this.#limit = first?.action.dropAfterOctets
    if (first) this.#speaker.record.note(`fault: ${first.name}`)
  }

  /** Octets of a message came in. @throws ConnectionEnded when they were too many */
  atOctets(octets: number): void {
    this.#octets += octets
    if (this.#limit === undefined || this.#octets < this.#limit) return
    this.#transport.destroy('server closed')
    this.#transport.checkReadable()
  }
}
