import { needGreeting, type SmtpCommand } from '../command.ts'
import { badSequence, checkAscii, SmtpError } from '../errors.ts'
import { checkParameters, rcptParameters } from '../parameters.ts'
import { type ParsedPath, parsePath } from '../path.ts'
import { resolveRecipient } from '../recipients.ts'
import type { SmtpSession } from '../session.ts'
import type { Recipient, Transaction } from '../transaction.ts'

const TO = /^TO\s*:/i

/** RCPT TO:<forward-path> [parameters]: one more recipient. RFC 5321 section 4.1.1.3. */
export const rcpt: SmtpCommand = {
  name: 'RCPT',
  run(session, argument) {
    needGreeting(session)
    const path = TO.test(argument) ? parsePath(argument.slice(argument.indexOf(':') + 1)) : undefined
    if (!path || path.address === '') throw new SmtpError(501, '5.1.3', 'Error: Bad recipient address syntax')
    checkParameters(path, rcptParameters)
    const { transaction } = session
    if (!transaction) throw badSequence('Error: need MAIL command')
    checkCount(session, transaction, path.address)
    checkAscii(path.address, transaction.smtpUtf8)
    transaction.add(recipientOf(session, path))
    session.reply(250, '2.1.5', 'Accepted')
  },
}

/** RFC 5321 section 4.5.3.1.10. */
function checkCount({ context }: SmtpSession, transaction: Transaction, address: string): void {
  if (transaction.recipientCount >= context.config.limits.recipients && !transaction.has(address)) {
    throw new SmtpError(452, '4.5.3', 'Error: too many recipients')
  }
}

/** @throws SmtpError where nobody takes it */
function recipientOf({ context }: SmtpSession, { address, args: { NOTIFY, ORCPT } }: ParsedPath): Recipient {
  return {
    address,
    destination: resolveRecipient(context, address),
    ...(typeof NOTIFY === 'string' && { notify: NOTIFY.toUpperCase().split(',') }),
    ...(typeof ORCPT === 'string' && { originalRecipient: ORCPT }),
  }
}
