import type { ReplyForm } from '../../../core/config/schema/report-words.ts'
import { headerLines } from '../../../mail/format/compose.ts'
import { formatDate } from '../../../mail/format/dates.ts'
import { reportField, textPart, uniqueToken } from './parts.ts'
import type { Field } from './status-fields.ts'

/** An automatic reply before it is written. RFC 3834 section 3. */
export interface AutomaticReply {
  readonly hostname: string
  /** Address that replies. */
  readonly from: string
  /** The return path of the message. */
  readonly to: string
  readonly message: Buffer
  readonly text: string
  /** Default: the message's subject, with a prefix. */
  readonly subject?: string | undefined
  readonly form: ReplyForm
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** The differences between the replies of known servers. */
interface Form {
  readonly prefix: string
  readonly fields: readonly Field[]
}

/** The fields are from published samples. */
const FORMS: Readonly<Record<ReplyForm, Form>> = {
  standard: { prefix: 'Auto: ', fields: [['Auto-Submitted', 'auto-replied']] }, // RFC 3834 sections 3.1.5 and 5
  microsoft365: {
    prefix: 'Automatic reply: ',
    fields: [
      ['Auto-Submitted', 'auto-generated'],
      ['X-Auto-Response-Suppress', 'All'],
    ],
  },
  gmail: {
    prefix: 'Re: ',
    fields: [
      ['Auto-Submitted', 'auto-replied'],
      ['Precedence', 'bulk'],
      ['X-Autoreply', 'yes'],
    ],
  },
}

/** Writes an automatic reply. RFC 3834 section 3.1. */
export async function writeAutomaticReply(reply: AutomaticReply): Promise<Buffer> {
  const { from, to, message, text, hostname, at } = reply
  const { prefix, fields } = FORMS[reply.form]
  const messageId = reportField({ message }, 'Message-ID')
  const ancestors = reportField({ message }, 'References') ?? reportField({ message }, 'In-Reply-To')
  const references = [...new Set([ancestors, messageId])].filter((value) => value !== undefined).join(' ')
  const subject = reply.subject ?? `${prefix}${reportField({ message }, 'Subject') ?? ''}`.trim()
  const body = textPart(`${text.replace(/\r?\n/g, '\r\n')}\r\n`)
  const head = await headerLines([
    ['Subject', subject],
    ['Date', formatDate(at)],
    ['Message-ID', `<auto-${uniqueToken()}@${hostname}>`],
    ['In-Reply-To', messageId],
    ['References', references === '' ? undefined : references],
    ...fields,
    ['MIME-Version', '1.0'],
    ...body.fields,
  ])
  // Addresses stay as they are: RFC 2047 section 5 allows no encoded words in them, RFC 6532 section 3.2 allows UTF-8.
  return Buffer.from(`From: <${from}>\r\nTo: <${to}>\r\n${head}\r\n${body.content}`)
}
