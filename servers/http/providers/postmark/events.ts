import { createHash } from 'node:crypto'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { type EventRows, eventPosts, READER, replyText } from '../tables.ts'
import type { MailEvent } from '../types.ts'

const AGENT = {
  Client: { Name: 'Firefox', Company: 'Mozilla', Family: 'Firefox' },
  OS: { Name: 'Linux', Company: 'Linux', Family: 'Linux' },
  Platform: 'Desktop',
  UserAgent: READER.agent,
  Geo: {},
}

const bounce = (Type: string, TypeCode: number, Name: string, Inactive: boolean) => (event: MailEvent) => ({
  // A number that JavaScript holds exactly.
  ID: createHash('sha256').update(event.id).digest().readUIntBE(0, 6),
  Type,
  TypeCode,
  Name,
  Inactive,
  CanActivate: Inactive,
  DumpAvailable: false,
  Description: event.reply.text,
  Details: `smtp;${replyText(event)}`,
  Email: event.recipient,
  From: event.mail.from,
  Subject: event.mail.subject,
  BouncedAt: timeText(event.at),
})
const read = ({ recipient, at }: MailEvent) => ({ Recipient: recipient, ReceivedAt: timeText(at), ...AGENT })

/** https://postmarkapp.com/developer/webhooks/webhooks-overview */
const rows: EventRows = {
  delivered: [
    'Delivery',
    (event) => ({ Recipient: event.recipient, DeliveredAt: timeText(event.at), Details: `smtp;${replyText(event)}` }),
  ],
  bounced: ['Bounce', bounce('HardBounce', 1, 'Hard bounce', true)],
  'soft-bounced': ['Bounce', bounce('SoftBounce', 4096, 'Soft bounce', false)],
  deferred: ['Bounce', bounce('Transient', 2, 'Message delayed', false)],
  complained: ['SpamComplaint', bounce('SpamComplaint', 512, 'Spam complaint', true)],
  opened: ['Open', (event) => ({ FirstOpen: true, ...read(event) })],
  clicked: ['Click', (event) => ({ ClickLocation: 'HTML', OriginalLink: READER.link, ...read(event) })],
  unsubscribed: [
    'SubscriptionChange',
    ({ recipient, at }) => ({
      ChangedAt: timeText(at),
      Recipient: recipient,
      Origin: 'Recipient',
      SuppressSending: true,
      SuppressionReason: 'ManualSuppression',
    }),
  ],
}

/** The events of Postmark: one for each request. */
export const postmarkEvents = eventPosts(rows, 'Postmark', ({ mail }, RecordType, more) => ({
  RecordType,
  ...more,
  MessageID: mail.id,
  ServerID: 1,
  MessageStream: mail.details.stream ?? 'outbound',
  Tag: mail.tags[0] ?? '',
  Metadata: mail.arguments,
}))
