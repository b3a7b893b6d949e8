import { TooLong } from '../../../src/net/errors.ts'
import { needGreeting, needRecipients, noArgument, type SmtpCommand } from '../command.ts'
import { tooLarge } from '../errors.ts'
import { receive, traceOf } from '../receive.ts'
import type { SmtpSession } from '../session.ts'

/** DATA: the message, up to the line with a single dot. RFC 5321 section 4.1.1.4. */
export const data: SmtpCommand = {
  name: 'DATA',
  async run(session, argument) {
    noArgument('DATA', argument)
    needGreeting(session)
    const transaction = needRecipients(session)
    session.reply(354, '', 'End data with <CR><LF>.<CR><LF>')
    try {
      const trace = traceOf(session, transaction)
      await receive(session, transaction, await readMessage(session, trace), trace.length)
    } finally {
      session.endTransaction()
    }
  },
}

async function readMessage({ connection, context }: SmtpSession, trace: Buffer): Promise<Buffer> {
  const { messageSize } = context.config.limits
  try {
    // The limit is for the message without the dots put in; at worst they are a fourth of what comes. RFC 1870 section 5
    return await connection.readBlock(Math.ceil((messageSize * 4) / 3), trace)
  } catch (error) {
    throw error instanceof TooLong ? tooLarge(messageSize) : error
  }
}
