import type { OctetString } from '../../../src/mail/types.ts'
import type { Session } from '../session.ts'

/** Responses are put together in pieces of this size, each sent in one write. */
const PIECE_OCTETS = 64 * 1024
/** Literals up to this size are copied into the piece; longer ones are sent as they are. */
const COPY_OCTETS = 16 * 1024

/**
 * Puts FETCH responses together. Texts without literals stay text, which goes on record line by line; with literals they
 * are octets, the lines that announce them on record.
 */
export class FetchWriter {
  readonly #session: Session
  #text = ''
  #piece: Buffer | undefined
  #filled = 0
  #octets = 0

  constructor(session: Session) {
    this.#session = session
  }

  text(octets: OctetString): void {
    this.#text += octets
  }

  /** A literal; NULs become 0x80, since a literal cannot hold them. RFC 9051 section 9, CHAR8. */
  literal(octets: Buffer): void {
    this.#literal('', octets.includes(0) ? withoutNuls(octets) : octets)
  }

  /** A literal that may hold NULs. RFC 9051 section 4.3, literal8. */
  literal8(octets: Buffer): void {
    this.#literal(octets.includes(0) ? '~' : '', octets)
  }

  /** Whether it is time to `rest`. */
  get isFull(): boolean {
    return this.#octets + this.#filled + this.#text.length > PIECE_OCTETS
  }

  /** Sends what has gathered and waits for a slow client. @throws ConnectionEnded */
  async rest(): Promise<void> {
    this.end()
    this.#octets = 0
    await this.#session.connection.drained()
  }

  /** Sends what has gathered. */
  end(): void {
    if (this.#filled === 0) {
      if (this.#text !== '') this.#session.say(this.#text)
      this.#text = ''
      return
    }
    this.#settleText()
    this.#sendPiece()
  }

  #literal(prefix: string, octets: Buffer): void {
    this.#text += `${prefix}{${octets.length}}\r\n`
    const { connection } = this.#session
    for (const line of this.#text.split('\r\n')) if (line !== '') connection.record.line('out', line)
    this.#settleText()
    if (octets.length > COPY_OCTETS) {
      this.#sendPiece()
      connection.write(octets)
      this.#octets += octets.length
    } else this.#copy(octets.length, (piece, at) => octets.copy(piece, at))
  }

  #settleText(): void {
    const text = this.#text
    this.#text = ''
    if (text.length > COPY_OCTETS) {
      this.#sendPiece()
      this.#session.connection.write(Buffer.from(text, 'latin1'))
    } else this.#copy(text.length, (piece, at) => piece.write(text, at, 'latin1'))
  }

  #copy(octets: number, put: (piece: Buffer, at: number) => void): void {
    if (this.#filled + octets > PIECE_OCTETS) this.#sendPiece()
    this.#piece ??= Buffer.allocUnsafeSlow(PIECE_OCTETS)
    put(this.#piece, this.#filled)
    this.#filled += octets
  }

  #sendPiece(): void {
    if (!this.#piece || this.#filled === 0) return
    this.#session.connection.write(this.#piece.subarray(0, this.#filled))
    this.#octets += this.#filled
    // What is sent may be looked at until it is gone: the next piece is another one.
    this.#piece = undefined
    this.#filled = 0
  }
}

function withoutNuls(octets: Buffer): Buffer {
  const copy = Buffer.from(octets)
  for (let at = copy.indexOf(0); at !== -1; at = copy.indexOf(0, at + 1)) copy[at] = 0x80
  return copy
}
