import type { SmtpCommand } from '../command.ts'
import { badSequence, SmtpError, tooLarge } from '../errors.ts'
import { receive, traceOf } from '../receive.ts'
import type { SmtpSession } from '../session.ts'

interface Chunk {
  readonly octets: number
  readonly last: boolean
}

/** Small chunks are put together now and then, else they take more memory than their octets. */
const MANY_CHUNKS = 4096

/** BDAT size [LAST]: the message in counted chunks. RFC 3030 section 2. */
export const bdat = {
  name: 'BDAT',
  async run(session, argument) {
    const chunk = parse(argument)
    const { envelope } = session.session
    const { messageSize } = session.context.config.limits
    if (envelope.rcptTo.length === 0) return refuse(session, chunk, badSequence('RCPT comes first'))
    if (session.chunkOctets + chunk.octets > messageSize) return refuse(session, chunk, tooLarge(messageSize))
    for await (const part of session.connection.streamOctets(chunk.octets)) session.chunks.push(part)
    session.chunkOctets += chunk.octets
    if (session.chunks.length > MANY_CHUNKS) session.chunks = [Buffer.concat(session.chunks)]
    if (!chunk.last) return session.reply(250, '2.0.0', `${chunk.octets} octets received`)
    try {
      const trace = traceOf(session)
      await receive(session, Buffer.concat([trace, ...session.chunks]), trace.length)
    } finally {
      session.endTransaction()
    }
  },

  /** Reads the chunk of a command that was refused, and forgets it. */
  async drop(session: SmtpSession, argument: string): Promise<void> {
    for await (const _ of session.connection.streamOctets(parse(argument).octets));
  },
} satisfies SmtpCommand & Record<'drop', unknown>

/** The chunk is read all the same; later ones of the message will be refused for want of a transaction. */
async function refuse(session: SmtpSession, chunk: Chunk, error: SmtpError): Promise<never> {
  for await (const _ of session.connection.streamOctets(chunk.octets));
  session._resetSession()
  throw error
}

function parse(argument: string): Chunk {
  const match = /^(\d{1,15})(?: (LAST))?$/i.exec(argument.trim())
  // How many octets follow is not known then: taking them for commands would be worse than parting.
  if (!match) throw new SmtpError(421, '4.5.4', 'write BDAT size [LAST]; what follows cannot be told from commands')
  return { octets: Number(match[1]), last: match[2] !== undefined }
}
