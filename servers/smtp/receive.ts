import { countOctets, type Pieces } from '../../src/common/pieces.ts'
import { deliver } from '../../src/delivery/deliver.ts'
import { reportSuccess } from '../../src/delivery/report.ts'
import { type Delivery, DeliveryError } from '../../src/delivery/types.ts'
import type { SmtpSession } from './command.ts'
import { normalizeLineEnds } from './line-ends.ts'
import { tooLarge } from './reply.ts'
import { traceFields } from './trace.ts'
import type { Transaction } from './transaction.ts'

/**
 * Delivers a received message. Replies 250 only once the store has it. RFC 5321 section 4.2.5.
 * @throws SmtpError, DeliveryError, StoreError
 */
export async function receive(session: SmtpSession, transaction: Transaction, received: Pieces): Promise<void> {
  const { connection, context, site } = session
  const { messageSize } = context.config.limits
  if (countOctets(received) > messageSize) throw tooLarge(messageSize)
  const message = normalizeLineEnds(received)
  if (message !== received) connection.record.note('bare LFs in the message changed to CRLF')
  const at = context.clock.now()
  const { reversePath, recipients, envelopeId } = transaction
  const delivery: Delivery = {
    trace: traceOf(session, transaction, at),
    message,
    mailFrom: reversePath,
    recipients,
    envelopeId,
    session: connection.record.id,
    at,
  }
  await deliver(site, delivery)
  await report(session, delivery, at)
  session.reply(250, '2.0.0', `OK: queued as ${session.messageId}`)
}

function traceOf(session: SmtpSession, { reversePath, smtpUtf8, recipients }: Transaction, at: number): Buffer {
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
    at,
  })
}

/** Sends the report that NOTIFY=SUCCESS requests. A failure does not change the reply, because the message is delivered. */
async function report({ connection, context, site }: SmtpSession, delivery: Delivery, at: number): Promise<void> {
  try {
    await reportSuccess(site, delivery, at)
  } catch (error) {
    connection.record.note(`no delivery report: ${String(error)}`)
    if (error instanceof DeliveryError) return
    context.log.error({ session: connection.record.id, err: error }, 'delivery report failed')
  }
}
