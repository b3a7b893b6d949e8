import type { OctetString } from '../../../src/mail/types.ts'
import type { Session } from '../session.ts'

/** Octets said before the client is given time to take them. */
const PIECE_OCTETS = 64 * 1024

/** Puts FETCH responses together: short texts joined, long literals as they are. */
export class FetchWriter {
  readonly #session: Session
  #text = ''
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

  #literal(prefix: string, octets: Buffer): void {
    this.#text += `${prefix}{${octets.length}}\r\n`
    this.#send()
    this.#session.connection.write(octets)
    this.#octets += octets.length
  }

  /** Whether it is time to `rest`. */
  get isFull(): boolean {
    return this.#octets + this.#text.length > PIECE_OCTETS
  }

  /** Sends what has gathered and waits for a slow client. @throws ConnectionEnded */
  async rest(): Promise<void> {
    this.end()
    this.#octets = 0
    await this.#session.connection.drained()
  }

  end(): void {
    this.#send()
  }

  #send(): void {
    if (this.#text === '') return
    this.#octets += this.#text.length
    this.#session.say(this.#text)
    this.#text = ''
  }
}

function withoutNuls(octets: Buffer): Buffer {
  const copy = Buffer.from(octets)
  for (let at = copy.indexOf(0); at !== -1; at = copy.indexOf(0, at + 1)) copy[at] = 0x80
  return copy
}
