import { draftConfiguration } from './draft.ts'
import { generalSettings } from './maildev/general.ts'
import { httpSettings } from './maildev/http.ts'
import { relaySettings } from './maildev/relay.ts'
import { smtpSettings } from './maildev/smtp.ts'
import type { Tool } from './tool.ts'

/** https://github.com/maildev/maildev/blob/master/docs/ and `maildev --help` of versions 2 and 3 */
export const maildev: Tool = {
  name: 'maildev',
  prefixes: ['MAILDEV_'],
  // Every variable and flag of MailDev 2 and 3.
  settings: [...smtpSettings, ...httpSettings, ...relaySettings, ...generalSettings],
  draft() {
    const limits = { messageSize: '50MiB' }
    return draftConfiguration('maildev', {
      // MailDev offers no AUTH unless a user is set.
      smtp: { name: 'MailDev SMTP', protocol: 'smtp', port: 1025, authentication: ['anonymous'], limits },
      http: { name: 'MailDev HTTP', protocol: 'http', port: 1080, like: { tool: 'maildev' } },
    })
  },
}
