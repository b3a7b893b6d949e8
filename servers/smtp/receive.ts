import { deliver } from './deliver.ts'
import { tooLarge } from './errors.ts'
import { normalizeLineEnds } from './line-ends.ts'
import { reportSuccess } from './report.ts'
import type { SmtpSession } from './session.ts'
import { traceFields } from './trace.ts'

/** Takes over a message: 250 only once the store has it. RFC 5321 section 4.2.5. @throws SmtpError, StoreError */
export async function receive(session: SmtpSession, octets: Buffer): Promise<void> {
  const { connection, context } = session
  const { envelope } = session.session
  const { messageSize } = context.config.limits
  if (octets.length > messageSize) throw tooLarge(messageSize)
  const message = normalizeLineEnds(octets)
  if (message !== octets) connection.record.note('bare LFs in the message made CRLFs')
  const mailFrom = envelope.mailFrom ? envelope.mailFrom.address : ''
  const recipients = envelope.rcptTo.map(({ address }) => address)
  const at = context.clock.now()
  const id = `${session.id}.${session._transactionCounter + 1}`
  const trace = traceFields({
    heloName: session.hostNameAppearsAs || '',
    remoteAddress: connection.remote.address,
    hostname: context.hostname,
    transmissionType: session._transmissionType(),
    smtpUtf8: envelope.smtpUtf8 === true,
    tls: connection.tls,
    id,
    mailFrom,
    recipients,
    at,
  })
  await deliver(context, { message, trace, mailFrom, recipients, session: session.id, at })
  await reportSuccess(session, message, at)
  session.reply(250, '2.0.0', `OK: ${id} accepted`)
}
