import { draftOf } from './draft.ts'
import { mailpitSettings } from './mailpit/settings.ts'
import { finishSmtp } from './mailpit/smtp.ts'
import type { Tool } from './tool.ts'

/** https://mailpit.axllent.org/docs/configuration/runtime-options/ */
export const mailpit: Tool = {
  name: 'mailpit',
  prefixes: ['MP_'],
  settings: mailpitSettings,
  draft() {
    const limits = { messageSize: '50MiB' }
    const draft = draftOf('mailpit', {
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
    draft.lab.retention = [{ count: 500 }]
    draft.lab.tagging = { header: 'X-Tags', plusAddresses: true }
    return draft
  },
  finish: finishSmtp,
}
