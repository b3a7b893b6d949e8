import { randomUUID } from 'node:crypto'
import { timeText } from '../../../../src/core/time/time-text.ts'
import { type EventRows, READER, replyText } from '../tables.ts'
import type { EventPosts, MailEvent } from '../types.ts'
import { ACCOUNT, notificationsOf } from './sns.ts'

const AGENT = { ipAddress: READER.ip, userAgent: READER.agent }

/** The name of each event, and what it says besides its time. https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html */
const rows: Required<EventRows> = {
  sent: ['Send'],
  delivered: [
    'Delivery',
    (event) => ({
      processingTimeMillis: 500,
      recipients: [event.recipient],
      smtpResponse: replyText(event),
      reportingMTA: 'a1-1.smtp-out.eu-west-1.amazonses.com',
    }),
  ],
  deferred: [
    'DeliveryDelay',
    ({ recipient, reply: { code, status, text }, at }) => ({
      delayType: 'General',
      expirationTime: timeText(at + 14 * 3_600_000),
      delayedRecipients: [{ emailAddress: recipient, status, diagnosticCode: `smtp; ${code} ${text}` }],
    }),
  ],
  bounced: ['Bounce', (event) => bounce(event, 'Permanent', 'General')],
  'soft-bounced': [
    'Bounce',
    (event) => bounce(event, 'Transient', event.reply.status.endsWith('.2.2') ? 'MailboxFull' : 'General'),
  ],
  dropped: ['Bounce', (event) => bounce(event, 'Permanent', 'OnAccountSuppressionList')],
  complained: [
    'Complaint',
    ({ recipient }) => ({
      complainedRecipients: [{ emailAddress: recipient }],
      feedbackId: randomUUID(),
      complaintSubType: null,
      userAgent: 'Sealpost',
      complaintFeedbackType: 'abuse',
    }),
  ],
  opened: ['Open', () => AGENT],
  clicked: ['Click', () => ({ ...AGENT, link: READER.link, linkTags: null })],
  unsubscribed: [
    'Subscription',
    () => ({ contactList: 'lab', source: 'UnsubscribeHeader', newTopicPreferences: { unsubscribeAll: true } }),
  ],
}

function bounce(event: MailEvent, bounceType: string, bounceSubType: string) {
  const diagnosticCode = `smtp; ${replyText(event)}`
  const bounced = { emailAddress: event.recipient, action: 'failed', status: event.reply.status, diagnosticCode }
  const reportingMTA = 'dns; a1-1.smtp-out.eu-west-1.amazonses.com'
  return { feedbackId: randomUUID(), bounceType, bounceSubType, bouncedRecipients: [bounced], reportingMTA }
}

/** Without a configuration set, SES reports these, as notifications of the identity. */
const NOTIFICATIONS = ['Bounce', 'Complaint', 'Delivery']

function messageOf(event: MailEvent): object | undefined {
  const { mail, type, at } = event
  const [name, more] = rows[type]
  const { configurationSet } = mail.details
  if (configurationSet === undefined && !NOTIFICATIONS.includes(name)) return undefined
  const own = Object.entries(mail.arguments).map(([key, value]) => [key, [value]])
  const tags = { 'ses:source-ip': ['127.0.0.1'], ...Object.fromEntries(own) }
  const { from, recipients, messageId, subject } = mail
  const headers = { From: from, To: recipients.join(', '), Subject: subject, 'Message-ID': `<${messageId}>` }
  const key = name.charAt(0).toLowerCase() + name.slice(1)
  return {
    [configurationSet === undefined ? 'notificationType' : 'eventType']: name,
    mail: {
      timestamp: timeText(mail.at),
      messageId: mail.id,
      source: from,
      destination: recipients,
      sourceArn: `arn:aws:ses:${mail.details.region}:${ACCOUNT}:identity/${from}`,
      sendingAccountId: ACCOUNT,
      headersTruncated: false,
      headers: Object.entries(headers).map(([header, value]) => ({ name: header, value })),
      commonHeaders: { from: [from], to: recipients, messageId: mail.id, subject },
      ...(configurationSet !== undefined && { tags: { 'ses:configuration-set': [configurationSet], ...tags } }),
    },
    [key]: name === 'Send' ? {} : { timestamp: timeText(at), ...more?.(event) },
  }
}

/** The events of SES, as notifications of Amazon SNS. */
export const sesEvents: EventPosts = async (events, target) => {
  const wanted = events.flatMap((event) => {
    const message = messageOf(event)
    const facts = { id: event.id, region: event.mail.details.region ?? '', name: rows[event.type][0] }
    return message ? [{ ...facts, message: JSON.stringify(message) }] : []
  })
  return notificationsOf(wanted, target)
}
