import { withImages } from '../../../src/api/messages/html-document.ts'
import type { MessageFacts } from '../../../src/api/messages/message-facts.ts'
import type { Steps } from '../../../src/core/time/time-slice.ts'
import { headerFields, unfoldValue } from '../../../src/mail/format/headers.ts'
import type { ReadableMessage } from '../../../src/mail/format/readable.ts'
import { decodeWords } from '../../../src/mail/format/words.ts'
import type { Mail } from '../delivered-mail.ts'
import type { ReceivedMail } from '../tool-mail.ts'
import { attachmentsOf, type NamedAttachment } from './attachments.ts'
import { blindOf, dateText, isPriorityField, maildevAddresses, priorityOf, sizeText } from './forms.ts'

// The keys are those of MailDev 3: https://maildev.github.io/maildev/

/** Returns a message in the form of MailDev 3. */
export function* versionThree({ mail, facts, message, recipients }: ReceivedMail): Steps<object> {
  const { sizeOctets, envelope } = mail.copies[0].entry
  const { html } = message
  const text = yield* message.textInSteps()
  const files = yield* attachmentsOf(message)
  const priority = priorityOf(message)
  const inReplyTo = message.headers.get('in-reply-to')
  return {
    ...listFields(mail, facts),
    source: `${mail.id}.eml`,
    headers: headersOf(message, priority),
    attachments: files.map(attachmentOf),
    envelope: {
      from: { address: envelope?.mailFrom ?? '' },
      to: recipients.map((address) => ({ address })),
    },
    calculatedBcc: blindOf(recipients, facts),
    ...(html !== undefined && { html: yield* withImages(html, message) }),
    ...(text !== '' && { text }),
    ...(inReplyTo !== undefined && { inReplyTo }),
    ...(facts.bcc.length > 0 && { bcc: maildevAddresses(facts.bcc) }),
    size: sizeOctets,
  }
}

/** Returns the keys that a message also has in lists. */
const listFields = (mail: Mail, facts: MessageFacts) => ({
  id: mail.id,
  time: dateText(mail, facts),
  read: mail.isRead,
  subject: facts.subject,
  size: mail.copies[0].entry.sizeOctets,
  sizeHuman: sizeText(mail.copies[0].entry.sizeOctets, 'Bytes'),
  from: facts.from ? maildevAddresses([facts.from]) : [],
  to: maildevAddresses(facts.to),
  ...(facts.cc.length > 0 && { cc: maildevAddresses(facts.cc) }),
})

const PREVIEW_CHARS = 140

/** Returns a message as a line of a list. */
export const maildevSummary = (mail: Mail, facts: MessageFacts) => ({
  ...listFields(mail, facts),
  attachmentCount: facts.attachments + facts.calendars,
  preview: facts.snippet.slice(0, PREVIEW_CHARS),
})

/** Fields that have keys of their own, or that MailDev leaves out. */
const OWN_KEYS =
  /^(?:content-(?:type|disposition)|dkim-signature|date|from|to|cc|bcc|sender|reply-to|delivered-to|return-path|disposition-notification-to|list-.*)$/
/** Fields whose encoded words are decoded. */
const DECODED = /^(?:subject|references|message-id|in-reply-to)$/
/** Fields of which the first counts. */
const SINGLE =
  /^(?:message-id|content-id|in-reply-to|subject|content-transfer-encoding|mime-version|content-description|precedence|errors-to)$/

function headersOf({ raw }: ReadableMessage, priority: string | undefined): Record<string, string | string[]> {
  const found = new Map<string, string[]>()
  for (const field of headerFields(raw)) {
    const { nameLower } = field
    if (nameLower === '' || OWN_KEYS.test(nameLower)) continue
    if (isPriorityField(nameLower)) {
      if (priority !== undefined) found.set('priority', [priority])
      continue
    }
    const value = unfoldValue(raw, field)
    const text = DECODED.test(nameLower) ? decodeWords(value) : Buffer.from(value, 'latin1').toString('utf8').trim()
    const values = nameLower === 'references' ? text.split(/\s+/).filter(Boolean) : [text]
    const before = found.get(nameLower)
    if (!before) found.set(nameLower, values)
    else if (!SINGLE.test(nameLower)) for (const one of values) before.push(one)
  }
  return Object.fromEntries(
    [...found].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  )
}

const attachmentOf = ({ file, generatedFileName }: NamedAttachment) => ({
  filename: file.filename ?? '',
  generatedFileName,
  contentType: file.contentType,
  contentDisposition: file.disposition,
  ...(file.cid !== undefined && { contentId: file.cid }),
  size: file.sizeOctets,
})
