import type { Api } from '../../../src/api/api.ts'
import type { MessageFacts } from '../../../src/api/messages/message-facts.ts'
import type { Steps } from '../../../src/core/time/time-slice.ts'
import { timeText } from '../../../src/core/time/time-text.ts'
import type { ReadableAddress } from '../../../src/mail/format/readable.ts'
import type { Mail } from '../delivered-mail.ts'
import { hasPlainText, type ReceivedMail, recipientsOf, withoutNamed } from '../tool-mail.ts'
import { guidOf } from './ids.ts'
import { partTree } from './parts.ts'

// The keys are those of smtp4dev's API: https://github.com/rnwood/smtp4dev/blob/master/docs/API.md

/** Returns a message in a list. */
export function smtp4devSummary(api: Api, mail: Mail, facts: MessageFacts) {
  const { entry } = mail.copies[0]
  const recipients = recipientsOf(api, mail, facts)
  return {
    isRelayed: false,
    deliveredTo: recipients.join(', '),
    id: guidOf(mail),
    from: entry.envelope?.mailFrom ?? '',
    to: recipients,
    receivedDate: timeText(entry.savedAt),
    subject: facts.subject,
    attachmentCount: facts.attachments,
    isUnread: !mail.isRead,
    hasWarnings: false,
  }
}

/** Returns a whole message without its content. */
export function* smtp4devMessage(api: Api, { mail, facts, message, recipients }: ReceivedMail): Steps<object> {
  yield* message.textInSteps()
  const { entry } = mail.copies[0]
  const session = api.lab.sessionLog.get(entry.envelope?.session ?? '')
  return {
    sessionEncoding: 'utf-8',
    eightBitTransport: null,
    hasHtmlBody: message.html !== undefined,
    hasPlainTextBody: hasPlainText(message),
    id: guidOf(mail),
    from: facts.from ? addressText(facts.from) : (entry.envelope?.mailFrom ?? ''),
    to: facts.to.map(addressText),
    cc: facts.cc.map(addressText),
    bcc: withoutNamed(recipients, [...facts.to, ...facts.cc]),
    deliveredTo: recipients,
    receivedDate: timeText(entry.savedAt),
    secureConnection: session?.tls !== undefined,
    subject: facts.subject,
    parts: [partTree(message, guidOf(mail))],
    headers: message.fieldList,
    mimeParseError: null,
    relayError: null,
    warnings: [],
  }
}

/** RFC 5322 section 3.2.4. */
const addressText = ({ name, address }: ReadableAddress): string =>
  name === '' ? address : `"${name.replaceAll(/["\\]/g, '\\$&')}" <${address}>`
