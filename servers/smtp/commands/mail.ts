import { needGreeting, type SmtpCommand } from '../command.ts'
import { badSequence, checkAscii, SmtpError, tooLarge } from '../errors.ts'
import { checkParameters, mailParameters } from '../parameters.ts'
import { parsePath } from '../path.ts'
import { Transaction } from '../transaction.ts'

const FROM = /^FROM\s*:/i

/** MAIL FROM:<reverse-path> [parameters]: opens a transaction. RFC 5321 section 4.1.1.2. */
export const mail: SmtpCommand = {
  name: 'MAIL',
  run(session, argument) {
    session.checkMessageCount()
    needGreeting(session)
    const path = FROM.test(argument) ? parsePath(argument.slice(argument.indexOf(':') + 1)) : undefined
    if (!path) throw new SmtpError(501, '5.1.7', 'Error: Bad sender address syntax')
    checkParameters(path, mailParameters)
    if (session.transaction) throw badSequence('Error: nested MAIL command')
    const { messageSize } = session.context.config.limits
    if (Number(path.args.SIZE ?? 0) > messageSize) throw tooLarge(messageSize) // RFC 1870 section 6.1
    const smtpUtf8 = path.args.SMTPUTF8 === true
    checkAscii(path.address, smtpUtf8)
    const envelopeId = path.args.ENVID
    session.transaction = new Transaction(
      path.address,
      smtpUtf8,
      typeof envelopeId === 'string' ? envelopeId : undefined,
    )
    session.reply(250, '2.1.0', 'Accepted')
  },
}
