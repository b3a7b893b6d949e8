import { serverOf } from '../draft.ts'
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
  {
    variable: 'ServerOptions__Port',
    flags: ['--smtpport'],
    becomes: '`port` of the SMTP virtual server',
    apply({ draft, value }) {
      serverOf(draft, 'smtp').port = portOf(value)
    },
  },
  portSetting('ServerOptions__ImapPort', '--imapport', 'imap'),
  portSetting('ServerOptions__Pop3Port', '--pop3port', 'pop3'),
  {
    variable: 'ServerOptions__AllowRemoteConnections',
    flags: ['--allowremoteconnections'],
    isSwitch: true,
    becomes: '`address` of SMTP, IMAP4 and POP3: 0.0.0.0, or 127.0.0.1',
    apply: ({ draft, value }) => listenAll(draft, isOn(value) ? '0.0.0.0' : '127.0.0.1'),
  },
  {
    variable: 'ServerOptions__BindAddress',
    flags: ['--bindaddress'],
    becomes: '`address` of SMTP, IMAP4 and POP3',
    apply: ({ draft, value }) => listenAll(draft, value),
  },
  {
    variable: 'ServerOptions__DisableIPv6',
    flags: ['--disableipv6'],
    isSwitch: true,
    always: 'each virtual server listens on one address',
  },
  {
    variable: 'ServerOptions__HostName',
    flags: ['--hostname'],
    becomes: '`hostname`',
    apply({ draft, value }) {
      draft.lab.hostname = value
    },
  },
]
