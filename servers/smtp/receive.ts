import { deliver } from './deliver.ts'
import { tooLarge } from './errors.ts'
import { normalizeLineEnds } from './line-ends.ts'
import { reportSuccess } from './report.ts'
import type { SmtpSession } from './session.ts'
import { traceFields } from './trace.ts'

/** The trace fields of the message that comes next. */
export function traceOf(session: SmtpSession): Buffer {
  const { connection, context } = session
  const { mailFrom, rcptTo, smtpUtf8 } = session.session.envelope
  return traceFields({
    heloName: session.hostNameAppearsAs || '',
    remoteAddress: connection.remote.address,
    hostname: context.hostname,
    transmissionType: session._transmissionType(),
    smtpUtf8: smtpUtf8 === true,
    tls: connection.tls,
    id: idOf(session),
    mailFrom: mailFrom ? mailFrom.address : '',
    recipients: rcptTo.map(({ address }) => address),
    at: context.clock.now(),
  })
}

const idOf = (session: SmtpSession): string => `${session.id}.${session._transactionCounter + 1}`

/**
 * Takes over a message, its trace fields in front (`traceOctets` of them): 250 only once the store has it. RFC 5321
 * section 4.2.5. @throws SmtpError, StoreError
 */
export async function receive(session: SmtpSession, received: Buffer, traceOctets: number): Promise<void> {
  const { connection, context } = session
  const { mailFrom, rcptTo } = session.session.envelope
  const { messageSize } = context.config.limits
  if (received.length - traceOctets > messageSize) throw tooLarge(messageSize)
  const whole = normalizeLineEnds(received)
  if (whole !== received) connection.record.note('bare LFs in the message made CRLFs')
  const at = context.clock.now()
  await deliver(context, {
    whole,
    traceOctets,
    mailFrom: mailFrom ? mailFrom.address : '',
    recipients: rcptTo.map(({ address }) => address),
    session: session.id,
    at,
  })
  await reportSuccess(session, whole.subarray(traceOctets), at)
  session.reply(250, '2.0.0', `OK: ${idOf(session)} accepted`)
}
