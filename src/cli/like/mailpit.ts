import { draftConfiguration } from './draft.ts'
import { chaosSettings } from './mailpit/chaos.ts'
import { generalSettings } from './mailpit/general.ts'
import { httpSettings } from './mailpit/http.ts'
import { pop3Settings } from './mailpit/pop3.ts'
import { relaySettings } from './mailpit/relay.ts'
import { finishSmtp, smtpSettings } from './mailpit/smtp.ts'
import { tagSettings } from './mailpit/tags.ts'
import { missingSettings, setting } from './rows.ts'
import type { Tool } from './tool.ts'

/** https://mailpit.axllent.org/docs/configuration/runtime-options/ */
export const mailpit: Tool = {
  name: 'mailpit',
  prefixes: ['MP_'],
  // Every variable and flag of Mailpit. https://github.com/axllent/mailpit/blob/develop/cmd/root.go
  settings: [
    ...generalSettings,
    ...httpSettings,
    ...smtpSettings,
    ...relaySettings,
    ...chaosSettings,
    ...pop3Settings,
    ...tagSettings,
    setting('MP_WEBHOOK_URL --webhook-url', '`webhooks` with `format: mailpit`', ({ draft, value }) => {
      draft.lab.webhooks = [{ url: value, format: 'mailpit', retries: [] }]
    }),
    ...missingSettings('every message is sent', 'MP_WEBHOOK_LIMIT --webhook-limit'),
    ...missingSettings('messages are sent immediately', 'MP_WEBHOOK_DELAY --webhook-delay'),
  ],
  draft() {
    const limits = { messageSize: '50MiB' }
    const draft = draftConfiguration('mailpit', {
      smtp: {
        name: 'Mailpit SMTP',
        protocol: 'smtp',
        port: 1025,
        authentication: ['anonymous'],
        limits: { ...limits, recipients: 100 },
      },
      http: {
        name: 'Mailpit HTTP',
        protocol: 'http',
        port: 8025,
        authentication: ['anonymous'],
        limits,
        like: { tool: 'mailpit' },
      },
    })
    draft.lab.retention = [{ keep: { count: 500 } }]
    draft.lab.mail.tagging = { header: 'X-Tags', plusAddresses: true }
    return draft
  },
  finish: finishSmtp,
}
