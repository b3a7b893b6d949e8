import { deliver } from './deliver.ts'
import { deliveryReport, type ReportedRecipient } from './delivery-report.ts'
import { SmtpError } from './errors.ts'
import { resolveRecipient } from './recipients.ts'
import type { SmtpSession } from './session.ts'

/**
 * Sends the report that NOTIFY=SUCCESS asked for, from the null reverse-path, so that no report is ever reported on.
 * Nothing else is ever reported: what cannot be delivered is refused at RCPT. RFC 3461 sections 5.2.2 and 6.1.
 */
export async function reportSuccess(session: SmtpSession, message: Buffer, at: number): Promise<void> {
  const { context, connection } = session
  const { mailFrom, rcptTo, dsn } = session.session.envelope
  const to = mailFrom ? mailFrom.address : ''
  const recipients = rcptTo
    .filter((recipient) => recipient.dsn?.notify?.includes('SUCCESS'))
    .map(({ address, dsn: own }): ReportedRecipient => {
      const action = resolveRecipient(context, address).kind === 'captured' ? 'relayed' : 'delivered'
      return { address, originalRecipient: own?.orcpt, action }
    })
  if (to === '' || recipients.length === 0) return
  const { hostname, domain } = context
  const envelopeId = dsn?.envid ?? undefined
  const report = deliveryReport({ hostname, domain, to, envelopeId, recipients, message, at })
  const trace = Buffer.from('Return-Path: <>\r\n')
  const delivery = { whole: Buffer.concat([trace, report]), traceOctets: trace.length, mailFrom: '', recipients: [to] }
  try {
    await deliver(context, { ...delivery, session: session.id, at })
  } catch (error) {
    // The message itself is delivered, and is acknowledged.
    connection.record.note(`no delivery report: ${String(error)}`)
    if (!(error instanceof SmtpError))
      context.log.error({ session: session.id, err: error }, 'a delivery report failed')
  }
}
