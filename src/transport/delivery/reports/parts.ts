import { randomBytes } from 'node:crypto'
import { formatDate } from '../../../mail/format/dates.ts'
import { headerBlockEnd, headerFields, headerValue } from '../../../mail/format/headers.ts'
import { type Field, fieldLines, isNotAscii, messageFields, recipientFields } from './status-fields.ts'
import type { StatusReport } from './types.ts'

/** One part of a report: its header fields, and its content with CRLF line ends. */
interface ReportPart {
  readonly fields: readonly Field[]
  readonly content: string | Buffer
}

/** Everything in a report besides To, Date and Message-ID. */
interface MultipartReport {
  /** From, Subject and the other fields of the report. */
  readonly head: readonly Field[]
  readonly boundary: string
  /** `delivery-status` or `feedback-report`. RFC 6522 section 3. Absent: multipart/mixed. */
  readonly reportType?: string
  /** Text before the first boundary. */
  readonly preamble?: string
  readonly parts: readonly ReportPart[]
}

/** Returns random digits for boundaries and Message-IDs. */
export const uniqueToken = (): string => randomBytes(12).toString('hex')

/** Writes a multipart/report, or multipart/mixed. RFC 6522. */
export function writeMultipart({ head, boundary, reportType, preamble = '', parts }: MultipartReport): Buffer {
  const kind = reportType === undefined ? 'mixed' : `report; report-type=${reportType}`
  const type = `multipart/${kind};\r\n\tboundary="${boundary}"`
  return Buffer.concat([
    Buffer.from(`${fieldLines([...head, ['MIME-Version', '1.0'], ['Content-Type', type]])}\r\n${preamble}`),
    ...joinParts(parts, boundary),
  ])
}

/** Returns a part that has parts of its own, such as multipart/alternative. */
export const multipartPart = (subtype: string, boundary: string, parts: readonly ReportPart[]): ReportPart => ({
  fields: [['Content-Type', `multipart/${subtype}; boundary="${boundary}"`]],
  content: Buffer.concat(joinParts(parts, boundary)),
})

const joinParts = (parts: readonly ReportPart[], boundary: string): Buffer[] => [
  ...parts.flatMap(({ fields, content }) => [
    Buffer.from(`--${boundary}\r\n${fieldLines(fields)}\r\n`),
    typeof content === 'string' ? Buffer.from(content) : content,
    Buffer.from('\r\n'),
  ]),
  Buffer.from(`--${boundary}--\r\n`),
]

/** Returns a text part. Text outside ASCII is sent in 8 bits. */
export const textPart = (content: string, type = 'text/plain; charset=utf-8', ...fields: Field[]): ReportPart => ({
  fields: [...fields, ['Content-Type', type], encodingOf(Buffer.from(content))],
  content,
})

/** Names 8-bit content. RFC 2045 section 6. */
export const encodingOf = (content: Buffer): Field => [
  'Content-Transfer-Encoding',
  isEightBit(content) ? '8bit' : undefined,
]

const isEightBit = (content: Buffer): boolean => content.some((octet) => octet > 0x7f)

/**
 * Returns whether a report uses the UTF-8 forms of its types: the sender accepts them, and an address needs them. RFC 6533
 * section 4.
 */
const isGlobal = ({ smtpUtf8, recipients, to }: StatusReport): boolean =>
  smtpUtf8 &&
  [to, ...recipients.flatMap(({ address, originalRecipient = '' }) => [address, originalRecipient])].some(isNotAscii)

/** How a form changes the machine-readable part. */
interface StatusChanges {
  /** Replaces the fields about the message. */
  readonly message?: (standard: readonly Field[]) => readonly Field[]
  /** Replaces the fields about a recipient. */
  readonly recipient?: (standard: readonly Field[], index: number) => readonly Field[]
  /** More header fields of the part. */
  readonly fields?: readonly Field[]
}

/** Returns the machine-readable part. RFC 3464 section 2.1, RFC 6533 section 4. */
export function statusPart(report: StatusReport, changes: StatusChanges = {}): ReportPart {
  const utf8 = isGlobal(report)
  const { message = (fields) => fields, recipient = (fields) => fields } = changes
  const content = Buffer.from(
    fieldLines(message(messageFields(report, utf8))) +
      report.recipients
        .map((each, index) => `\r\n${fieldLines(recipient(recipientFields(each, utf8), index))}`)
        .join(''),
  )
  const type = utf8 ? 'message/global-delivery-status' : 'message/delivery-status'
  return { fields: [...(changes.fields ?? []), ['Content-Type', type], encodingOf(content)], content }
}

/** Longest message that is returned although RET does not ask for it. Postfix has the same limit (bounce_size_limit). */
const MAX_RETURNED_OCTETS = 50_000

/** Returns whether a report returns the whole message: only reports of failures do. RFC 3461 section 4.3. */
export const returnsWhole = ({ recipients, ret, message }: StatusReport): boolean =>
  recipients.some(({ action }) => action === 'failed') &&
  (ret === undefined ? message.length <= MAX_RETURNED_OCTETS : ret === 'FULL')

/** Returns the header of a message with the empty line after it. */
export const headerOf = (message: Buffer): Buffer => message.subarray(0, headerBlockEnd(message))

/** Returns the message, or its header, as the last part of a report. RFC 6522 section 3, RFC 6533 section 5. */
export function returnedPart(report: StatusReport, ...fields: Field[]): ReportPart {
  const isWhole = returnsWhole(report)
  const header = headerOf(report.message)
  const content = isWhole ? report.message : header
  const utf8 = report.smtpUtf8 && isEightBit(header)
  const [whole, onlyHeader] = utf8
    ? ['message/global', 'message/global-headers']
    : ['message/rfc822', 'text/rfc822-headers']
  return { fields: [...fields, ['Content-Type', isWhole ? whole : onlyHeader], encodingOf(content)], content }
}

/** Returns the fields that every report has. */
export const addressing = ({ to, at, hostname }: StatusReport, token: string): readonly Field[] => [
  ['To', `<${to}>`],
  ['Date', formatDate(at)],
  ['Message-ID', `<${token}@${hostname}>`],
]

const MAX_FIELD_OCTETS = 16 * 1024

/** Returns the value of a header field of the reported message, as one line. The rest of a longer one is left out. */
export function reportField({ message }: Pick<StatusReport, 'message'>, name: string): string | undefined {
  const header = headerOf(message)
  const value = headerValue(header, headerFields(header), name)
  return value && Buffer.from(value.slice(0, MAX_FIELD_OCTETS), 'latin1').toString().replaceAll('\0', '')
}
