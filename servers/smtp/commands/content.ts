import type { ReceivedOctets } from '../../../src/core/octets/received-octets.ts'
import { TooLong } from '../../../src/net/errors.ts'
import { needGreeting, needRecipients, noArgument, type SmtpCommand, type SmtpSession } from '../command.ts'
import { receive } from '../receive.ts'
import { badSequence, malformedChunk, type SmtpError, tooLarge } from '../reply.ts'

/** DATA: the message, up to a line with a single dot. RFC 5321 section 4.1.1.4. */
export const data: SmtpCommand = {
  name: 'DATA',
  async run(session, argument) {
    noArgument('DATA', argument)
    needGreeting(session)
    const transaction = needRecipients(session)
    if (transaction.isBinary) throw badSequence('Error: BODY=BINARYMIME needs BDAT') // RFC 3030 section 3
    session.reply(354, '', 'End data with <CR><LF>.<CR><LF>')
    let message: ReceivedOctets | undefined
    try {
      const { messageSize } = session.context.config.limits
      // The limit does not count stuffed dots. RFC 1870 section 5
      message = await session.connection.content.receiveBlock(messageSize, transaction.lineEnds.normalize)
      await receive(session, transaction, message)
    } catch (error) {
      throw error instanceof TooLong ? tooLarge(error.limitOctets) : error
    } finally {
      // Not `using`: its compiled helpers would run for every message.
      message?.[Symbol.dispose]()
      session.endTransaction()
    }
  },
}

interface Chunk {
  readonly octets: number
  readonly last: boolean
}

/** BDAT size [LAST]: the message in counted chunks. RFC 3030 section 2. */
export const bdat: SmtpCommand = {
  name: 'BDAT',
  async run(session, argument) {
    const chunk = parseChunk(argument)
    const { transaction } = session
    if (!transaction || transaction.recipientCount === 0) {
      return refuse(session, chunk, badSequence('Error: need RCPT command'))
    }
    const { messageSize } = session.context.config.limits
    const received = transaction.chunks ?? session.connection.content.receive()
    transaction.chunks = received
    if (received.octets + chunk.octets > messageSize) return refuse(session, chunk, tooLarge(messageSize))
    // RFC 3030 section 3: a binary message is not made of lines, so that each octet is kept.
    const convert = transaction.isBinary ? undefined : transaction.lineEnds.normalize
    await session.connection.content.receiveOctets(chunk.octets, received, convert)
    if (!chunk.last) {
      if (received.hasFailed) session.transaction = undefined
      received.check()
      return session.reply(250, '2.0.0', `${chunk.octets} octets received`)
    }
    try {
      await received.end()
      await receive(session, transaction, received)
    } finally {
      session.endTransaction()
    }
  },

  refused: (session, argument, refusal) => discard(session, parseChunk(argument), refusal),
}

/** Refuses a chunk and ends the transaction, so that later chunks of the message are refused, too. */
function refuse(session: SmtpSession, chunk: Chunk, refusal: SmtpError): Promise<never> {
  session.transaction = undefined
  return discard(session, chunk, refusal)
}

/** Reads and drops a refused chunk, which the client sends anyway. */
async function discard({ connection }: SmtpSession, { octets }: Chunk, refusal: SmtpError): Promise<never> {
  await connection.content.discardOctets(octets)
  throw refusal
}

function parseChunk(argument: string): Chunk {
  const match = /^(\d{1,15})(?: (LAST))?$/i.exec(argument)
  if (!match) throw malformedChunk()
  return { octets: Number(match[1]), last: match[2] !== undefined }
}
