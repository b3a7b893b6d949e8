import { createHmac, randomBytes } from 'node:crypto'
import { splitAddress } from '../../../../src/accounts/directory/names.ts'
import type { ProviderEvent } from '../../../../src/core/config/schema/provider-events.ts'
import type { EventPosts, MailEvent } from '../types.ts'

const client = {
  ip: '192.0.2.1',
  geolocation: { country: 'US', region: 'CA', city: 'San Francisco' },
  'client-info': { 'client-name': 'Firefox', 'client-os': 'Linux', 'client-type': 'browser', 'device-type': 'desktop' },
}
const statusOf = ({ reply }: MailEvent) => ({
  'delivery-status': {
    'attempt-no': 1,
    code: reply.code,
    'enhanced-code': reply.status,
    message: reply.text,
    description: '',
    'session-seconds': 0.5,
    'mx-host': 'mx.lab.test',
    tls: true,
  },
})
const failed = (severity: string, reason: string) => (event: MailEvent) => ({
  event: 'failed',
  severity,
  reason,
  'log-level': severity === 'permanent' ? 'error' : 'warn',
  ...statusOf(event),
})

/** https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure */
const forms: Readonly<Record<ProviderEvent, (event: MailEvent) => object>> = {
  sent: () => ({ event: 'accepted', method: 'HTTP' }),
  delivered: (event) => ({ event: 'delivered', ...statusOf(event) }),
  deferred: failed('temporary', 'generic'),
  bounced: failed('permanent', 'bounce'),
  'soft-bounced': failed('temporary', 'generic'),
  dropped: failed('permanent', 'suppress-bounce'),
  complained: () => ({ event: 'complained', 'log-level': 'warn' }),
  opened: () => ({ event: 'opened', ...client }),
  clicked: () => ({ event: 'clicked', url: 'https://example.com/', ...client }),
  unsubscribed: () => ({ event: 'unsubscribed', ...client }),
}

/** The events of Mailgun: one for each request, with its signature in the body. */
export const mailgunEvents: EventPosts = (events, { api, hook }) =>
  events.map((event) => {
    const { mail, recipient } = event
    const timestamp = `${Math.floor(api.lab.clock.now() / 1000)}`
    const token = randomBytes(25).toString('hex')
    const data = {
      id: event.id,
      timestamp: event.at / 1000,
      'log-level': 'info',
      ...forms[event.type](event),
      recipient,
      'recipient-domain': splitAddress(recipient).domain,
      envelope: { sender: mail.from, targets: recipient, transport: 'smtp', 'sending-ip': '127.0.0.1' },
      message: {
        headers: {
          from: mail.from,
          to: mail.recipients.join(', '),
          subject: mail.subject,
          'message-id': mail.messageId,
        },
        attachments: [],
        size: mail.raw.length,
      },
      flags: { 'is-routed': false, 'is-authenticated': true, 'is-system-test': false, 'is-test-mode': false },
      tags: mail.tags,
      campaigns: [],
      'user-variables': mail.arguments,
    }
    // https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
    const signature = createHmac('sha256', hook.secret ?? '')
      .update(timestamp + token)
      .digest('hex')
    const body = JSON.stringify({ signature: { timestamp, token, signature }, 'event-data': data })
    return { event: event.type, body, headers: { 'User-Agent': 'mailgun/treq-22' } }
  })
