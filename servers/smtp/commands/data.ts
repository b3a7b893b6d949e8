import type { Pieces } from '../../../src/common/pieces.ts'
import { TooLong } from '../../../src/net/errors.ts'
import { needGreeting, needRecipients, noArgument, type SmtpCommand } from '../command.ts'
import { tooLarge } from '../errors.ts'
import { receive } from '../receive.ts'
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
      await receive(session, transaction, await readMessage(session))
    } finally {
      session.endTransaction()
    }
  },
}

async function readMessage({ connection, context }: SmtpSession): Promise<Pieces> {
  const { messageSize } = context.config.limits
  try {
    // The limit is for the message without the dots put in; at worst they are a fourth of what comes. RFC 1870 section 5
    return await connection.readBlockPieces(Math.ceil((messageSize * 4) / 3))
  } catch (error) {
    throw error instanceof TooLong ? tooLarge(messageSize) : error
  }
}
