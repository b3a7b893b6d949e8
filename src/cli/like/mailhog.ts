import { acceptAnySender } from './accounts.ts'
import { draftConfiguration } from './draft.ts'
import { jimSettings } from './mailhog/jim.ts'
import { serverSettings } from './mailhog/servers.ts'
import type { Tool } from './tool.ts'

/** https://github.com/mailhog/MailHog/blob/master/docs/CONFIG.md */
export const mailhog: Tool = {
  name: 'mailhog',
  prefixes: ['MH_'],
  // Every variable and flag of MailHog.
  settings: [...serverSettings, ...jimSettings],
  draft() {
    const draft = draftConfiguration('mailhog', {
      smtp: { name: 'MailHog SMTP', protocol: 'smtp', port: 1025, authentication: ['anonymous', 'plain'] },
      http: {
        name: 'MailHog HTTP',
        protocol: 'http',
        port: 8025,
        authentication: ['anonymous'],
        like: { tool: 'mailhog' },
      },
    })
    draft.lab.hostname = 'mailhog.example'
    return draft
  },
  // MailHog accepts any name and password.
  finish: acceptAnySender,
}
