import { timeText } from '../../../../src/core/time/time-text.ts'
import { type EventRows, eventPosts, READER } from '../tables.ts'
import type { MailEvent } from '../types.ts'

const bounce = (type: string, subType: string) => (event: MailEvent) => ({
  bounce: { message: event.reply.text, type, subType },
})
const reader = ({ at }: MailEvent) => ({ ipAddress: READER.ip, timestamp: timeText(at), userAgent: READER.agent })

/** https://resend.com/docs/dashboard/webhooks/event-types */
const rows: EventRows = {
  sent: ['email.sent'],
  delivered: ['email.delivered'],
  deferred: ['email.delivery_delayed'],
  bounced: ['email.bounced', bounce('Permanent', 'General')],
  'soft-bounced': ['email.bounced', bounce('Transient', 'MailboxFull')],
  dropped: ['email.suppressed', bounce('Permanent', 'Suppressed')],
  complained: ['email.complained'],
  opened: ['email.opened', (event) => ({ open: reader(event) })],
  clicked: ['email.clicked', (event) => ({ click: { link: READER.link, ...reader(event) } })],
}

/** The events of Resend: one for each request, signed as Svix signs. */
export const resendEvents = eventPosts(
  rows,
  'Svix-Webhooks/1.0',
  ({ mail, recipient, at }, type, more) => ({
    type,
    created_at: timeText(at),
    data: {
      created_at: timeText(mail.at),
      email_id: mail.id,
      from: mail.from,
      to: [recipient],
      subject: mail.subject,
      tags: mail.arguments,
      ...more,
    },
  }),
  'svix',
)
