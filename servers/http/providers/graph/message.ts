import { createHash } from 'node:crypto'
import type { Api } from '../../../../src/api/api.ts'
import type { IndexedMessage } from '../../../../src/api/messages/message-index.ts'
import { tagsOf } from '../../../../src/api/messages/summary.ts'
import { runInSlices } from '../../../../src/core/time/time-slice.ts'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { omitUndefined } from '../../../../src/core/values/omit-undefined.ts'
import type { Attachment } from '../../../../src/mail/format/attachments.ts'
import type { ReadableAddress } from '../../../../src/mail/format/readable.ts'
import type { MessageReads } from '../../../../src/storage/store/types.ts'
import { shownId } from '../mailbox/mailbox.ts'
import { Base64 } from '../types.ts'
import { type Entity, type Item, type Property, propertiesInMemory, propertiesOf } from './entity.ts'

export type MessageItem = Item<IndexedMessage>

/** Reads a message for properties up to a level. Undefined if it was deleted meanwhile. */
export async function readItem<T>(
  { reader }: Api,
  message: IndexedMessage,
  { level, source, isText = false }: { level: number; source?: MessageReads; isText?: boolean },
  work: (item: MessageItem) => T,
): Promise<T | undefined> {
  if (level === 0) return work({ message })
  const facts = level === 1 ? await reader.facts(message, { source, isScan: true }) : undefined
  if (level === 1) return facts && work({ message, facts })
  return reader.use(
    message,
    async ({ read }) => {
      await runInSlices(read.textInSteps())
      return work({ message, facts: read, read, isText })
    },
    source,
  )
}

/** Returns a time as Graph shows it, in whole seconds. */
const seconds = (ms: number): string => `${timeText(ms).slice(0, 19)}Z`

const of = propertiesOf<IndexedMessage>
const [ofEntry, ofFacts, ofWhole] = [of(0), of(1), of(2)]

const inner = ['emailAddress/address', 'emailAddress/name']
const person = ({ name, address }: ReadableAddress) => ({ emailAddress: { name: name || address, address } })
const people = (field: 'to' | 'cc' | 'bcc' | 'replyTo') => ofFacts(({ facts }) => facts?.[field].map(person), { inner })
const sender = ofFacts(({ facts }) => facts?.from && person(facts.from), { inner })
const saved = ofEntry(({ message }) => seconds(message.entry.savedAt), { isDate: true })

/** The keywords of what IMAP has no flag for. `$Important`: RFC 8457. */
export const IMPORTANT = '$Important'
export const COMPLETE = '$Completed'

const has = ({ message }: MessageItem, flag: string): boolean => message.entry.flags.includes(flag)
const flag = (name: string) =>
  ofEntry((item) => has(item, name), {
    stored: (operator, value) =>
      operator === 'eq' && typeof value === 'boolean' ? { flag: name, negated: !value } : undefined,
  })

/** Returns the received dates that a comparison finds. Graph compares whole seconds. */
const received: Property<IndexedMessage>['stored'] = (operator, value) => {
  const [at, number] = [Date.parse(`${value}`) / 1000, 'internalDate'] as const
  const [from, next] = [Math.ceil(at) * 1000, Math.floor(at) * 1000 + 1000]
  const least: Partial<Record<string, number>> = { eq: from, ge: from, gt: next }
  const below: Partial<Record<string, number>> = { eq: next, le: next, lt: from }
  const range = omitUndefined({ from: least[operator], below: below[operator] })
  return Object.keys(range).length > 0 ? { number, ...range } : undefined
}

const header = ({ read }: MessageItem, name: string): string => read?.headers.get(name) ?? ''

/** Returns the importance that a message has in its header. */
export function headerImportance(item: MessageItem): string {
  const text = ['importance', 'x-priority', 'x-msmail-priority'].map((name) => header(item, name)).join(' ')
  return /\bhigh\b|\b[12]\b/i.test(text) ? 'high' : /\blow\b|\b[45]\b/i.test(text) ? 'low' : 'normal'
}

/** Returns the same id for all messages of a conversation: that of its first message. */
function conversation(item: MessageItem): string {
  const ids = ['references', 'in-reply-to', 'message-id'].map((name) => /<[^<>]*>/.exec(header(item, name))?.[0])
  return createHash('sha256')
    .update(ids.find((one) => one) ?? item.message.entry.blob)
    .digest('base64url')
}

const body = ({ read, isText }: MessageItem) =>
  isText || read?.html === undefined
    ? { contentType: 'text', content: read?.text ?? '' }
    : { contentType: 'html', content: read.html }

const flagStatus = (item: MessageItem): string =>
  has(item, COMPLETE) ? 'complete' : has(item, '\\Flagged') ? 'flagged' : 'notFlagged'

/** Returns the version of a message. */
export const changeKey = (modSeq: number): string => Buffer.from(`${modSeq}`).toString('base64')

/** https://learn.microsoft.com/en-us/graph/api/resources/message */
export const messageEntity: Entity<IndexedMessage> = {
  id: ofEntry(({ message }) => shownId(message)),
  createdDateTime: saved,
  lastModifiedDateTime: saved,
  changeKey: ofEntry(({ message }) => changeKey(message.entry.modSeq)),
  categories: ofEntry(({ message }) => tagsOf(message.entry)),
  receivedDateTime: ofEntry(({ message }) => seconds(message.entry.internalDate), { isDate: true, stored: received }),
  sentDateTime: ofFacts(({ message, facts }) => seconds(facts?.date?.getTime() || message.entry.internalDate), {
    isDate: true,
  }),
  hasAttachments: ofWhole(({ read }) => read?.attachments.some((one) => !isInline(one))),
  internetMessageId: ofFacts(({ facts }) => facts?.messageId),
  subject: ofFacts(({ facts }) => facts?.subject),
  bodyPreview: ofWhole(({ read }) => read?.text.trim().slice(0, 255)),
  importance: ofWhole((item) => (has(item, IMPORTANT) ? 'high' : headerImportance(item))),
  parentFolderId: ofEntry(({ message }) => message.folder.id),
  conversationId: ofWhole(conversation),
  // Outlook writes this field. https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-oxomsg
  conversationIndex: ofWhole((item) => header(item, 'thread-index') || null),
  isDeliveryReceiptRequested: ofWhole((item) => header(item, 'return-receipt-to') !== ''),
  isReadReceiptRequested: ofWhole((item) => header(item, 'disposition-notification-to') !== ''),
  isRead: flag('\\Seen'),
  isDraft: flag('\\Draft'),
  webLink: ofEntry(() => null),
  inferenceClassification: ofEntry(() => 'focused'),
  body: ofWhole(body),
  sender,
  from: sender,
  toRecipients: people('to'),
  ccRecipients: people('cc'),
  bccRecipients: people('bcc'),
  replyTo: people('replyTo'),
  flag: ofEntry((item) => ({ flagStatus: flagStatus(item) }), { inner: ['flagStatus'] }),
  uniqueBody: ofWhole(body, { onSelect: true }),
  internetMessageHeaders: ofWhole(({ read }) => read?.fieldList, { onSelect: true }),
}

interface AttachmentItem {
  readonly number: number
  readonly one: Attachment
  readonly savedAt: number
}

const isInline = ({ disposition, cid }: Attachment): boolean => disposition === 'inline' && cid !== undefined
const isMessage = ({ one }: AttachmentItem): boolean => one.contentType === 'message/rfc822'
const ofPart = propertiesInMemory<AttachmentItem>()

/** https://learn.microsoft.com/en-us/graph/api/resources/fileattachment */
export const attachmentEntity: Entity<AttachmentItem> = {
  '@odata.type': ofPart((item) => `#microsoft.graph.${isMessage(item) ? 'item' : 'file'}Attachment`),
  id: ofPart(({ number }) => `${number}`),
  lastModifiedDateTime: ofPart(({ savedAt }) => seconds(savedAt), { isDate: true }),
  name: ofPart(({ one, number }) => one.filename ?? `attachment-${number}`),
  contentType: ofPart(({ one }) => one.contentType),
  size: ofPart(({ one }) => one.sizeOctets),
  isInline: ofPart(({ one }) => isInline(one)),
  contentId: ofPart(({ one }) => one.cid),
  contentBytes: ofPart((item) => (isMessage(item) ? null : new Base64(item.one.content, 'base64'))),
}

/** Returns the attachments of a message. They are decoded while other sessions run. */
export async function attachmentsOf({ reader }: Api, message: IndexedMessage): Promise<AttachmentItem[]> {
  const found = await reader.use(message, async ({ read }) => {
    const all = await runInSlices(read.attachmentsInSteps())
    return all.map((one, index) => ({ number: index + 1, one, savedAt: message.entry.savedAt }))
  })
  return found ?? []
}
