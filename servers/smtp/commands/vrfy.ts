import type { SmtpCommand } from '../command.ts'
import { SmtpError } from '../errors.ts'

/** VRFY: tells nobody who has a mailbox. RFC 5321 sections 3.5.3 and 7.3. */
export const vrfy: SmtpCommand = {
  name: 'VRFY',
  run(session, argument) {
    if (argument === '') throw new SmtpError(501, '5.5.4', 'write VRFY address')
    session.reply(252, '2.5.2', 'Cannot VRFY, but send a message and see')
  },
}
