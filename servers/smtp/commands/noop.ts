import type { SmtpCommand } from '../command.ts'

/** NOOP [string]. RFC 5321 section 4.1.1.9. */
export const noop: SmtpCommand = {
  name: 'NOOP',
  run(session) {
    session.reply(250, '2.0.0', 'OK')
  },
}
