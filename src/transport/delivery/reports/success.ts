import { joinPieces } from '../../../core/octets/pieces.ts'
import type { Delivery, DeliveryServices, Recipient } from '../types.ts'
import { writeStandardReport } from './forms/standard.ts'
import { sendOwnMail } from './send.ts'
import type { Action } from './types.ts'

/**
 * Sends the report that NOTIFY=SUCCESS asked for to the sender of a delivered message. RFC 3461 sections 5.2.2 and 6.1.
 * @param at time of the report, in milliseconds since the epoch
 * @throws DeliveryError, StoreError; the message itself stays delivered
 */
export async function reportSuccess(services: DeliveryServices, delivery: Delivery, at: number): Promise<void> {
  const recipients = delivery.recipients.filter(({ notify, onDemand }) => notify?.includes('SUCCESS') && !onDemand)
  const { mailFrom: to, session, envelopeId, smtpUtf8 = false, requireTls } = delivery
  if (to === '' || recipients.length === 0) return
  const raw = writeStandardReport({
    hostname: services.hostname,
    domain: services.directory.domain,
    to,
    recipients: recipients.map(({ address, originalRecipient, destination }) => ({
      address,
      originalRecipient,
      action: actionOf(destination),
      status: '2.1.5',
    })),
    envelopeId,
    smtpUtf8,
    message: joinPieces(delivery.message),
    arrivedAt: at,
    at,
  })
  await sendOwnMail(services, { to, raw, requireTls, session }, at)
}

/** Returns the action. `relayed`: the lab accepted the message in place of another domain. RFC 3464 section 2.3.3. */
const actionOf = ({ kind }: Recipient['destination']): Action => (kind === 'captured' ? 'relayed' : 'delivered')
