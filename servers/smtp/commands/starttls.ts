import { noArgument, type SmtpCommand } from '../command.ts'
import { badSequence, SmtpError } from '../errors.ts'

/** STARTTLS: TLS from here on. What was said before, and what was sent behind the command, is forgotten. RFC 3207. */
export const starttls: SmtpCommand = {
  name: 'STARTTLS',
  async run(session, argument) {
    noArgument('STARTTLS', argument)
    const { connection } = session
    if (connection.tls) throw badSequence('the connection is under TLS already')
    if (!connection.canStartTls) throw new SmtpError(454, '4.7.0', 'TLS not available: no certificate is assigned')
    session.reply(220, '2.0.0', 'Ready to start TLS')
    await connection.startTls()
    session.forget()
  },
}
