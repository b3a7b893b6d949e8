import { isPrintable } from '../../src/core/text/printable.ts'
import type { Connection } from '../../src/net/connection.ts'

/** The error codes that session records show as refusals: of log-ons, of commands without one or without TLS, of articles. */
const REFUSALS: ReadonlySet<number> = new Set([403, 436, 437, 440, 441, 480, 481, 483])

/** The one error type of NNTP sessions: a response code and its text. */
export class NntpError extends Error {
  override readonly name = 'NntpError'
  readonly code: number
  /** Whether the record of the session lists it as a refusal. */
  readonly isRefusal: boolean
  constructor(code: number, text: string, isRefusal = REFUSALS.has(code)) {
    super(text)
    this.code = code
    this.isRefusal = isRefusal
  }
}

// Errors of several commands. RFC 3977 section 3.2.1 and appendix C.
export const syntaxError = (text = 'Syntax error'): NntpError => new NntpError(501, text)
export const noGroupSelected = (): NntpError => new NntpError(412, 'No newsgroup selected')
export const noSuchGroup = (): NntpError => new NntpError(411, 'No such newsgroup')
export const noCurrentArticle = (): NntpError => new NntpError(420, 'Current article number is invalid')
export const noArticleWithNumber = (): NntpError => new NntpError(423, 'No article with that number')
export const noArticleInRange = (): NntpError => new NntpError(423, 'No articles in that range')
export const noArticleWithId = (): NntpError => new NntpError(430, 'No article with that message-id')
export const authenticationRequired = (): NntpError => new NntpError(480, 'Authentication required')

const CONTROLS = /[\x00-\x1f\x7f-\x9f]+/g
/** The longest text. With the code and CRLF it fits a line of 512 octets. RFC 3977 section 3.1. */
const MAX_TEXT_OCTETS = 500
/** A UTF-16 unit has at most three octets in UTF-8. */
const SHORT_CHARS = Math.floor(MAX_TEXT_OCTETS / 3)

/** Returns a response line. Replaces control characters by spaces, so that a quoted text cannot start another line. */
export function responseLine(code: number, text: string): string {
  const clean = isPrintable(text) ? text : text.replace(CONTROLS, ' ')
  return `${code} ${clean.length > SHORT_CHARS ? cut(clean) : clean}\r\n`
}

/** Cuts a text to the octets that fit into a line, between two characters. */
function cut(text: string): string {
  if (Buffer.byteLength(text) <= MAX_TEXT_OCTETS) return text
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MAX_TEXT_OCTETS))
  return text.slice(0, read)
}

/** Returns a multi-line block with its final dot; lines that start with a dot get a second one. RFC 3977 section 3.1.1. */
export const block = (lines: readonly string[]): string => `${lines.map(blockLine).join('')}.\r\n`

function blockLine(text: string): string {
  // Descriptions come from configuration files and control messages and may hold line ends.
  const clean = LINE_END.test(text) ? text.replace(LINE_ENDS, ' ') : text
  return clean.startsWith('.') ? `.${clean}\r\n` : `${clean}\r\n`
}

const LINE_END = /[\r\n\0]/
const LINE_ENDS = /[\r\n\0]+/g

/** How many characters a listing collects before it writes them. */
const CHUNK_CHARS = 32 * 1024

/**
 * Writes the lines of a long multi-line reply in chunks, and waits for a slow client, so that a long reply does not fill
 * the memory. RFC 3977 section 3.1.1.
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
    this.#text += blockLine(text)
  }

  /** Adds a line that starts with a number. `rest` includes the line end and is written as it is: this is the hot path of OVER. */
  numbered(number: number, rest: string): void {
    this.#text += number + rest
  }

  /** Writes a full chunk and waits for a slow client. Call it every few hundred lines. @throws ConnectionEnded */
  async pause(): Promise<void> {
    if (this.#text.length < CHUNK_CHARS) return
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
