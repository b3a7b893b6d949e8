import { createPrivateKey, createSign } from 'node:crypto'
import type { ProviderEvent } from '../../../../src/core/config/schema/provider-events.ts'
import { READER, replyText } from '../tables.ts'
import type { EventPosts, MailEvent } from '../types.ts'

const AGENT = { useragent: READER.agent, ip: READER.ip }
const bounce = (type: string) => (event: MailEvent) => ({
  event: 'bounce',
  type,
  status: event.reply.status,
  reason: replyText(event),
  bounce_classification: type === 'bounce' ? 'Invalid Address' : 'Mailbox Unavailable',
  tls: 1,
})

/** https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event#event-objects */
const forms: Readonly<Record<ProviderEvent, (event: MailEvent) => object>> = {
  sent: () => ({ event: 'processed', send_at: 0 }),
  delivered: (event) => ({ event: 'delivered', response: replyText(event), tls: 1 }),
  deferred: (event) => ({ event: 'deferred', response: replyText(event), attempt: '1', tls: 1 }),
  bounced: bounce('bounce'),
  'soft-bounced': bounce('blocked'),
  dropped: ({ reply }) => ({ event: 'dropped', reason: 'Bounced Address', status: reply.status }),
  complained: () => ({ event: 'spamreport' }),
  opened: () => ({ event: 'open', sg_machine_open: false, sg_content_type: 'html', ...AGENT }),
  clicked: () => ({ event: 'click', url: READER.link, url_offset: { index: 0, type: 'html' }, ...AGENT }),
  unsubscribed: () => ({ event: 'unsubscribe' }),
}

const eventOf = (event: MailEvent): object => ({
  ...event.mail.arguments,
  email: event.recipient,
  timestamp: Math.floor(event.at / 1000),
  'smtp-id': `<${event.mail.messageId}>`,
  sg_event_id: Buffer.from(event.id.replaceAll('-', ''), 'hex').toString('base64url'),
  sg_message_id: `${event.mail.id}.recvd-1-1-0`,
  ...(event.mail.tags.length > 0 ? { category: event.mail.tags } : {}),
  ...forms[event.type](event),
})

/** The events of SendGrid: an array for each request, signed with a key on the curve P-256. */
export const sendGridEvents: EventPosts = (events, { api, hook }) => {
  // The signature covers the line end that SendGrid sends.
  const body = `${JSON.stringify(events.map(eventOf))}\r\n`
  const timestamp = `${Math.floor(api.lab.clock.now() / 1000)}`
  const headers = { 'User-Agent': 'SendGrid Event API' }
  if (hook.secret === undefined) return [{ event: 'events', body, headers }]
  const key = createPrivateKey({ key: Buffer.from(hook.secret, 'base64'), format: 'der', type: 'pkcs8' })
  const signature = createSign('sha256')
    .update(timestamp + body)
    .sign(key, 'base64')
  // https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
  const signed = {
    'X-Twilio-Email-Event-Webhook-Signature': signature,
    'X-Twilio-Email-Event-Webhook-Timestamp': timestamp,
  }
  return [{ event: 'events', body, headers: { ...headers, ...signed } }]
}
