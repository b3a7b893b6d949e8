import { parseOnDemand } from '../../../src/core/config/on-demand/parse.ts'
import { isPrintable } from '../../../src/core/text/printable.ts'
import { checkMailboxQuota } from '../../../src/transport/delivery/check-quota.ts'
import { resolveOnDemand } from '../../../src/transport/delivery/reports/on-demand/resolve.ts'
import { DeliveryError, type Recipient } from '../../../src/transport/delivery/types.ts'
import { needGreeting, noArgument, type SmtpCommand, type SmtpSession } from '../command.ts'
import {
  checkParameters,
  mailParameters,
  mailParametersOverTls,
  type ParsedPath,
  parsePath,
  rcptParameters,
} from '../path.ts'
import { badSequence, SmtpError, tooLargeError } from '../reply.ts'
import { Transaction } from '../transaction.ts'

const FROM = /^FROM\s*:/i
const TO = /^TO\s*:/i

/** MAIL FROM:<reverse-path> [parameters]: opens a transaction. RFC 5321 section 4.1.1.2. */
export const mail: SmtpCommand = {
  name: 'MAIL',
  run(session, argument) {
    session.checkMessageCount()
    needGreeting(session)
    const path = FROM.test(argument) ? parsePath(argument.slice(argument.indexOf(':') + 1)) : undefined
    if (!path) throw new SmtpError(501, '5.1.7', 'Error: Bad sender address syntax')
    checkParameters(path, session.connection.tls ? mailParametersOverTls : mailParameters)
    if (session.transaction) throw badSequence('Error: nested MAIL command')
    const { messageSize } = session.context.config.limits
    if (Number(path.args.SIZE ?? 0) > messageSize) throw tooLargeError(messageSize) // RFC 1870 section 6.1
    const smtpUtf8 = path.args.SMTPUTF8 === true
    checkAscii(path.address, smtpUtf8)
    session.checkRate()
    const envelopeId = path.args.ENVID
    session.transaction = new Transaction(
      path.address,
      smtpUtf8,
      typeof envelopeId === 'string' ? envelopeId : undefined,
      session.connection.memory.reservation('messages'),
      Number(path.args.SIZE ?? 0),
      bodyOf(path),
      retOf(path),
      path.args.REQUIRETLS === true,
    )
    session.reply(250, '2.1.0', 'Accepted')
  },
}

/** RFC 6152 section 2, RFC 3030 section 3. */
function bodyOf({ args: { BODY } }: ParsedPath): '8BITMIME' | 'BINARYMIME' | undefined {
  if (BODY === undefined) return undefined
  const body = String(BODY).toUpperCase()
  return body === '8BITMIME' || body === 'BINARYMIME' ? body : undefined
}

/** RFC 3461 section 4.3. */
const retOf = ({ args: { RET } }: ParsedPath): 'FULL' | 'HDRS' | undefined =>
  typeof RET === 'string' ? (RET.toUpperCase() === 'FULL' ? 'FULL' : 'HDRS') : undefined

/** RCPT TO:<forward-path> [parameters]: adds a recipient. RFC 5321 section 4.1.1.3. */
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
    const report = session.connection.takeReport()
    const add = (): Promise<void> | void =>
      addRecipient(session, transaction, recipientOf(session, transaction, path, report))
    try {
      return add()
    } catch (error) {
      const refreshed = error instanceof DeliveryError ? session.context.directory.refresh() : undefined
      if (!refreshed) throw error
      // Another node may have added the account a moment ago.
      return refreshed.then(add)
    }
  },
}

/** Returns nothing to wait for if the recipient has no quota. @throws DeliveryError `mailbox-full`, `over-quota` */
function addRecipient(session: SmtpSession, transaction: Transaction, recipient: Recipient): Promise<void> | void {
  session.checkDomain(recipient.address)
  const accept = (): void => {
    transaction.add(recipient)
    if (session.isLmtp) transaction.accepted.push(recipient.address)
    session.connection.logon.cancelTimeout()
    session.reply(250, '2.1.5', 'Accepted')
  }
  const { destination } = recipient
  if (destination.kind !== 'mailbox') return accept()
  const checked = checkMailboxQuota(session.context.store, destination.account, transaction.announcedOctets)
  return checked ? checked.then(accept) : accept()
}

/** RSET: aborts the transaction. RFC 5321 section 4.1.1.5. */
export const rset: SmtpCommand = {
  name: 'RSET',
  run(session, argument) {
    noArgument('RSET', argument)
    session.transaction = undefined
    session.reply(250, '2.0.0', 'OK')
  },
}

/** Checks the limit of recipients. RFC 5321 section 4.5.3.1.10. In LMTP, repeated ones count, because each gets a reply. */
function checkCount({ context, isLmtp }: SmtpSession, transaction: Transaction, address: string): void {
  const count = isLmtp ? transaction.accepted.length : transaction.recipientCount
  if (count >= context.config.limits.recipients && (isLmtp || !transaction.has(address))) {
    throw new SmtpError(452, '4.5.3', 'Error: too many recipients')
  }
}

/** Checks that an address outside ASCII comes with the SMTPUTF8 parameter of MAIL. RFC 6531 section 3.3. */
function checkAscii(address: string, smtpUtf8: boolean): void {
  if (!smtpUtf8 && !isPrintable(address)) {
    throw new SmtpError(553, '5.6.7', 'This address needs the SMTPUTF8 parameter of MAIL')
  }
}

/** Resolves the recipient of RCPT. @throws DeliveryError if the address cannot receive mail */
function recipientOf(
  { context, relay }: SmtpSession,
  { reversePath }: Transaction,
  { address, args: { NOTIFY, ORCPT } }: ParsedPath,
  report: string | undefined,
): Recipient {
  const { destination, onDemand } = resolveOnDemand(context, address, reversePath, relay)
  return {
    address,
    destination,
    onDemand: report === undefined ? onDemand : parseOnDemand(report),
    notify: typeof NOTIFY === 'string' ? NOTIFY.toUpperCase().split(',') : undefined,
    originalRecipient: typeof ORCPT === 'string' ? ORCPT : undefined,
  }
}
