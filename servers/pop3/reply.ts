import { isPrintable } from '../../src/core/text/printable.ts'
import type { Connection } from '../../src/net/connection.ts'

/** The response codes of `-ERR`, which programs read, and which are recorded as refusals. RFC 2449 section 8, RFC 3206. */
const codes = ['AUTH', 'IN-USE', 'LOGIN-DELAY', 'SYS/TEMP', 'SYS/PERM'] as const
type ResponseCode = (typeof codes)[number]

const REFUSALS: ReadonlySet<string | undefined> = new Set(codes)

/** The one error type of POP3 sessions: an `-ERR` reply with this message as its text. */
export class Pop3Error extends Error {
  override readonly name = 'Pop3Error'
  readonly code: ResponseCode | undefined
  /** Whether the record of the session lists it as a refusal. Default: whether it has a code. */
  readonly isRefusal: boolean
  constructor(message: string, code?: ResponseCode, options: ErrorOptions & { readonly isRefusal?: boolean } = {}) {
    super(message, options)
    this.code = code
    this.isRefusal = options.isRefusal ?? REFUSALS.has(code)
  }
}

/**
 * The reply of a command: the text after `+OK`, alone or followed by lines, by a message (RFC 1939 section 3), or by a
 * change of the connection, such as TLS.
 */
export type Pop3Reply =
  | string
  | { readonly text: string; readonly afterwards: () => Promise<void> }
  | { readonly text: string; readonly lines: Iterable<string> }
  | { readonly text: string; readonly message: Buffer | AsyncIterable<Buffer> }

/** Sends a reply. Returns synchronously when nothing has to be awaited. */
export function sendReply(connection: Connection, reply: Pop3Reply): void | Promise<void> {
  if (typeof reply === 'string') return writeLine(connection, reply === '' ? '+OK' : `+OK ${reply}`)
  writeLine(connection, reply.text === '' ? '+OK' : `+OK ${reply.text}`)
  if ('afterwards' in reply) return reply.afterwards()
  if ('lines' in reply) return sendLines(connection, reply.lines)
  if (Buffer.isBuffer(reply.message)) return connection.writeBlock(reply.message)
  return connection.streamBlock(reply.message)
}

export function sendError(connection: Connection, { message, code }: Pop3Error): void {
  writeLine(connection, code ? `-ERR [${code}] ${message}` : `-ERR ${message}`)
}

/** Writes one line. Replaces all but printable ASCII, so that a quoted text cannot start another line. RFC 1939 section 3. */
function writeLine(connection: Connection, line: string): void {
  connection.write(`${isPrintable(line) ? line : line.replace(/[^\x20-\x7e]/gu, '?')}\r\n`)
}

/** How many lines of a long list are written before waiting for a slow client. */
const LINES_PER_WAIT = 512

async function sendLines(connection: Connection, lines: Iterable<string>): Promise<void> {
  let sent = 0
  for (const line of lines) {
    connection.write(`${line}\r\n`)
    if (++sent % LINES_PER_WAIT === 0) await connection.drained()
  }
  connection.write('.\r\n')
}
