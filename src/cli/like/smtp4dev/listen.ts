import { serverOf } from '../draft.ts'
import { hostname, port, redundantSettings, setting } from '../rows.ts'
import type { Draft, Setting } from '../tool.ts'
import { isOn, listenOn, portOf } from '../values.ts'

const MAIL = ['smtp', 'imap', 'pop3']

/** Sets the address of the mail servers. */
function listenAll({ servers }: Draft, address: string): void {
  for (const key of MAIL) {
    const server = servers.get(key)
    if (server) listenOn(server, address)
  }
}

/** Returns the setting of the port of a mail server. smtp4dev turns it off with an empty value or 0. */
const portSetting = (variable: string, flag: string, key: string): Setting => ({
  variable,
  flags: [flag],
  becomes: `\`port\` of the ${key === 'imap' ? 'IMAP4' : 'POP3'} virtual server; 0 or an empty flag: no such server`,
  apply({ draft, value }) {
    if (value === '' || value === '0') draft.servers.delete(key)
    else serverOf(draft, key).port = portOf(value)
  },
})

export const listenSettings: readonly Setting[] = [
  port('ServerOptions__Port --smtpport', 'smtp'),
  portSetting('ServerOptions__ImapPort', '--imapport', 'imap'),
  portSetting('ServerOptions__Pop3Port', '--pop3port', 'pop3'),
  setting(
    'ServerOptions__AllowRemoteConnections --allowremoteconnections!',
    '`address` of SMTP, IMAP4 and POP3: 0.0.0.0, or 127.0.0.1',
    ({ draft, value }) => listenAll(draft, isOn(value) ? '0.0.0.0' : '127.0.0.1'),
  ),
  setting('ServerOptions__BindAddress --bindaddress', '`address` of SMTP, IMAP4 and POP3', ({ draft, value }) =>
    listenAll(draft, value),
  ),
  ...redundantSettings('each virtual server listens on one address', 'ServerOptions__DisableIPv6 --disableipv6!'),
  hostname('ServerOptions__HostName --hostname'),
]
