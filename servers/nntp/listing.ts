import type { Connection } from '../../src/net/connection.ts'

/** Characters gathered before they are handed on. */
const PIECE_CHARS = 32 * 1024

/**
 * The lines of a long multi-line answer: gathered into pieces, held back while the client is slow, so that memory stays
 * bounded however long the answer is. RFC 3977 section 3.1.1.
 */
export class Listing {
  readonly #connection: Connection
  readonly #encoding: 'latin1' | 'utf8'
  #text = ''

  /** @param encoding `latin1` for octet strings (header values), `utf8` for text */
  constructor(connection: Connection, encoding: 'latin1' | 'utf8') {
    this.#connection = connection
    this.#encoding = encoding
  }

  line(text: string): void {
    this.#text += text.startsWith('.') ? `.${text}\r\n` : `${text}\r\n`
  }

  /** A number, and what follows on its line, line end included: no dot can be in front. */
  numbered(number: number, rest: string): void {
    this.#text += number + rest
  }

  /** Call it now and then, between lines. @throws ConnectionEnded */
  async pause(): Promise<void> {
    if (this.#text.length < PIECE_CHARS) return
    this.#write()
    await this.#connection.drained()
  }

  end(): void {
    this.#text += '.\r\n'
    this.#write()
  }

  #write(): void {
    this.#connection.write(Buffer.from(this.#text, this.#encoding))
    this.#text = ''
  }
}
