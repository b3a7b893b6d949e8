import type { Api } from '../../../src/api/api.ts'
import { type Caller, seesSession } from '../../../src/api/caller.ts'
import type { MessageFacts } from '../../../src/api/messages/message-facts.ts'
import type { IndexedMessage } from '../../../src/api/messages/message-index.ts'
import { numberedParts } from '../../../src/api/messages/read.ts'
import type { WebhookData } from '../../../src/api/webhooks/webhooks.ts'
import type { Steps } from '../../../src/core/time/time-slice.ts'
import { timeText } from '../../../src/core/time/time-text.ts'
import type { Attachment } from '../../../src/mail/format/attachments.ts'
import type { ReadableAddress, ReadableMessage } from '../../../src/mail/format/readable.ts'
import type { MessagePart } from '../../../src/mail/format/types.ts'
import { type Mail, mailOfCopies } from '../delivered-mail.ts'
import { type ReceivedMail, recipientsOf, withoutNamed } from '../tool-mail.ts'

// The keys are those of Mailpit's API: https://mailpit.axllent.org/docs/api-v1/

interface MailpitAddress {
  readonly Name: string
  readonly Address: string
}

const addressOf = ({ name, address }: ReadableAddress): MailpitAddress => ({ Name: name, Address: address })
const NO_ADDRESS: MailpitAddress = { Name: '', Address: '' }

/** Returns the recipients in Bcc, and those of the envelope that no field names. */
function bccOf({ to, cc, bcc }: MessageFacts, recipients: readonly string[]): MailpitAddress[] {
  const others = withoutNamed(recipients, [...to, ...cc, ...bcc])
  return [...bcc.map(addressOf), ...others.map((address) => ({ Name: '', Address: address }))]
}

/** The keys that a message has in lists and on its own. */
function commonOf(api: Api, mail: Mail, facts: MessageFacts) {
  const [{ entry }] = mail.copies
  const session = api.lab.sessionLog.get(entry.envelope?.session ?? '')
  return {
    ID: mail.id,
    MessageID: facts.messageId.replace(/^<|>$/g, ''),
    From: facts.from ? addressOf(facts.from) : NO_ADDRESS,
    To: facts.to.map(addressOf),
    Cc: facts.cc.map(addressOf),
    Bcc: bccOf(facts, recipientsOf(api, mail, facts)),
    ReplyTo: facts.replyTo.map(addressOf),
    Subject: facts.subject,
    Username: session && seesSession(mail.caller, session) ? (session.user ?? '') : '',
    Tags: mail.tags,
    Size: entry.sizeOctets,
  }
}

/** Returns a message in a list. */
export const mailpitSummary = (api: Api, mail: Mail, facts: MessageFacts) => ({
  ...commonOf(api, mail, facts),
  Read: mail.isRead,
  Created: timeText(mail.copies[0].entry.savedAt),
  Attachments: facts.attachments,
  Snippet: facts.snippet,
})

/** Returns a message that has arrived, in the form of lists; undefined if it was deleted meanwhile. */
export async function arrivedSummary(api: Api, copy: IndexedMessage, caller: Caller) {
  const facts = await api.reader.facts(copy)
  return facts && mailpitSummary(api, mailOfCopies([copy], caller), facts)
}

const SEES_ALL: Caller = { role: 'administrator', name: 'webhook' }

/** Returns what Mailpit's webhook sends of a message that has arrived. https://mailpit.axllent.org/docs/integration/webhook/ */
export const mailpitWebhook: WebhookData = async (api, { name, message }) => {
  const found = name === 'message.received' && message && 'order' in message ? message : undefined
  return found?.entry.envelope ? arrivedSummary(api, found, SEES_ALL) : undefined
}

/** Returns a whole message. */
export function* mailpitMessage(api: Api, { mail, facts, message }: ReceivedMail): Steps<object> {
  const { entry } = mail.copies[0]
  const date = facts.date === undefined || Number.isNaN(facts.date.getTime()) ? undefined : facts.date.getTime()
  return {
    ...commonOf(api, mail, facts),
    ReturnPath: entry.envelope?.mailFrom || (facts.from?.address ?? ''),
    ListUnsubscribe: listUnsubscribeOf(message.headers),
    Date: timeText(date ?? entry.savedAt),
    Text: yield* message.textInSteps(),
    HTML: message.html ?? '',
    ...(yield* filesOf(message)),
  }
}

/** Returns the List-Unsubscribe fields of a message, with their mistakes. RFC 2369 section 3.2, RFC 8058. */
function listUnsubscribeOf(headers: ReadonlyMap<string, string>) {
  const header = headers.get('list-unsubscribe') ?? ''
  const links = Array.from(header.matchAll(/<([^<>]*)>/g), ([, link = '']) => link.trim())
  return {
    Header: header,
    Links: links,
    Errors: header === '' ? '' : mistakesOf(links),
    HeaderPost: headers.get('list-unsubscribe-post') ?? '',
  }
}

function mistakesOf(links: readonly string[]): string {
  if (links.length === 0) return 'no link in angle brackets'
  const count = (scheme: RegExp): number => links.filter((link) => scheme.test(link)).length
  return [
    ...links.filter((link) => !/^(?:mailto:.|https?:\/\/.)/i.test(link)).map((link) => `${link} is not a valid link`),
    ...(count(/^mailto:/i) > 1 ? ['more than one mailto link'] : []),
    ...(count(/^https?:/i) > 1 ? ['more than one HTTP link'] : []),
  ].join(', ')
}

function* filesOf(read: ReadableMessage): Steps<object> {
  const numbers = new Map(numberedParts(read.structure).map(({ number, part }) => [part, number]))
  const attachments = yield* read.attachmentsInSteps(...HASHES)
  const files = attachments.map((file, index) => {
    const part = read.attachedParts[index] as MessagePart
    // An image of the HTML, which often has no Content-Disposition.
    const isInline = file.disposition === 'inline' || (file.cid !== undefined && part.disposition === undefined)
    return { isInline, shape: attachmentOf(file, numbers.get(part) ?? '') }
  })
  return {
    Inline: files.filter(({ isInline }) => isInline).map(({ shape }) => shape),
    Attachments: files.filter(({ isInline }) => !isInline).map(({ shape }) => shape),
  }
}

const HASHES = ['md5', 'sha1', 'sha256'] as const

function attachmentOf(file: Attachment, part: string) {
  const { filename, contentType, cid, sizeOctets } = file
  return {
    PartID: part,
    FileName: filename ?? cid ?? '',
    ContentType: contentType,
    ContentID: cid ?? '',
    Size: sizeOctets,
    Checksums: { MD5: file.digest('md5'), SHA1: file.digest('sha1'), SHA256: file.digest('sha256') },
  }
}
