import type { FeedbackType } from '../../../core/config/schema/report-words.ts'
import { version } from '../../../core/text/version.ts'
import { formatDate } from '../../../mail/format/dates.ts'
import { domainOf, lines } from './forms/form.ts'
import { headerOf, reportField, textPart, uniqueToken, writeMultipart } from './parts.ts'
import { fieldLines } from './status-fields.ts'

/** A spam complaint before it is written as a message. RFC 5965. */
interface Complaint {
  readonly hostname: string
  readonly domain: string
  readonly to: string
  readonly type: FeedbackType
  /** The return path of the message. */
  readonly mailFrom: string
  /** The recipients who complain. */
  readonly recipients: readonly string[]
  /** IP address of the client that sent the message. */
  readonly sourceIp?: string | undefined
  readonly envelopeId?: string | undefined
  /** The message as it was received: all of it, or at least its header. */
  readonly message: Buffer
  /** Whether only its header is returned. */
  readonly onlyHeader: boolean
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number
  /** When the complaint is written, milliseconds since the epoch. */
  readonly at: number
}

const SENTENCES: Readonly<Record<FeedbackType, string>> = {
  abuse: 'A recipient says that this message is spam.',
  fraud: 'A recipient says that this message is fraud or phishing.',
  virus: 'A recipient says that this message contains a virus.',
  other: 'A recipient complains about this message.',
  'not-spam': 'A recipient says that this message is not spam.', // RFC 6430
}

/** Writes a complaint in the abuse reporting format (ARF). RFC 5965 section 2. */
export function writeComplaint(complaint: Complaint): Buffer {
  const { hostname, domain, to, message, onlyHeader, at } = complaint
  const token = `complaint-${uniqueToken()}`
  const subject = reportField(complaint, 'Subject')
  return writeMultipart({
    head: [
      ['From', `Feedback loop <feedback@${domain}>`],
      ['To', `<${to}>`],
      ['Subject', subject === undefined ? 'Complaint' : `FW: ${subject}`], // RFC 5965 section 2, item g
      ['Date', formatDate(at)],
      ['Message-ID', `<${token}@${hostname}>`],
      ['Auto-Submitted', 'auto-generated'],
    ],
    boundary: token,
    reportType: 'feedback-report',
    parts: [
      textPart(explanation(complaint)),
      { fields: [['Content-Type', 'message/feedback-report']], content: feedbackFields(complaint) },
      onlyHeader
        ? { fields: [['Content-Type', 'text/rfc822-headers']], content: headerOf(message) }
        : { fields: [['Content-Type', 'message/rfc822']], content: message },
    ],
  })
}

/** Returns the text for people. Some programs look for its first words, which are from RFC 5965 appendix B. */
const explanation = ({ type, sourceIp, arrivedAt }: Complaint): string =>
  lines(
    `This is an email abuse report for a message ${sourceIp === undefined ? '' : `from ${sourceIp} `}that arrived on`,
    `${formatDate(arrivedAt)}. ${SENTENCES[type]}`,
  )

/** Returns the machine-readable part. RFC 5965 sections 3.1 and 3.2. */
const feedbackFields = (complaint: Complaint): string =>
  fieldLines([
    ['Feedback-Type', complaint.type],
    ['User-Agent', `Sealpost/${version}`],
    ['Version', '1'],
    ['Original-Envelope-Id', complaint.envelopeId],
    ['Original-Mail-From', `<${complaint.mailFrom}>`],
    ...complaint.recipients.map((address) => ['Original-Rcpt-To', `<${address}>`] as const),
    ['Arrival-Date', formatDate(complaint.arrivedAt)],
    ['Reporting-MTA', `dns; ${complaint.hostname}`],
    ['Source-IP', complaint.sourceIp],
    ['Reported-Domain', domainOf(complaint.mailFrom)],
  ])
