import { noArgument, type SmtpCommand } from '../command.ts'

/** RSET: the transaction is given up. RFC 5321 section 4.1.1.5. */
export const rset: SmtpCommand = {
  name: 'RSET',
  run(session, argument) {
    noArgument('RSET', argument)
    session.transaction = undefined
    session.reply(250, '2.0.0', 'Flushed')
  },
}
