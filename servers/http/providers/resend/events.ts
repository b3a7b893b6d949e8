import type { ProviderEvent } from '../../../../src/core/config/schema/provider-events.ts'
import { timeText } from '../../../../src/core/time/time-text.ts'
import type { EventPosts, MailEvent } from '../types.ts'

const bounce = (type: string, subType: string) => (event: MailEvent) => ({
  bounce: { message: event.reply.text, type, subType },
})
const agent = ({ at }: MailEvent) => ({ ipAddress: '192.0.2.1', timestamp: timeText(at), userAgent: 'Mozilla/5.0' })

/** https://resend.com/docs/dashboard/webhooks/event-types */
const forms: Partial<Readonly<Record<ProviderEvent, readonly [type: string, more?: (event: MailEvent) => object]>>> = {
  sent: ['email.sent'],
  delivered: ['email.delivered'],
  deferred: ['email.delivery_delayed'],
  bounced: ['email.bounced', bounce('Permanent', 'General')],
  'soft-bounced': ['email.bounced', bounce('Transient', 'MailboxFull')],
  dropped: ['email.suppressed', bounce('Permanent', 'Suppressed')],
  complained: ['email.complained'],
  opened: ['email.opened', (event) => ({ open: agent(event) })],
  clicked: ['email.clicked', (event) => ({ click: { link: 'https://example.com/', ...agent(event) } })],
}

/** The events of Resend: one for each request, signed as Svix signs. */
export const resendEvents: EventPosts = (events) =>
  events.flatMap((event) => {
    const [type, more] = forms[event.type] ?? []
    if (type === undefined) return []
    const { mail } = event
    const data = {
      created_at: timeText(mail.at),
      email_id: mail.id,
      from: mail.from,
      to: [event.recipient],
      subject: mail.subject,
      tags: mail.arguments,
      ...more?.(event),
    }
    const body = JSON.stringify({ type, created_at: timeText(event.at), data })
    return [{ event: type, body, headers: { 'User-Agent': 'Svix-Webhooks/1.0' }, sign: 'svix' as const }]
  })
