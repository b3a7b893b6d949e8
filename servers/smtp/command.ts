import { badSequence, SmtpError } from './errors.ts'
import type { SmtpSession } from './session.ts'
import type { Transaction } from './transaction.ts'

/** A row of the command table. @throws SmtpError what is answered */
export interface SmtpCommand {
  readonly name: string
  run(session: SmtpSession, argument: string): void | Promise<void>
  /** For what comes behind a command that the policy refuses: takes it in, then throws `refusal`. */
  refused?(session: SmtpSession, argument: string, refusal: SmtpError): Promise<void>
}

/** For commands that take no argument. RFC 5321 section 4.1.1. */
export function noArgument(name: string, argument: string): void {
  if (argument !== '') throw new SmtpError(501, '5.5.4', `${name} takes no argument`)
}

/** A session begins with EHLO or HELO. RFC 5321 section 4.1.4. */
export function needGreeting({ client }: SmtpSession): void {
  if (!client) throw badSequence('Error: send HELO/EHLO first')
}

/** The transaction, which has a recipient. RFC 5321 section 4.1.4. */
export function needRecipients({ transaction }: SmtpSession): Transaction {
  if (!transaction || transaction.recipientCount === 0) throw badSequence('RCPT comes first')
  return transaction
}
