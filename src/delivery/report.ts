import { randomBytes } from 'node:crypto'
import { joinPieces } from '../common/pieces.ts'
import { formatDate } from '../mail/dates.ts'
import { headerBlockEnd } from '../mail/headers.ts'
import { deliver } from './deliver.ts'
import { resolveRecipient } from './resolve.ts'
import type { Delivery, DeliverySite, Recipient } from './types.ts'

/**
 * Sends the report that NOTIFY=SUCCESS asked for to the sender of a delivered message. Other reports do not exist: a lab
 * rejects undeliverable mail at RCPT. RFC 3461 sections 5.2.2 and 6.1.
 * @param at time of the report, in milliseconds since the epoch
 * @throws DeliveryError, StoreError; the message itself stays delivered
 */
export async function reportSuccess(site: DeliverySite, delivery: Delivery, at: number): Promise<void> {
  const recipients = delivery.recipients.filter(({ notify }) => notify?.includes('SUCCESS'))
  const { mailFrom: to, session } = delivery
  if (to === '' || recipients.length === 0) return
  await deliver(site, {
    trace: Buffer.from('Return-Path: <>\r\n'),
    message: [composeReport(site, { ...delivery, recipients }, at)],
    mailFrom: '', // so that no report is ever sent about a report
    recipients: [{ address: to, destination: resolveRecipient(site, to) }],
    session,
    at,
  })
}

/** Returns the report as a message. RFC 3464 section 2. */
function composeReport({ hostname, directory }: DeliverySite, delivery: Delivery, at: number): Buffer {
  const { mailFrom, recipients } = delivery
  const boundary = `report-${randomBytes(12).toString('hex')}`
  const date = formatDate(at)
  const part = (type: string, content: string): string => `--${boundary}\r\nContent-Type: ${type}\r\n\r\n${content}\r\n`
  const head =
    `From: Mail Delivery System <postmaster@${directory.domain}>\r\nTo: <${mailFrom}>\r\n` +
    `Subject: Successful mail delivery report\r\nDate: ${date}\r\n` +
    `Message-ID: <${boundary}@${hostname}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n` +
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"\r\n\r\n`
  const body =
    part('text/plain; charset=utf-8', recipients.map(sentence).join('')) +
    part('message/delivery-status', deliveryStatus(hostname, delivery, date)) +
    // A success report returns only the header, even if RET asks for the whole message. RFC 3461 section 4.3
    `--${boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n`
  const message = joinPieces(delivery.message)
  const header = message.subarray(0, headerBlockEnd(message))
  return Buffer.concat([Buffer.from(head + body), header, Buffer.from(`\r\n--${boundary}--\r\n`)])
}

/** Returns the action. `relayed`: the lab accepted the message in place of another domain. RFC 3464 section 2.3.3. */
const actionOf = ({ destination }: Recipient) => (destination.kind === 'captured' ? 'relayed' : 'delivered')

const MEANING = {
  delivered: 'was delivered',
  relayed: 'was relayed to a system that may send no further report',
} as const

const sentence = (recipient: Recipient): string =>
  `Your message to ${recipient.address} ${MEANING[actionOf(recipient)]}.\r\n`

/** Returns the machine-readable part. RFC 3464 sections 2.2 and 2.3. */
function deliveryStatus(hostname: string, { envelopeId, recipients }: Delivery, date: string): string {
  const envelope = envelopeId === undefined ? '' : `Original-Envelope-Id: ${envelopeId}\r\n`
  const perMessage = `Reporting-MTA: dns; ${hostname}\r\n${envelope}Arrival-Date: ${date}\r\n`
  const perRecipient = recipients.map((recipient) => {
    const { address, originalRecipient } = recipient
    const original = originalRecipient === undefined ? '' : `Original-Recipient: ${originalRecipient}\r\n`
    const type = /[^\x20-\x7e]/.test(address) ? 'utf-8' : 'rfc822' // RFC 6533 section 3
    return `\r\n${original}Final-Recipient: ${type}; ${address}\r\nAction: ${actionOf(recipient)}\r\nStatus: 2.1.5\r\n`
  })
  return perMessage + perRecipient.join('')
}
