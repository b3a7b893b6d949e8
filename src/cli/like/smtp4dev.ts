import { draftConfiguration, keepNewest } from './draft.ts'
import { generalSettings } from './smtp4dev/general.ts'
import { httpSettings } from './smtp4dev/http.ts'
import { listenSettings } from './smtp4dev/listen.ts'
import { finishMailboxes, mailboxSettings } from './smtp4dev/mailboxes.ts'
import { relaySettings } from './smtp4dev/relay.ts'
import { tlsSettings } from './smtp4dev/tls.ts'
import { finishUsers, userSettings } from './smtp4dev/users.ts'
import type { Tool } from './tool.ts'

/** https://github.com/rnwood/smtp4dev/blob/master/docs/Configuration.md and its appsettings.json */
export const smtp4dev: Tool = {
  name: 'smtp4dev',
  prefixes: ['ServerOptions__', 'RelayOptions__'],
  ignoresCase: true,
  // Every variable and flag of smtp4dev. Those of users need the HTTP virtual server, and TLS needs the ports.
  settings: [
    ...listenSettings,
    ...httpSettings,
    ...tlsSettings,
    ...userSettings,
    ...mailboxSettings,
    ...relaySettings,
    ...generalSettings,
  ],
  draft() {
    const draft = draftConfiguration('smtp4dev', {
      smtp: {
        name: 'smtp4dev SMTP',
        protocol: 'smtp',
        port: 25,
        authentication: ['anonymous', 'plain', 'login'],
      },
      imap: {
        name: 'smtp4dev IMAP4',
        protocol: 'imap4',
        port: 143,
        authentication: ['basic', 'plain', 'login'],
        maildrop: 'captured',
      },
      pop3: {
        name: 'smtp4dev POP3',
        protocol: 'pop3',
        port: 110,
        authentication: ['basic'],
        maildrop: 'captured',
      },
      http: { name: 'smtp4dev HTTP', protocol: 'http', port: 5000, like: { tool: 'smtp4dev' } },
    })
    keepNewest(draft, 100)
    return draft
  },
  finish(draft, other) {
    finishUsers(draft, other)
    finishMailboxes(draft, other)
  },
}
