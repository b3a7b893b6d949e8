import { countOctets, type Pieces } from '../../src/common/pieces.ts'
import { deliver } from './deliver.ts'
import { tooLarge } from './errors.ts'
import { normalizeLineEnds } from './line-ends.ts'
import { reportSuccess } from './report.ts'
import type { SmtpSession } from './session.ts'
import { traceFields } from './trace.ts'
import type { Transaction } from './transaction.ts'

/** The trace fields of the message that comes next. */
function traceOf(session: SmtpSession, { reversePath, smtpUtf8, recipients }: Transaction): Buffer {
  const { connection, context, client, account } = session
  return traceFields({
    heloName: client?.name ?? '',
    extended: client?.extended === true,
    remoteAddress: connection.remote.address,
    hostname: context.hostname,
    authenticated: account !== undefined,
    smtpUtf8,
    tls: connection.tls,
    id: session.messageId,
    mailFrom: reversePath,
    recipients: recipients.map(({ address }) => address),
    at: context.clock.now(),
  })
}

/**
 * Takes over a message: 250 only once the store has it. RFC 5321 section 4.2.5.
 * @throws SmtpError, StoreError
 */
export async function receive(session: SmtpSession, transaction: Transaction, received: Pieces): Promise<void> {
  const { connection, context } = session
  const { messageSize } = context.config.limits
  if (countOctets(received) > messageSize) throw tooLarge(messageSize)
  const message = normalizeLineEnds(received)
  if (message !== received) connection.record.note('bare LFs in the message made CRLFs')
  const at = context.clock.now()
  await deliver(context, {
    trace: traceOf(session, transaction),
    message,
    mailFrom: transaction.reversePath,
    recipients: transaction.recipients,
    session: connection.record.id,
    at,
  })
  await reportSuccess(session, transaction, message, at)
  session.reply(250, '2.0.0', `OK: ${session.messageId} accepted`)
}
