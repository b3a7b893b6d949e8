import { VerifyError } from '../types.ts'
import { Silence, type Wire } from '../wire.ts'
import { contentTypes } from './hello.ts'

/** Longest wait for an answer whose absence is an answer too. */
const MAX_QUIET_MS = 3_000

/** The next thing that a server sends: a record, nothing for a while, or the end of the connection. */
export type Received = { readonly contentType: number; readonly content: Buffer } | 'silent' | 'closed'

/** Reads unencrypted records behind the server's first flight. */
export class RecordReader {
  readonly #wire: Wire
  readonly #quietMs: number
  #held: Buffer = Buffer.alloc(0)

  constructor(wire: Wire) {
    this.#wire = wire
    this.#quietMs = Math.min(wire.timeoutMs, MAX_QUIET_MS)
  }

  async next(): Promise<Received> {
    for (;;) {
      const length = this.#held.length < 5 ? undefined : this.#held.readUInt16BE(3)
      if (length !== undefined && this.#held.length >= 5 + length) {
        const [contentType = 0] = this.#held
        const content = this.#held.subarray(5, 5 + length)
        this.#held = this.#held.subarray(5 + length)
        return { contentType, content }
      }
      try {
        this.#held = Buffer.concat([this.#held, await this.#wire.octets(this.#quietMs)])
      } catch (error) {
        if (error instanceof Silence) return 'silent'
        if (error instanceof VerifyError) return 'closed'
        throw error
      }
    }
  }
}

/** Describes what was received: `alert 40`, `silent`, `closed`. */
export function receivedText(received: Received): string {
  if (typeof received === 'string') return received
  return received.contentType === contentTypes.alert
    ? `alert ${received.content[1]}`
    : `record type ${received.contentType}`
}
