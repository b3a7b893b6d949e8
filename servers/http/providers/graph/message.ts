import { createHash } from 'node:crypto'
import type { Api } from '../../../../src/api/api.ts'
import type { MessageFacts } from '../../../../src/api/messages/message-facts.ts'
import type { IndexedMessage } from '../../../../src/api/messages/message-index.ts'
import { tagsOf } from '../../../../src/api/messages/summary.ts'
import { runInSlices } from '../../../../src/core/time/time-slice.ts'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { definedOnly } from '../../../../src/core/values/defined.ts'
import type { Attachment } from '../../../../src/mail/format/attachments.ts'
import type { ReadableAddress, ReadableMessage } from '../../../../src/mail/format/readable.ts'
import type { MessageReads } from '../../../../src/storage/store/types.ts'
import { type Entity, type Property, propertiesOf } from './odata.ts'

/** A message of which as much is read as the level of the properties needs. */
export interface Item {
  readonly at: IndexedMessage
  readonly facts?: Pick<MessageFacts, 'subject' | 'from' | 'to' | 'cc' | 'bcc' | 'replyTo' | 'date' | 'messageId'>
  readonly read?: ReadableMessage
  /** Whether bodies are shown as text. */
  readonly isText?: boolean
}

/** Reads a message for properties up to a level. Undefined if it was deleted meanwhile. */
export async function readItem<T>(
  api: Api,
  at: IndexedMessage,
  { level, source, isText = false }: { level: number; source?: MessageReads; isText?: boolean },
  work: (item: Item) => T,
): Promise<T | undefined> {
  if (level === 0) return work({ at })
  const facts = level === 1 ? await api.reader.facts(at, { source, isScan: true }) : undefined
  if (level === 1) return facts && work({ at, facts })
  const whole = async ({ read }: { readonly read: ReadableMessage }): Promise<T> => {
    await runInSlices(read.textInSteps())
    return work({ at, facts: read, read, isText })
  }
  return api.reader.use(at, whole, source)
}

/** Returns a time as Graph shows it, in whole seconds. */
const seconds = (ms: number): string => `${timeText(ms).slice(0, 19)}Z`

const [ofEntry, ofFacts, ofWhole] = [propertiesOf<Item>(0), propertiesOf<Item>(1), propertiesOf<Item>(2)]

const inner = ['emailAddress/address', 'emailAddress/name']
const person = ({ name, address }: ReadableAddress) => ({ emailAddress: { name: name || address, address } })
const people = (field: 'to' | 'cc' | 'bcc' | 'replyTo') => ofFacts(({ facts }) => facts?.[field].map(person), { inner })
const sender = ofFacts(({ facts }) => facts?.from && person(facts.from), { inner })
const saved = ofEntry(({ at }) => seconds(at.entry.savedAt), { isDate: true })

/** The keywords of what IMAP has no flag for. `$Important`: RFC 8457. */
export const IMPORTANT = '$Important'
export const COMPLETE = '$Completed'

const has = ({ at }: Item, flag: string): boolean => at.entry.flags.includes(flag)
const flag = (name: string) =>
  ofEntry((item) => has(item, name), {
    stored: (operator, value) =>
      operator === 'eq' && typeof value === 'boolean' ? { flag: name, negated: !value } : undefined,
  })

/** Returns the received dates that a comparison finds. Graph compares whole seconds. */
const received: Property<Item>['stored'] = (operator, value) => {
  const [at, number] = [Date.parse(`${value}`) / 1000, 'internalDate'] as const
  const [from, next] = [Math.ceil(at) * 1000, Math.floor(at) * 1000 + 1000]
  const least: Partial<Record<string, number>> = { eq: from, ge: from, gt: next }
  const below: Partial<Record<string, number>> = { eq: next, le: next, lt: from }
  const range = definedOnly({ from: least[operator], below: below[operator] })
  return Object.keys(range).length > 0 ? { number, ...range } : undefined
}

const header = ({ read }: Item, name: string): string => read?.headers.get(name) ?? ''

/** Returns the importance that a message has in its header. */
export function headerImportance(item: Item): string {
  const text = ['importance', 'x-priority', 'x-msmail-priority'].map((name) => header(item, name)).join(' ')
  return /\bhigh\b|\b[12]\b/i.test(text) ? 'high' : /\blow\b|\b[45]\b/i.test(text) ? 'low' : 'normal'
}

/** Returns the same id for all messages of a conversation: that of its first message. */
function conversation(item: Item): string {
  const ids = ['references', 'in-reply-to', 'message-id'].map((name) => /<[^<>]*>/.exec(header(item, name))?.[0])
  return createHash('sha256')
    .update(ids.find((one) => one) ?? item.at.entry.blob)
    .digest('base64url')
}

const body = ({ read, isText }: Item) =>
  isText || read?.html === undefined
    ? { contentType: 'text', content: read?.text ?? '' }
    : { contentType: 'html', content: read.html }

const flagStatus = (item: Item): string =>
  has(item, COMPLETE) ? 'complete' : has(item, '\\Flagged') ? 'flagged' : 'notFlagged'

/** Returns the version of a message. */
export const changeKey = (modSeq: number): string => Buffer.from(`${modSeq}`).toString('base64')

/** https://learn.microsoft.com/en-us/graph/api/resources/message */
export const message: Entity<Item> = {
  id: ofEntry(({ at }) => at.id),
  createdDateTime: saved,
  lastModifiedDateTime: saved,
  changeKey: ofEntry(({ at }) => changeKey(at.entry.modSeq)),
  categories: ofEntry(({ at }) => tagsOf(at.entry)),
  receivedDateTime: ofEntry(({ at }) => seconds(at.entry.internalDate), { isDate: true, stored: received }),
  sentDateTime: ofFacts(({ at, facts }) => seconds(facts?.date?.getTime() || at.entry.internalDate), { isDate: true }),
  hasAttachments: ofWhole(({ read }) => read?.attachments.some((one) => !isInline(one))),
  internetMessageId: ofFacts(({ facts }) => facts?.messageId),
  subject: ofFacts(({ facts }) => facts?.subject),
  bodyPreview: ofWhole(({ read }) => read?.text.trim().slice(0, 255)),
  importance: ofWhole((item) => (has(item, IMPORTANT) ? 'high' : headerImportance(item))),
  parentFolderId: ofEntry(({ at }) => at.folder.id),
  conversationId: ofWhole(conversation),
  isReadReceiptRequested: ofWhole((item) => header(item, 'disposition-notification-to') !== ''),
  isRead: flag('\\Seen'),
  isDraft: flag('\\Draft'),
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
const ofPart = propertiesOf<AttachmentItem>(0)

/** https://learn.microsoft.com/en-us/graph/api/resources/fileattachment */
export const attachment: Entity<AttachmentItem> = {
  '@odata.type': ofPart((item) => `#microsoft.graph.${isMessage(item) ? 'item' : 'file'}Attachment`),
  id: ofPart(({ number }) => `${number}`),
  lastModifiedDateTime: ofPart(({ savedAt }) => seconds(savedAt), { isDate: true }),
  name: ofPart(({ one, number }) => one.filename ?? `attachment-${number}`),
  contentType: ofPart(({ one }) => one.contentType),
  size: ofPart(({ one }) => one.sizeOctets),
  isInline: ofPart(({ one }) => isInline(one)),
  contentId: ofPart(({ one }) => one.cid),
  contentBytes: ofPart((item) => (isMessage(item) ? null : item.one.content.toString('base64'))),
}

/** Returns the attachments of a message. They are decoded while other sessions run. */
export async function attachmentsOf(api: Api, at: IndexedMessage): Promise<AttachmentItem[]> {
  const found = await api.reader.use(at, async ({ read }) => {
    const all = await runInSlices(read.attachmentsInSteps())
    return all.map((one, index) => ({ number: index + 1, one, savedAt: at.entry.savedAt }))
  })
  return found ?? []
}
