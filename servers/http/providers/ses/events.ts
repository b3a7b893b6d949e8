import { randomUUID } from 'node:crypto'
import type { ProviderEvent } from '../../../../src/core/config/schema/provider-events.ts'
import { timeText } from '../../../../src/core/time/time-text.ts'
import type { EventPosts, MailEvent } from '../types.ts'
import { ACCOUNT, notificationsOf } from './sns.ts'

const AGENT = { ipAddress: '192.0.2.1', userAgent: 'Mozilla/5.0' }

/** The name of each event, and what it says. https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html */
const forms: Readonly<
  Record<ProviderEvent, readonly [name: string, form: (event: MailEvent, time: string) => object]>
> = {
  sent: ['Send', () => ({})],
  delivered: [
    'Delivery',
    ({ recipient, reply }, timestamp) => ({
      timestamp,
      processingTimeMillis: 500,
      recipients: [recipient],
      smtpResponse: `${reply.code} ${reply.status} ${reply.text}`,
      reportingMTA: 'a1-1.smtp-out.eu-west-1.amazonses.com',
    }),
  ],
  deferred: [
    'DeliveryDelay',
    ({ recipient, reply, at }, timestamp) => ({
      timestamp,
      delayType: 'General',
      expirationTime: timeText(at + 14 * 3_600_000),
      delayedRecipients: [
        { emailAddress: recipient, status: reply.status, diagnosticCode: `smtp; ${reply.code} ${reply.text}` },
      ],
    }),
  ],
  bounced: ['Bounce', (event, time) => bounce(event, time, 'Permanent', 'General')],
  'soft-bounced': [
    'Bounce',
    (event, time) => bounce(event, time, 'Transient', event.reply.status.endsWith('.2.2') ? 'MailboxFull' : 'General'),
  ],
  dropped: ['Bounce', (event, time) => bounce(event, time, 'Permanent', 'OnAccountSuppressionList')],
  complained: [
    'Complaint',
    ({ recipient }, timestamp) => ({
      complainedRecipients: [{ emailAddress: recipient }],
      timestamp,
      feedbackId: randomUUID(),
      complaintSubType: null,
      userAgent: 'Sealpost',
      complaintFeedbackType: 'abuse',
    }),
  ],
  opened: ['Open', (_, timestamp) => ({ ...AGENT, timestamp })],
  clicked: ['Click', (_, timestamp) => ({ ...AGENT, timestamp, link: 'https://example.com/', linkTags: null })],
  unsubscribed: [
    'Subscription',
    (_, timestamp) => ({
      contactList: 'lab',
      timestamp,
      source: 'UnsubscribeHeader',
      newTopicPreferences: { unsubscribeAll: true },
    }),
  ],
}

const bounce = ({ recipient, reply }: MailEvent, timestamp: string, bounceType: string, bounceSubType: string) => ({
  feedbackId: randomUUID(),
  bounceType,
  bounceSubType,
  bouncedRecipients: [
    {
      emailAddress: recipient,
      action: 'failed',
      status: reply.status,
      diagnosticCode: `smtp; ${reply.code} ${reply.status} ${reply.text}`,
    },
  ],
  timestamp,
  reportingMTA: 'dns; a1-1.smtp-out.eu-west-1.amazonses.com',
})

/** Without a configuration set, SES reports these, as notifications of the identity. */
const NOTIFICATIONS = ['Bounce', 'Complaint', 'Delivery']

function messageOf(event: MailEvent): object | undefined {
  const { mail, type, at } = event
  const [name, form] = forms[type]
  const { configurationSet } = mail.details
  if (configurationSet === undefined && !NOTIFICATIONS.includes(name)) return undefined
  const tags = Object.fromEntries(Object.entries(mail.arguments).map(([key, value]) => [key, [value]]))
  const { from, recipients, messageId, subject } = mail
  const headers = { From: from, To: recipients.join(', '), Subject: subject, 'Message-ID': `<${messageId}>` }
  const key = name.charAt(0).toLowerCase() + name.slice(1)
  return {
    [configurationSet === undefined ? 'notificationType' : 'eventType']: name,
    mail: {
      timestamp: timeText(mail.at),
      source: from,
      sourceArn: `arn:aws:ses:${mail.details.region}:${ACCOUNT}:identity/${from}`,
      sendingAccountId: ACCOUNT,
      messageId: mail.id,
      destination: recipients,
      headersTruncated: false,
      headers: Object.entries(headers).map(([header, value]) => ({ name: header, value })),
      commonHeaders: { from: [from], to: recipients, messageId: mail.id, subject },
      ...(configurationSet === undefined
        ? {}
        : { tags: { 'ses:configuration-set': [configurationSet], 'ses:source-ip': ['127.0.0.1'], ...tags } }),
    },
    [key]: form(event, timeText(at)),
  }
}

/** The events of SES, as notifications of Amazon SNS. */
export const sesEvents: EventPosts = async (events, target) => {
  const wanted = events.flatMap((event) => {
    const message = messageOf(event)
    const facts = { id: event.id, region: event.mail.details.region ?? '', name: forms[event.type][0] }
    return message ? [{ ...facts, message: JSON.stringify(message) }] : []
  })
  return notificationsOf(wanted, target)
}
