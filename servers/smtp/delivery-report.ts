import { randomBytes } from 'node:crypto'
import { formatDate } from '../../src/mail/dates.ts'
import { headerBlockEnd } from '../../src/mail/headers.ts'

/** A recipient that asked to be reported on, and what became of the message. */
export interface ReportedRecipient {
  readonly address: string
  /** ORCPT as the client gave it, `rfc822;address`. */
  readonly originalRecipient: string | undefined
  /** `relayed`: taken by the lab in the other domain's place. RFC 3464 section 2.3.3. */
  readonly action: 'delivered' | 'relayed'
}

export interface ReportInput {
  readonly hostname: string
  readonly domain: string
  /** Who is told: the message's reverse-path. */
  readonly to: string
  /** ENVID as the client gave it. */
  readonly envelopeId: string | undefined
  readonly recipients: readonly ReportedRecipient[]
  readonly message: Buffer
  /** Milliseconds since the epoch. */
  readonly at: number
}

const MEANING = {
  delivered: 'was delivered',
  relayed: 'was relayed to a system that may send no further report',
} as const

/** The report of a delivery that a client asked for by NOTIFY=SUCCESS. RFC 3461 section 5.2.2, RFC 3464. */
export function deliveryReport(input: ReportInput): Buffer {
  const boundary = `report-${randomBytes(12).toString('hex')}`
  const date = formatDate(input.at)
  const part = (type: string, content: string): string => `--${boundary}\r\nContent-Type: ${type}\r\n\r\n${content}\r\n`
  const head =
    `From: Mail Delivery System <postmaster@${input.domain}>\r\nTo: <${input.to}>\r\n` +
    `Subject: Successful mail delivery report\r\nDate: ${date}\r\n` +
    `Message-ID: <${boundary}@${input.hostname}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n` +
    `Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary="${boundary}"\r\n\r\n`
  const body =
    part('text/plain; charset=utf-8', input.recipients.map(sentence).join('')) +
    part('message/delivery-status', deliveryStatus(input, date)) +
    // On success the header alone goes back, whatever RET says. RFC 3461 section 4.3
    `--${boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n`
  const header = input.message.subarray(0, headerBlockEnd(input.message))
  return Buffer.concat([Buffer.from(head + body), header, Buffer.from(`\r\n--${boundary}--\r\n`)])
}

const sentence = ({ address, action }: ReportedRecipient): string =>
  `Your message to ${address} ${MEANING[action]}.\r\n`

/** RFC 3464 sections 2.2 and 2.3. */
function deliveryStatus({ hostname, envelopeId, recipients }: ReportInput, date: string): string {
  const envelope = envelopeId === undefined ? '' : `Original-Envelope-Id: ${envelopeId}\r\n`
  const perMessage = `Reporting-MTA: dns; ${hostname}\r\n${envelope}Arrival-Date: ${date}\r\n`
  const perRecipient = recipients.map(({ address, originalRecipient, action }) => {
    const original = originalRecipient === undefined ? '' : `Original-Recipient: ${originalRecipient}\r\n`
    const type = /[^\x20-\x7e]/.test(address) ? 'utf-8' : 'rfc822' // RFC 6533 section 3
    return `\r\n${original}Final-Recipient: ${type}; ${address}\r\nAction: ${action}\r\nStatus: 2.1.5\r\n`
  })
  return perMessage + perRecipient.join('')
}
