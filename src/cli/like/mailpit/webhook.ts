import type { Setting } from '../tool.ts'

export const webhookSettings: readonly Setting[] = [
  {
    variable: 'MP_WEBHOOK_URL',
    flags: ['--webhook-url'],
    becomes: '`webhooks` with `format: mailpit`',
    apply({ draft, value }) {
      draft.lab.webhooks = [{ url: value, format: 'mailpit', retries: [] }]
    },
  },
  { variable: 'MP_WEBHOOK_LIMIT', flags: ['--webhook-limit'], missing: 'every message is sent' },
  { variable: 'MP_WEBHOOK_DELAY', flags: ['--webhook-delay'], missing: 'messages are sent at once' },
]
