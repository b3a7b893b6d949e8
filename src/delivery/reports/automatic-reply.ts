import type { ReplyForm } from '../../config/schema/report-words.ts'
import { compose } from '../../mail/compose.ts'
import { valueOf } from './parts.ts'

/** An automatic reply before it is written. RFC 3834 section 3. */
export interface AutomaticReply {
  /** Address that replies. */
  readonly from: string
  /** The return path of the message. */
  readonly to: string
  readonly message: Buffer
  readonly text: string
  /** Default: that of the message, with a prefix. */
  readonly subject?: string | undefined
  readonly form: ReplyForm
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What distinguishes the replies of known servers. */
interface Form {
  readonly prefix: string
  readonly fields: Readonly<Record<string, string>>
}

/** The fields are those of published samples. */
const FORMS: Readonly<Record<ReplyForm, Form>> = {
  standard: { prefix: 'Auto: ', fields: { 'Auto-Submitted': 'auto-replied' } }, // RFC 3834 sections 3.1.5 and 5
  microsoft365: {
    prefix: 'Automatic reply: ',
    fields: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
  },
  gmail: {
    prefix: 'Re: ',
    fields: { 'Auto-Submitted': 'auto-replied', Precedence: 'bulk', 'X-Autoreply': 'yes' },
  },
}

/** Writes an automatic reply. RFC 3834 section 3.1. */
export function writeAutomaticReply({ from, to, message, text, subject, form, at }: AutomaticReply): Promise<Buffer> {
  const { prefix, fields } = FORMS[form]
  const messageId = valueOf({ message }, 'Message-ID')
  const references = [valueOf({ message }, 'References') ?? valueOf({ message }, 'In-Reply-To'), messageId]
    .filter((value) => value !== undefined)
    .join(' ')
  return compose(
    {
      from: `<${from}>`,
      to: `<${to}>`,
      subject: subject ?? `${prefix}${valueOf({ message }, 'Subject') ?? ''}`.trim(),
      text: `${text.replace(/\r?\n/g, '\r\n')}\r\n`,
      headers: {
        ...(messageId !== undefined && { 'In-Reply-To': messageId }),
        ...(references !== '' && { References: references }),
        ...fields,
      },
    },
    at,
  )
}
