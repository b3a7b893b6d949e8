import type { OctetString } from '../../../src/mail/types.ts'
import type { Connection } from '../../../src/net/connection.ts'
import { bad, type ImapError } from '../reply.ts'
import { Cursor, type Literal } from './cursor.ts'

/** The longest line, and the most text of one command, literals that are no messages included. */
const MAX_LINE_OCTETS = 64 * 1024
const MAX_COMMAND_OCTETS = 512 * 1024
/** What is refused but on its way already (`{n+}`) is read and dropped up to here; beyond, the connection ends. */
const MAX_DROPPED_OCTETS = 256 * 1024 * 1024

const HEAD = /^([^(){ \x00-\x1f\x7f-\xff%*"\\+]+) ((?:UID )?[^(){ \x00-\x1f\x7f-\xff%*"\\]+)/i
const LITERAL_AHEAD = /(~?)\{(\d{1,10})(\+?)\}$/

export interface Request {
  readonly tag: string
  /** In upper case, `UID FETCH` with its prefix. */
  readonly name: string
  /** Behind the name. */
  readonly cursor: Cursor
}

/** A literal that is announced. */
export interface LiteralAhead {
  readonly name: string
  readonly octets: number
  /** Octets of the command's literals before it. */
  readonly before: number
  /** Over what was read so far, behind the name. */
  readonly cursor: Cursor
}

/** What the session says of a literal before it is taken: its refusal, or nothing. */
export type LiteralGate = (ahead: LiteralAhead) => Promise<ImapError | undefined>

/** Reads whole commands, their literals included. RFC 9051 sections 2.2.1 and 4.3; RFC 7888. */
export class CommandReader {
  readonly #connection: Connection
  readonly #gate: LiteralGate
  /** The tag of the command being read, `*` until it is known. */
  tag = '*'
  #name = ''
  #refusal: ImapError | undefined
  #literalOctets = 0

  constructor(connection: Connection, gate: LiteralGate) {
    this.#connection = connection
    this.#gate = gate
  }

  /**
   * The next command.
   * @throws ImapError what is no command, or a literal that is not taken; the next read starts behind it
   * @throws TooLong ConnectionEnded
   */
  async next(): Promise<Request> {
    this.tag = '*'
    this.#name = ''
    this.#refusal = undefined
    this.#literalOctets = 0
    const texts: OctetString[] = []
    const literals: Literal[] = []
    let octets = 0
    let isFirst = true
    for (;;) {
      const line = await this.#connection.readLine(MAX_LINE_OCTETS, 'latin1', this.#isSecret())
      octets += line.length
      const ahead = LITERAL_AHEAD.exec(line)
      const text = ahead ? line.slice(0, ahead.index) : line
      const behind = isFirst ? this.#readHead(text) : text
      isFirst = false
      if (octets > MAX_COMMAND_OCTETS) this.#refusal ??= bad('command too long', 'TOOBIG')
      // What is refused is read to its end, however long, and not held.
      if (!this.#refusal) texts.push(behind)
      if (!ahead) break
      const size = Number(ahead[2])
      await this.#passGate(size, new Cursor({ texts, literals }))
      const literal = await this.#readLiteral(size, ahead[1] === '~', ahead[3] === '+')
      if (literal) literals.push(literal)
      // Messages have a limit of their own.
      if (size <= MAX_LINE_OCTETS) octets += size
    }
    if (this.#refusal) throw this.#refusal
    return { tag: this.tag, name: this.#name, cursor: new Cursor({ texts, literals }) }
  }

  /** Lines of LOGIN after a literal hold the password. */
  #isSecret(): boolean {
    return this.#name === 'LOGIN'
  }

  #readHead(text: OctetString): OctetString {
    const head = HEAD.exec(text)
    if (!head) {
      this.tag = /^[^(){ \x00-\x1f\x7f-\xff%*"\\+]+(?= |$)/.exec(text)?.[0] ?? '*'
      this.#refusal = bad(this.tag === '*' ? 'no tag' : 'no command behind the tag')
      return text
    }
    this.tag = head[1] as string
    this.#name = (head[2] as string).toUpperCase()
    return text.slice(head[0].length)
  }

  async #passGate(octets: number, cursor: Cursor): Promise<void> {
    this.#refusal ??= await this.#gate({ name: this.#name, octets, before: this.#literalOctets, cursor })
    this.#literalOctets += octets
  }

  async #readLiteral(size: number, binary: boolean, underway: boolean): Promise<Literal | undefined> {
    if (!underway) {
      // A refusal in place of the continuation: the client keeps its literal. RFC 9051 section 4.3.
      if (this.#refusal) throw this.#refusal
      this.#connection.write('+ OK\r\n')
    }
    if (this.#refusal) return this.#drop(size)
    return { octets: await this.#connection.readOctets(size), binary }
  }

  async #drop(size: number): Promise<undefined> {
    if (size > MAX_DROPPED_OCTETS) throw new LiteralFlood()
    for await (const _ of this.#connection.streamOctets(size));
    return undefined
  }
}

/** A refused literal too long to be read and dropped: the connection ends. */
export class LiteralFlood extends Error {
  override readonly name = 'LiteralFlood'
}
