import type { Connection } from '../../src/net/connection.ts'
import type { Pop3Error } from './errors.ts'

/**
 * What a command answers: the text behind `+OK`, alone, above lines, or above a message (RFC 1939 section 3), or followed
 * by what changes the connection.
 */
export type Pop3Reply =
  | string
  | { readonly text: string; readonly afterwards: () => Promise<void> }
  | { readonly text: string; readonly lines: Iterable<string> }
  | { readonly text: string; readonly message: Buffer | AsyncIterable<Buffer> }

/** Lines of a long list that are sent before waiting for a slow client. */
const LINES_AT_ONCE = 512

/** Of what needs no waiting no promise is made. */
export function sendReply(connection: Connection, reply: Pop3Reply): void | Promise<void> {
  if (typeof reply === 'string') return connection.write(`+OK ${reply}\r\n`)
  connection.write(`+OK ${reply.text}\r\n`)
  if ('afterwards' in reply) return reply.afterwards()
  if ('lines' in reply) return sendLines(connection, reply.lines)
  if (Buffer.isBuffer(reply.message)) return connection.writeBlock(reply.message)
  return sendPieces(connection, reply.message)
}

/** A message that cannot be read to its end must not look whole, nor run into a reply: the connection is closed. */
async function sendPieces(connection: Connection, pieces: AsyncIterable<Buffer>): Promise<void> {
  try {
    await connection.streamBlock(pieces)
  } catch (error) {
    connection.destroy()
    throw error
  }
}

async function sendLines(connection: Connection, lines: Iterable<string>): Promise<void> {
  let sent = 0
  for (const line of lines) {
    connection.write(`${line}\r\n`)
    if (++sent % LINES_AT_ONCE === 0) await connection.drained()
  }
  connection.write('.\r\n')
}

export function sendError(connection: Connection, { message, code }: Pop3Error): void {
  connection.write(code ? `-ERR [${code}] ${message}\r\n` : `-ERR ${message}\r\n`)
}
