import { draftOf, serverOf } from './draft.ts'
import type { Tool } from './tool.ts'
import { listenAt } from './values.ts'

/** https://github.com/mailhog/MailHog/blob/master/docs/CONFIG.md */
export const mailhog: Tool = {
  name: 'mailhog',
  title: 'MailHog',
  prefixes: ['MH_'],
  settings: [
    {
      variable: 'MH_SMTP_BIND_ADDR',
      flags: ['-smtp-bind-addr'],
      becomes: '`address` and `port` of the SMTP virtual server',
      apply: ({ draft, value }) => listenAt(serverOf(draft, 'smtp'), value),
    },
  ],
  draft() {
    const draft = draftOf('mailhog', {
      smtp: { name: 'MailHog SMTP', protocol: 'smtp', port: 1025, authentication: ['anonymous', 'plain'] },
      http: { name: 'MailHog HTTP', protocol: 'http', port: 8025, like: { tool: 'mailhog' } },
    })
    // MailHog accepts any name and password.
    draft.lab.directory = { ...draft.lab.directory, mode: 'open' }
    return draft
  },
}
