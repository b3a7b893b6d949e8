import type { Connection } from '../../src/net/connection.ts'
import { TooLong } from '../../src/net/errors.ts'
import { MAX_SASL_OCTETS } from '../logon.ts'
import { MAX_QUOTED_OCTETS, ManageSieveError } from './reply.ts'

/** A complete command. RFC 5804 section 4. */
export interface Request {
  /** In capitals. */
  readonly name: string
  readonly values: readonly (Buffer | number)[]
}

/** The values of a line so far. */
interface Partial {
  values: (Buffer | number)[]
  refusal: ManageSieveError | undefined
}

/** No command has more values than two: further ones are read, but not kept. */
const MAX_VALUES = 4
/** A larger literal ends the connection, because a refused one is read to its end. */
const MAX_DISCARDED_OCTETS = 64 * 1024 * 1024
/** Numbers have up to 10 digits. RFC 5804 section 4, `number` */
const VALUE = /"((?:[^"\\]|\\["\\])*)"|(\d{1,10})(?= |$)/y
/** A count of any length: a count that is not recognized would turn the content of the literal into commands. */
const LITERAL_AHEAD = /(^| )\{(\d+)\+\}$/

/** Reads commands with their literals. RFC 5804 sections 1.2 and 4. */
export class RequestReader {
  readonly #connection: Connection
  readonly #maxLiteral: (name: string) => number

  /** @param maxLiteral returns the largest literal of a command that is kept */
  constructor(connection: Connection, maxLiteral: (name: string) => number) {
    this.#connection = connection
    this.#maxLiteral = maxLiteral
  }

  /**
   * Takes the next command. Undefined: nothing of it has arrived, and it is taken again after `Connection.onMore`.
   * @throws ManageSieveError for a command that is malformed or has too large a literal; it has been read to its end
   * @throws TooLong, ConnectionEnded
   */
  take(): Request | Promise<Request> | undefined {
    const line = endingLiterals(() => this.#connection.takeLine(MAX_SASL_OCTETS, 'latin1'))
    if (line === undefined) return undefined
    return line instanceof Promise ? line.then((read) => this.#read(read ?? '')) : this.#read(line)
  }

  /** Reads a string on a line of its own: a response of SASL, which the transcript masks. RFC 5804 section 2.1. */
  async response(): Promise<string | undefined> {
    const { values, refusal } = await this.#readValues('', await this.#line(true), true)
    const [only] = values
    return refusal === undefined && values.length === 1 && Buffer.isBuffer(only) ? only.toString('latin1') : undefined
  }

  #read(line: string): Request | Promise<Request> {
    const space = line.indexOf(' ')
    const name = (space === -1 ? line : line.slice(0, space)).toUpperCase()
    const rest = space === -1 ? '' : line.slice(space + 1)
    const read = this.#readValues(name, rest, name === 'AUTHENTICATE')
    const request = ({ values, refusal }: Partial): Request => {
      if (refusal) throw refusal
      return { name, values }
    }
    return read instanceof Promise ? read.then(request) : request(read)
  }

  /** Reads the values of a line, and what follows its literal. */
  #readValues(name: string, line: string, isSecret: boolean): Partial | Promise<Partial> {
    const partial: Partial = { values: [], refusal: undefined }
    const octets = addValues(partial, line)
    return octets === undefined ? partial : this.#readLiterals(name, partial, octets, isSecret)
  }

  async #readLiterals(name: string, partial: Partial, octets: number, isSecret: boolean): Promise<Partial> {
    for (let ahead: number | undefined = octets; ahead !== undefined; ) {
      await this.#readLiteral(name, partial, ahead)
      const line = await this.#line(isSecret)
      if (line !== '' && !line.startsWith(' ')) partial.refusal ??= malformed()
      ahead = addValues(partial, line.slice(1))
    }
    return partial
  }

  async #readLiteral(name: string, partial: Partial, octets: number): Promise<void> {
    const { content } = this.#connection
    const most = this.#maxLiteral(name)
    if (octets > most)
      partial.refusal ??= new ManageSieveError(`The literal has more than ${most} octets.`, 'QUOTA/MAXSIZE')
    if (partial.values.length >= MAX_VALUES) partial.refusal ??= malformed()
    if (partial.refusal === undefined) partial.values.push(await content.readOctets(octets))
    else if (octets <= MAX_DISCARDED_OCTETS) await content.discardOctets(octets)
    else throw new ManageSieveError('The literal is too long.', 'QUOTA/MAXSIZE', { isLast: true })
  }

  async #line(isSecret: boolean): Promise<string> {
    return endingLiterals(() => this.#connection.readLine(MAX_SASL_OCTETS, 'latin1', isSecret))
  }
}

/** Adds the values of a line to those before. Returns the octets of the literal that it announces at its end. */
function addValues(partial: Partial, line: string): number | undefined {
  const ahead = LITERAL_AHEAD.exec(line)
  const text = ahead ? line.slice(0, ahead.index) : line
  for (let at = 0; at < text.length && partial.refusal === undefined; at++) {
    VALUE.lastIndex = at
    const found = VALUE.exec(text)
    at = VALUE.lastIndex
    // RFC 5804 section 4: one space between two values
    if (!found || (at < text.length && text[at] !== ' ')) partial.refusal = malformed()
    else if (partial.values.length >= MAX_VALUES) partial.refusal = malformed()
    else if (found[1] === undefined) partial.values.push(Number(found[2]))
    else partial.values.push(quoted(found[1], partial))
  }
  if (ahead === null && text.endsWith(' ')) partial.refusal ??= malformed()
  return ahead ? Number(ahead[2]) : undefined
}

function quoted(text: string, partial: Partial): Buffer {
  const octets = Buffer.from(text.replaceAll(/\\(.)/g, '$1'), 'latin1')
  // RFC 5804 section 4, `quoted`
  if (octets.length > MAX_QUOTED_OCTETS || octets.includes(0))
    partial.refusal = new ManageSieveError(
      `A quoted string has more than ${MAX_QUOTED_OCTETS} octets, or NUL; send a literal.`,
    )
  return octets
}

const malformed = (): ManageSieveError => new ManageSieveError('The command is malformed.')

/** Reads a line. Ends the session if it is too long and announces a literal, whose content would be read as commands. */
function endingLiterals<T>(read: () => T | Promise<T>): T | Promise<T> {
  try {
    const line = read()
    return line instanceof Promise ? line.catch(failLine) : line
  } catch (error) {
    return failLine(error)
  }
}

function failLine(error: unknown): never {
  const isFollowed = error instanceof TooLong && /\{\d+\+\}$/.test(error.lineTail)
  throw isFollowed ? new ManageSieveError('Line too long.', undefined, { isLast: true }) : error
}
