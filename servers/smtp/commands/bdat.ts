import type { SmtpCommand } from '../command.ts'
import { badSequence, SmtpError, tooLarge } from '../errors.ts'
import { receive } from '../receive.ts'
import type { SmtpSession } from '../session.ts'

interface Chunk {
  readonly octets: number
  readonly last: boolean
}

/** BDAT size [LAST]: the message in counted chunks. RFC 3030 section 2. */
export const bdat: SmtpCommand = {
  name: 'BDAT',
  async run(session, argument) {
    const chunk = parse(argument)
    const { transaction } = session
    if (!transaction || transaction.recipientCount === 0) return refuse(session, chunk, badSequence('RCPT comes first'))
    const { messageSize } = session.context.config.limits
    if (transaction.chunkOctets + chunk.octets > messageSize) return refuse(session, chunk, tooLarge(messageSize))
    transaction.inChunks = true
    for await (const part of session.connection.streamOctets(chunk.octets)) transaction.chunks.add(part)
    transaction.chunkOctets += chunk.octets
    if (!chunk.last) return session.reply(250, '2.0.0', `${chunk.octets} octets received`)
    try {
      await receive(session, transaction, transaction.chunks.pieces)
    } finally {
      session.endTransaction()
    }
  },

  refused: (session, argument, refusal) => drop(session, parse(argument), refusal),
}

/** Later chunks of the message will be refused for want of a transaction. */
function refuse(session: SmtpSession, chunk: Chunk, refusal: SmtpError): Promise<never> {
  session.transaction = undefined
  return drop(session, chunk, refusal)
}

/** The chunk comes all the same: it is read and forgotten. */
async function drop({ connection }: SmtpSession, { octets }: Chunk, refusal: SmtpError): Promise<never> {
  for await (const _ of connection.streamOctets(octets));
  throw refusal
}

function parse(argument: string): Chunk {
  const match = /^(\d{1,15})(?: (LAST))?$/i.exec(argument)
  // How many octets follow is not known then: taking them for commands would be worse than parting.
  if (!match) throw new SmtpError(421, '4.5.4', 'write BDAT size [LAST]; what follows cannot be told from commands')
  return { octets: Number(match[1]), last: match[2] !== undefined }
}
