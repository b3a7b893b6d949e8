import { createHmac, randomBytes } from 'node:crypto'
import { splitAddress } from '../../../../src/accounts/directory/names.ts'
import { type EventRows, eventPosts, READER } from '../tables.ts'
import type { MailEvent } from '../types.ts'

const client = {
  ip: READER.ip,
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
  severity,
  reason,
  'log-level': severity === 'permanent' ? 'error' : 'warn',
  ...statusOf(event),
})

/** https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure */
const rows: EventRows = {
  sent: ['accepted', () => ({ method: 'HTTP' })],
  delivered: ['delivered', statusOf],
  deferred: ['failed', failed('temporary', 'generic')],
  bounced: ['failed', failed('permanent', 'bounce')],
  'soft-bounced': ['failed', failed('temporary', 'generic')],
  dropped: ['failed', failed('permanent', 'suppress-bounce')],
  complained: ['complained', () => ({ 'log-level': 'warn' })],
  opened: ['opened', () => client],
  clicked: ['clicked', () => ({ url: READER.link, ...client })],
  unsubscribed: ['unsubscribed', () => client],
}

const dataOf = ({ id, at, mail, recipient }: MailEvent, event: string, more: object) => ({
  id,
  timestamp: at / 1000,
  'log-level': 'info',
  event,
  ...more,
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
})

/** The events of Mailgun: one for each request, with its signature in the body. */
export const mailgunEvents = eventPosts(rows, 'mailgun/treq-22', (event, name, more, { api, hook }) => {
  const timestamp = `${Math.floor(api.lab.clock.now() / 1000)}`
  const token = randomBytes(25).toString('hex')
  // https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
  const hmac = createHmac('sha256', hook.secret ?? '').update(timestamp + token)
  return { signature: { timestamp, token, signature: hmac.digest('hex') }, 'event-data': dataOf(event, name, more) }
})
