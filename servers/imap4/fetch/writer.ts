import type { OctetString } from '../../../src/mail/format/types.ts'
import type { ImapSession } from '../state.ts'

/** Responses are collected in buffers of this size, each sent in one write. */
const BUFFER_OCTETS = 64 * 1024
/** Literals up to this size are copied into the buffer. Longer ones are written without copying. */
const COPY_OCTETS = 16 * 1024

/**
 * Collects FETCH responses and writes them. The session's record shows their lines, but not their literals.
 */
export class FetchWriter {
  readonly #session: ImapSession
  #text = ''
  #buffer: Buffer | undefined
  #filled = 0
  #octets = 0

  constructor(session: ImapSession) {
    this.#session = session
  }

  /** Whether quoted strings and labels are UTF-8. */
  get utf8(): boolean {
    return this.#session.utf8
  }

  text(octets: OctetString): void {
    this.#text += octets
  }

  /** Adds a literal. NULs, which a literal cannot contain, become 0x80. RFC 9051 section 9, CHAR8. */
  literal(octets: Buffer): void {
    this.#literal('', octets.includes(0) ? withoutNuls(octets) : octets)
  }

  /** Adds a literal that may contain NULs. RFC 9051 section 4.3, literal8. */
  literal8(octets: Buffer): void {
    this.#literal(octets.includes(0) ? '~' : '', octets)
  }

  /** Whether the caller should call `flush`. */
  get isFull(): boolean {
    return this.#octets + this.#filled + this.#text.length > BUFFER_OCTETS
  }

  /** Writes everything collected and waits for a slow client. @throws ConnectionEnded */
  async flush(): Promise<void> {
    this.end()
    this.#octets = 0
    await this.#session.connection.drained()
  }

  /** Writes everything collected. */
  end(): void {
    if (this.#filled === 0) {
      if (this.#text !== '') this.#session.send(this.#text)
      this.#text = ''
      return
    }
    this.#moveText()
    this.#sendBuffer()
  }

  #literal(prefix: string, octets: Buffer): void {
    this.#text += `${prefix}{${octets.length}}\r\n`
    const { connection } = this.#session
    for (const line of this.#text.split('\r\n')) if (line !== '') connection.record.line('out', line)
    this.#moveText()
    if (octets.length > COPY_OCTETS) {
      this.#sendBuffer()
      connection.write(octets)
      this.#octets += octets.length
    } else this.#copy(octets.length, (buffer, at) => octets.copy(buffer, at))
  }

  #moveText(): void {
    const text = this.#text
    this.#text = ''
    if (text.length > COPY_OCTETS) {
      this.#sendBuffer()
      this.#session.connection.write(Buffer.from(text, 'latin1'))
    } else this.#copy(text.length, (buffer, at) => buffer.write(text, at, 'latin1'))
  }

  #copy(octets: number, put: (buffer: Buffer, at: number) => void): void {
    if (this.#filled + octets > BUFFER_OCTETS) this.#sendBuffer()
    this.#buffer ??= Buffer.allocUnsafeSlow(BUFFER_OCTETS)
    put(this.#buffer, this.#filled)
    this.#filled += octets
  }

  #sendBuffer(): void {
    if (!this.#buffer || this.#filled === 0) return
    this.#session.connection.write(this.#buffer.subarray(0, this.#filled))
    this.#octets += this.#filled
    // The socket may still read the buffer, so it cannot be reused.
    this.#buffer = undefined
    this.#filled = 0
  }
}

function withoutNuls(octets: Buffer): Buffer {
  const copy = Buffer.from(octets)
  for (let at = 0; at < copy.length; at++) if (copy[at] === 0) copy[at] = 0x80
  return copy
}
