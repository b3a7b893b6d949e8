import { joinPieces, type Pieces } from '../../src/common/pieces.ts'
import { deliver } from './deliver.ts'
import { deliveryReport, type ReportedRecipient } from './delivery-report.ts'
import { SmtpError } from './errors.ts'
import { resolveRecipient } from './recipients.ts'
import type { SmtpSession } from './session.ts'
import type { Transaction } from './transaction.ts'

/**
 * Sends the report that NOTIFY=SUCCESS asked for, from the null reverse-path, so that no report is ever reported on.
 * Nothing else is ever reported: what cannot be delivered is refused at RCPT. RFC 3461 sections 5.2.2 and 6.1.
 */
export async function reportSuccess(
  { context, connection }: SmtpSession,
  { reversePath: to, recipients, envelopeId }: Transaction,
  message: Pieces,
  at: number,
): Promise<void> {
  const reported = recipients
    .filter(({ notify }) => notify?.includes('SUCCESS'))
    .map(({ address, originalRecipient, destination }): ReportedRecipient => {
      return { address, originalRecipient, action: destination.kind === 'captured' ? 'relayed' : 'delivered' }
    })
  if (to === '' || reported.length === 0) return
  const { hostname, domain } = context
  const report = deliveryReport({
    hostname,
    domain,
    to,
    envelopeId,
    recipients: reported,
    message: joinPieces(message),
    at,
  })
  const trace = Buffer.from('Return-Path: <>\r\n')
  const session = connection.record.id
  try {
    const recipient = { address: to, destination: resolveRecipient(context, to) }
    await deliver(context, { trace, message: [report], mailFrom: '', recipients: [recipient], session, at })
  } catch (error) {
    // The message itself is delivered, and is acknowledged.
    connection.record.note(`no delivery report: ${String(error)}`)
    if (!(error instanceof SmtpError)) context.log.error({ session, err: error }, 'a delivery report failed')
  }
}
