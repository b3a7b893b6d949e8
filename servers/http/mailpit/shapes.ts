import { createHash } from 'node:crypto'
import type { Api } from '../../../src/api/api.ts'
import { seesSession } from '../../../src/api/caller.ts'
import type { MessageFacts } from '../../../src/api/messages/message-facts.ts'
import { numberedParts } from '../../../src/api/messages/read.ts'
import { recipientsFor } from '../../../src/api/messages/summary.ts'
import { timeText } from '../../../src/core/time/time-text.ts'
import type { Attachment, ReadableAddress, ReadableMessage } from '../../../src/mail/format/readable.ts'
import type { MessagePart } from '../../../src/mail/format/types.ts'
import type { MessageReads } from '../../../src/storage/store/types.ts'
import type { Mail } from '../delivered-mail.ts'
import { listUnsubscribeOf } from './list-unsubscribe.ts'

// The keys are those of Mailpit's API: https://mailpit.axllent.org/docs/api-v1/

interface MailpitAddress {
  readonly Name: string
  readonly Address: string
}

const addressOf = ({ name, address }: ReadableAddress): MailpitAddress => ({ Name: name, Address: address })
const NO_ADDRESS: MailpitAddress = { Name: '', Address: '' }

/** Returns the recipients in Bcc, and those of the envelope that no field names. */
function bccOf(api: Api, { copies: [{ folder, entry }], caller }: Mail, facts: MessageFacts): MailpitAddress[] {
  const { to, cc, bcc } = facts
  const named = new Set([...to, ...cc, ...bcc].map(({ address }) => address.toLowerCase()))
  const unnamed = recipientsFor({ api, caller }, folder, entry, facts).filter(
    (address) => !named.has(address.toLowerCase()),
  )
  return [...bcc.map(addressOf), ...unnamed.map((address) => ({ Name: '', Address: address }))]
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
    Bcc: bccOf(api, mail, facts),
    ReplyTo: facts.replyTo.map(addressOf),
    Subject: facts.subject,
    Username: session && seesSession(mail.caller, session) ? (session.user ?? '') : '',
    Tags: mail.tags,
    Size: entry.sizeOctets,
  }
}

/** Returns a message in a list; undefined if it was deleted meanwhile. @param source where it is read. Default: the store */
export async function mailpitSummary(api: Api, mail: Mail, source?: MessageReads) {
  const [first] = mail.copies
  const facts = await api.reader.facts(first, { source })
  if (!facts) return undefined
  return {
    ...commonOf(api, mail, facts),
    Read: mail.isRead,
    Created: timeText(first.entry.savedAt),
    Attachments: facts.attachments,
    Snippet: facts.snippet,
  }
}

/** Returns a whole message; undefined if it was deleted meanwhile. */
export async function mailpitMessage(api: Api, mail: Mail) {
  const [first] = mail.copies
  const facts = await api.reader.facts(first)
  const read = await api.reader.read(first)
  if (!facts || !read) return undefined
  const { entry } = first
  const date = facts.date === undefined || Number.isNaN(facts.date.getTime()) ? undefined : facts.date.getTime()
  return {
    ...commonOf(api, mail, facts),
    ReturnPath: entry.envelope?.mailFrom || (facts.from?.address ?? ''),
    ListUnsubscribe: listUnsubscribeOf(read.headers),
    Date: timeText(date ?? entry.savedAt),
    Text: read.text,
    HTML: read.html ?? '',
    ...filesOf(read),
  }
}

function filesOf(read: ReadableMessage) {
  const numbers = new Map(numberedParts(read.structure).map(({ number, part }) => [part, number]))
  const files = read.attachments.map((file, index) => {
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

function attachmentOf({ filename, contentType, cid, content }: Attachment, part: string) {
  const hash = (name: string): string => createHash(name).update(content).digest('hex')
  return {
    PartID: part,
    FileName: filename ?? cid ?? '',
    ContentType: contentType,
    ContentID: cid ?? '',
    Size: content.length,
    Checksums: { MD5: hash('md5'), SHA1: hash('sha1'), SHA256: hash('sha256') },
  }
}
