import { MemoryLimitReached, type MemoryReservation } from '../../../src/core/octets/memory-budget.ts'
import type { ReceivedOctets } from '../../../src/core/octets/received-octets.ts'
import type { OctetString } from '../../../src/mail/format/types.ts'
import type { Connection } from '../../../src/net/connection.ts'
import { TooLong } from '../../../src/net/errors.ts'
import { bad, bye, type ImapError } from '../reply.ts'
import { Cursor, type Literal } from './cursor.ts'

/** Limits on one line, and on the text of one command, which includes literals up to the length of a line. */
const MAX_LINE_OCTETS = 64 * 1024
const MAX_COMMAND_OCTETS = 512 * 1024
/** Text that is part of the memory of a connection, so that sessions go on at the memory limit. */
const UNCOUNTED_OCTETS = 8 * 1024
/** A refused literal that the client sends anyway (`{n+}`) is read and discarded. A larger one ends the connection. */
const MAX_DISCARDED_OCTETS = 256 * 1024 * 1024

const HEAD = /^([^(){ \x00-\x1f\x7f-\xff%*"\\+]+) ((?:UID )?[^(){ \x00-\x1f\x7f-\xff%*"\\]+)/i
/** The tag of a line whose command cannot be read. RFC 9051 section 9, `tag` */
const TAG = /^([^(){ \x00-\x1f\x7f-\xff%*"\\+]+) /
/** A count of any length: a count that is not recognized would turn the literal's content into commands. */
const LITERAL_AHEAD = /(~?)\{(\d+)(\+?)\}$/

/** A complete command. */
export interface Request {
  readonly tag: string
  /** In capitals, with the prefix of `UID FETCH`. */
  readonly name: string
  /** Starts after the name. */
  readonly cursor: Cursor
}

/** A literal that the client has announced. */
export interface LiteralAhead {
  readonly name: string
  readonly octets: number
  /** Octets of the command's earlier literals. */
  readonly before: number
  /** Whether a refusal saves sending or keeping it. A short literal that is sent in any case (`{n+}`) is not worth an early check. */
  readonly isSaved: boolean
  /** The command up to the literal, after the name. */
  readonly cursor: Cursor
}

/** The end of a line that announces a literal; null if it announces none. */
type Ahead = RegExpExecArray | null

/** Checks a literal before it is read. Returns its refusal, or undefined to accept it. */
type LiteralGate = (ahead: LiteralAhead) => ImapError | undefined | Promise<ImapError | undefined>

/** A command of which more is expected. */
interface PartialCommand {
  readonly texts: OctetString[]
  readonly literals: Literal[]
  /** Octets of its lines, and of literals up to the length of a line. */
  octets: number
}

/** Reads a line. Ends the session if it is too long and announces a literal: that would be read as commands. RFC 7888 section 4. */
function readingLine<T>(read: () => T | Promise<T>): T | Promise<T> {
  try {
    const line = read()
    return line instanceof Promise ? line.catch(failLine) : line
  } catch (error) {
    return failLine(error)
  }
}

function failLine(error: unknown): never {
  const isSent = error instanceof TooLong && /\d\+\}$/.test(error.lineTail)
  throw isSent ? bye('Line too long.', 'TOOBIG') : error
}

/** Reads commands with their literals. RFC 9051 sections 2.2.1 and 4.3; RFC 7888. */
export class CommandReader {
  readonly #connection: Connection
  readonly #gate: LiteralGate
  /** The tag of the current command, `*` until it has been read. */
  tag = '*'
  /** The name of the current command in capitals, '' until it has been read. */
  name = ''
  /** Why the command is refused: its errors, or those of memory and disk. */
  #refusal: Error | undefined
  #literalOctets = 0
  /** The messages of the current command. */
  readonly #messages: ReceivedOctets[] = []
  /** The memory of the current command's text. */
  readonly #memory: MemoryReservation
  #textOctets = 0

  constructor(connection: Connection, gate: LiteralGate) {
    this.#connection = connection
    this.#gate = gate
    this.#memory = connection.memory.reservation('messages')
  }

  /** Releases the memory and the files of the current command. */
  release(): void {
    this.#textOctets = 0
    for (let message = this.#messages.pop(); message; message = this.#messages.pop()) message[Symbol.dispose]()
    this.#memory.release()
  }

  /**
   * Takes the next command, and releases the one before. Returns a promise only if something has to be awaited. Undefined:
   * nothing of it has arrived, and it is taken again after `Connection.onMore`.
   * @throws ImapError for a malformed or refused command, which has been read to its end
   * @throws MemoryLimitReached, SpoolError for a command that cannot be kept and has been read to its end
   * @throws TooLong ConnectionEnded
   */
  take(): Request | Promise<Request> | undefined {
    this.#begin()
    const line = readingLine(() => this.#connection.takeLine(MAX_LINE_OCTETS, 'latin1'))
    if (line === undefined) return undefined
    return line instanceof Promise ? this.#readFrom(line) : this.#read(line)
  }

  /** Reads the next command as `take` does, and waits for it. */
  next(): Promise<Request> {
    this.#begin()
    return this.#readFrom(this.#readLine())
  }

  async #readFrom(line: OctetString | Promise<OctetString | undefined>): Promise<Request> {
    return this.#read((await line) ?? (await this.#readLine()))
  }

  #begin(): void {
    this.release()
    this.tag = '*'
    this.name = ''
    this.#refusal = undefined
    this.#literalOctets = 0
  }

  #readLine(): OctetString | Promise<OctetString> {
    return readingLine(() => this.#connection.readLine(MAX_LINE_OCTETS, 'latin1', this.#isSecret()))
  }

  /** Reads a command from its first line on. */
  #read(line: OctetString): Request | Promise<Request> {
    const command: PartialCommand = { texts: [], literals: [], octets: 0 }
    let ahead = this.#addLine(command, line, true)
    while (ahead) {
      const next = this.#readOn(command, ahead)
      if (next instanceof Promise) return this.#readRest(command, next)
      ahead = next
    }
    return this.#complete(command)
  }

  /** Reads the rest of a command of which not everything has arrived. */
  async #readRest(command: PartialCommand, waiting: Promise<Ahead>): Promise<Request> {
    for (let ahead = await waiting; ahead; ) {
      const next = this.#readOn(command, ahead)
      ahead = next instanceof Promise ? await next : next
    }
    return this.#complete(command)
  }

  /** Reads a literal, and the line after it. Returns the literal that this line announces. */
  #readOn(command: PartialCommand, ahead: RegExpExecArray): Ahead | Promise<Ahead> {
    const size = Number(ahead[2])
    const isSent = ahead[3] === '+'
    const read = (): Ahead | Promise<Ahead> => {
      const literal = this.#readLiteral(size, ahead[1] === '~', isSent)
      return literal instanceof Promise
        ? literal.then((content) => this.#addLiteral(command, size, content))
        : this.#addLiteral(command, size, literal)
    }
    const passing = this.#passGate(size, isSent, new Cursor(command))
    return passing ? passing.then(read) : read()
  }

  #addLiteral(command: PartialCommand, size: number, literal: Literal | undefined): Ahead | Promise<Ahead> {
    if (literal) command.literals.push(literal)
    // Longer literals are messages, which have their own limit.
    if (size <= MAX_LINE_OCTETS) command.octets += size
    const line = this.#readLine()
    return line instanceof Promise
      ? line.then((text) => this.#addLine(command, text, false))
      : this.#addLine(command, line, false)
  }

  /** Adds a line to a command. Returns the literal that it announces. */
  #addLine(command: PartialCommand, line: OctetString, isFirst: boolean): Ahead {
    command.octets += line.length
    const ahead = line.endsWith('}') ? LITERAL_AHEAD.exec(line) : null
    const text = ahead ? line.slice(0, ahead.index) : line
    const rest = isFirst ? this.#readHead(text) : text
    if (command.octets > MAX_COMMAND_OCTETS) this.#refusal ??= bad('Command too long.', 'TOOBIG')
    // A refused command is read to its end, but not kept in memory.
    if (!this.#refusal && this.#reserve(rest.length)) command.texts.push(rest)
    return ahead
  }

  #complete(command: PartialCommand): Request {
    if (this.#refusal) throw this.#refusal
    return { tag: this.tag, name: this.name, cursor: new Cursor(command) }
  }

  /** Returns whether the next line is secret: later lines of LOGIN contain the password. */
  #isSecret(): boolean {
    return this.name === 'LOGIN'
  }

  #readHead(text: OctetString): OctetString {
    const head = HEAD.exec(text)
    if (!head) {
      // A lone word is not repeated as a tag, because it may be a password.
      this.tag = TAG.exec(text)?.[1] ?? '*'
      this.#refusal = bad('Missing tag or command.')
      return text
    }
    this.tag = head[1] as string
    this.name = (head[2] as string).toUpperCase()
    return text.slice(head[0].length)
  }

  /** Has a literal checked before it is read. */
  #passGate(octets: number, isSent: boolean, cursor: Cursor): Promise<void> | undefined {
    const before = this.#literalOctets
    this.#literalOctets += octets
    if (this.#refusal) return undefined
    const isSaved = !isSent || octets > MAX_LINE_OCTETS
    const checking = this.#gate({ name: this.name, octets, before, isSaved, cursor })
    if (checking instanceof Promise) {
      return checking.then((refusal) => {
        this.#refusal = refusal
      })
    }
    this.#refusal = checking
    return undefined
  }

  #readLiteral(size: number, binary: boolean, isSent: boolean): Literal | Promise<Literal | undefined> | undefined {
    if (!isSent) {
      // The refusal replaces the continuation, so the client does not send the literal. RFC 9051 section 4.3
      if (this.#refusal) throw this.#refusal
      this.#connection.write('+ OK\r\n')
    }
    if (this.#refusal) return this.#discard(size)
    if (size > MAX_LINE_OCTETS) return this.#receive(size, binary)
    if (!this.#reserve(size)) return this.#discard(size)
    const whole = (content: Buffer): Literal => ({ content, hasNul: content.includes(0), binary })
    const reading = this.#connection.content.readOctets(size)
    return reading instanceof Promise ? reading.then(whole) : whole(reading)
  }

  async #receive(size: number, binary: boolean): Promise<Literal | undefined> {
    const content = this.#connection.content.receive()
    this.#messages.push(content)
    let hasNul = false
    await this.#connection.content.receiveOctets(size, content, (piece) => {
      hasNul ||= piece.includes(0)
      return piece
    })
    try {
      await content.end()
      return { content, hasNul, binary }
    } catch (error) {
      this.#refuse(error as Error)
      return undefined
    }
  }

  /** Reserves memory for a part of the command's text. If no memory is left, the rest of the command is read and discarded. */
  #reserve(octets: number): boolean {
    this.#textOctets += octets
    if (this.#textOctets <= UNCOUNTED_OCTETS || this.#memory.tryGrow(octets)) return true
    this.#refuse(new MemoryLimitReached())
    return false
  }

  #refuse(refusal: Error): void {
    this.#refusal = refusal
    this.release()
  }

  async #discard(size: number): Promise<undefined> {
    if (size > MAX_DISCARDED_OCTETS) throw bye('Literal too long.', 'TOOBIG')
    await this.#connection.content.discardOctets(size)
    return undefined
  }
}
