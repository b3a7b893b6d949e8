import type { SmtpCommand } from '../command.ts'

/** QUIT. RFC 5321 section 4.1.1.10. */
export const quit: SmtpCommand = {
  name: 'QUIT',
  run(session) {
    session.reply(221, '2.0.0', 'Bye')
    session.quit()
  },
}
