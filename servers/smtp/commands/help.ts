import type { SmtpCommand } from '../command.ts'

/** HELP. RFC 5321 section 4.1.1.8. */
export const help: SmtpCommand = {
  name: 'HELP',
  run(session) {
    session.reply(214, '2.0.0', [
      'Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY HELP AUTH STARTTLS',
      'RFC 5321 has the details',
    ])
  },
}
