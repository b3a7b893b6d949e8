import { createHash } from 'node:crypto'
import type { ProviderEvent } from '../../../../src/core/config/schema/provider-events.ts'
import { timeText } from '../../../../src/core/time/time-text.ts'
import type { EventPosts, MailEvent } from '../types.ts'

const AGENT = {
  Client: { Name: 'Firefox', Company: 'Mozilla', Family: 'Firefox' },
  OS: { Name: 'Linux', Company: 'Linux', Family: 'Linux' },
  Platform: 'Desktop',
  UserAgent: 'Mozilla/5.0',
  Geo: {},
}

const bounce =
  (RecordType: string, Type: string, TypeCode: number, Name: string, Inactive: boolean) =>
  ({ id, recipient, at, reply, mail }: MailEvent) => ({
    RecordType,
    // A number that JavaScript holds exactly.
    ID: createHash('sha256').update(id).digest().readUIntBE(0, 6),
    Type,
    TypeCode,
    Name,
    Description: reply.text,
    Details: `smtp;${reply.code} ${reply.status} ${reply.text}`,
    Email: recipient,
    From: mail.from,
    BouncedAt: timeText(at),
    DumpAvailable: false,
    Inactive,
    CanActivate: Inactive,
    Subject: mail.subject,
  })

/** https://postmarkapp.com/developer/webhooks/webhooks-overview */
const forms: Partial<Readonly<Record<ProviderEvent, (event: MailEvent) => object>>> = {
  delivered: ({ recipient: Recipient, at, reply }) => ({
    RecordType: 'Delivery',
    Recipient,
    DeliveredAt: timeText(at),
    Details: `smtp;${reply.code} ${reply.status} ${reply.text}`,
  }),
  bounced: bounce('Bounce', 'HardBounce', 1, 'Hard bounce', true),
  'soft-bounced': bounce('Bounce', 'SoftBounce', 4096, 'Soft bounce', false),
  deferred: bounce('Bounce', 'Transient', 2, 'Message delayed', false),
  complained: bounce('SpamComplaint', 'SpamComplaint', 512, 'Spam complaint', true),
  opened: ({ recipient: Recipient, at }) => ({
    RecordType: 'Open',
    FirstOpen: true,
    Recipient,
    ReceivedAt: timeText(at),
    ...AGENT,
  }),
  clicked: ({ recipient: Recipient, at }) => ({
    RecordType: 'Click',
    ClickLocation: 'HTML',
    OriginalLink: 'https://example.com/',
    Recipient,
    ReceivedAt: timeText(at),
    ...AGENT,
  }),
  unsubscribed: ({ recipient: Recipient, at }) => ({
    RecordType: 'SubscriptionChange',
    ChangedAt: timeText(at),
    Recipient,
    Origin: 'Recipient',
    SuppressSending: true,
    SuppressionReason: 'ManualSuppression',
  }),
}

/** The events of Postmark: one for each request. */
export const postmarkEvents: EventPosts = (events) =>
  events.flatMap((event) => {
    const form = forms[event.type]?.(event)
    if (!form) return []
    const { mail } = event
    const shared = {
      MessageID: mail.id,
      ServerID: 1,
      MessageStream: mail.details.stream ?? 'outbound',
      Tag: mail.tags[0] ?? '',
      Metadata: mail.arguments,
    }
    return [{ event: event.type, body: JSON.stringify({ ...form, ...shared }), headers: { 'User-Agent': 'Postmark' } }]
  })
