import type { Steps } from '../../../src/core/time/time-slice.ts'
import type { ReadableMessage } from '../../../src/mail/format/readable.ts'
import { hasPlainText, type ReceivedMail } from '../tool-mail.ts'
import { attachmentsOf, type NamedAttachment } from './attachments.ts'
import { blindOf, dateText, isPriorityField, maildevAddresses, priorityOf, sizeText } from './forms.ts'

// The keys are those of MailDev 2: https://github.com/maildev/maildev/blob/v2.2.1/docs/rest.md

/** The lab does not keep the parameters of MAIL and RCPT. */
const envelopeAddress = (address: string) => ({ address, args: false })

/** Returns a message in the form of MailDev 2. */
export function* versionTwo({ mail, facts, message, recipients }: ReceivedMail): Steps<object> {
  const { envelope, sizeOctets } = mail.copies[0].entry
  const replyTo = maildevAddresses(facts.replyTo)
  const files = yield* attachmentsOf(message)
  const priority = priorityOf(message) ?? 'normal'
  return {
    ...(yield* textsOf(message)),
    headers: headersOf(message, priority),
    ...(facts.subject !== '' && { subject: facts.subject }),
    ...idsOf(message),
    priority,
    ...(facts.from && { from: maildevAddresses([facts.from]) }),
    ...(replyTo.length > 0 && { replyTo }),
    ...(facts.to.length > 0 && { to: maildevAddresses(facts.to) }),
    ...(facts.cc.length > 0 && { cc: maildevAddresses(facts.cc) }),
    ...(facts.bcc.length > 0 && { bcc: maildevAddresses(facts.bcc) }),
    ...(facts.date && { date: dateText(mail, facts) }),
    id: mail.id,
    time: dateText(mail, facts),
    read: mail.isRead,
    envelope: {
      from: envelopeAddress(envelope?.mailFrom ?? ''),
      to: recipients.map(envelopeAddress),
      host: envelope?.client?.helo ?? '',
      remoteAddress: envelope?.client?.address ?? '',
    },
    source: `${mail.id}.eml`,
    size: sizeOctets,
    sizeHuman: sizeText(sizeOctets, 'bytes'),
    attachments: files.length === 0 ? null : files.map(attachmentOf),
    calculatedBcc: blindOf(recipients, facts),
  }
}

function* textsOf(message: ReadableMessage): Steps<object> {
  const { html } = message
  const text = hasPlainText(message) ? yield* message.textInSteps() : ''
  return { ...(html !== undefined && { html }), ...(text !== '' && { text }) }
}

function headersOf({ fieldList }: ReadableMessage, priority: string): Record<string, string | string[]> {
  const found = new Map<string, string | string[]>()
  for (const { name, value } of fieldList) {
    const key = name.toLowerCase()
    const before = found.get(key)
    if (isPriorityField(key)) found.set(key, priority)
    else if (Array.isArray(before)) before.push(value)
    else found.set(key, before === undefined ? value : [before, value])
  }
  return Object.fromEntries(found)
}

const withoutBrackets = (id: string): string => id.replaceAll(/^<|>$/g, '')

function idsOf({ headers, messageId }: ReadableMessage) {
  const list = (name: string): string[] => (headers.get(name) ?? '').split(/\s+/).filter(Boolean).map(withoutBrackets)
  const [references, inReplyTo] = [list('references'), list('in-reply-to')]
  return {
    ...(references.length > 0 && { references }),
    ...(messageId !== '' && { messageId: withoutBrackets(messageId) }),
    ...(inReplyTo.length > 0 && { inReplyTo }),
  }
}

const attachmentOf = ({ file, part, generatedFileName, md5 }: NamedAttachment) => ({
  contentType: file.contentType,
  ...(file.filename !== undefined && { fileName: file.filename }),
  contentId: file.cid ?? `${generatedFileName.replace(/\..*$/, '')}@mailparser`,
  transferEncoding: part.encoding?.toLowerCase() ?? '7bit',
  contentDisposition: file.disposition,
  generatedFileName,
  checksum: md5,
  length: file.sizeOctets,
  transformed: true,
})
