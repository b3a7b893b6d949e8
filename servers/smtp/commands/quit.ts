import { noArgument, type SmtpCommand } from '../command.ts'

/** QUIT. RFC 5321 section 4.1.1.10. */
export const quit: SmtpCommand = {
  name: 'QUIT',
  run(session, argument) {
    noArgument('QUIT', argument) // RFC 5321 section 4.1.1
    session.reply(221, '2.0.0', 'Bye')
    session.quit()
  },
}
