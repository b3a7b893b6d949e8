import type { Protocol } from '../../config/schema.ts'
import type { Access, Settings } from './access.ts'
import { imapflow, mbsync, mutt, nodemailer, tin } from './files.ts'

/** A client program, and what to type into it. */
interface Program {
  readonly name: string
  readonly lines: (settings: Settings, caFile: string) => readonly string[]
}

/** The file that the root certificate is written to in the instructions. */
export const CA_FILE = 'lab-ca.pem'

/** What to type into each program, as sections of text. */
export function programTexts(settings: Settings): { readonly name: string; readonly text: string }[] {
  return programs.map(({ name, lines }) => ({ name, text: lines(settings, CA_FILE).join('\n') }))
}

const programs: readonly Program[] = [
  { name: 'Outlook Express 5 and 6', lines: outlookExpress },
  {
    name: 'Outlook',
    lines: (settings, caFile) => [
      ...modern(settings),
      `Trust: import the root into "Trusted Root Certification Authorities" (certutil -user -addstore Root ${caFile}).`,
    ],
  },
  {
    name: 'Thunderbird',
    lines: (settings) => [
      ...modern(settings),
      'Authentication   Normal password',
      'Trust: Settings, Privacy & Security, Certificates, Manage Certificates, Authorities, Import.',
    ],
  },
  {
    name: 'Claws Mail',
    lines: (settings) => [
      ...modern(settings),
      'Configuration, Preferences for current account: Receive, Send, TLS, and Advanced for the ports.',
    ],
  },
  { name: 'mutt and NeoMutt (~/.muttrc)', lines: mutt },
  { name: 'mbsync (~/.mbsyncrc)', lines: mbsync },
  { name: 'tin', lines: tin },
  { name: 'nodemailer', lines: nodemailer },
  { name: 'imapflow', lines: imapflow },
]

const titles: Readonly<Record<Protocol, string>> = {
  pop3: 'Incoming (POP3)',
  imap4: 'Incoming (IMAP)',
  smtp: 'Outgoing (SMTP)',
  nntp: 'News (NNTP)',
}

const order: readonly Protocol[] = ['pop3', 'imap4', 'smtp', 'nntp']

/** A line for each protocol the lab has. */
function each({ access }: Settings, line: (access: Access, title: string) => string): string[] {
  return order.flatMap((protocol) => {
    const one = access[protocol]
    return one ? [line(one, titles[protocol].padEnd(15))] : []
  })
}

const channelNames = { tls: 'SSL/TLS', starttls: 'STARTTLS', clear: 'none' } as const

function modern(settings: Settings): string[] {
  return [
    `E-mail address   ${settings.address}`,
    `User name        ${settings.user}`,
    `Password         ${settings.password}`,
    ...each(settings, ({ host, best }, title) => `${title}  ${host}, port ${best.port}, ${channelNames[best.channel]}`),
  ]
}

function outlookExpress(settings: Settings): string[] {
  return [
    'Tools, Accounts, Properties, Servers and Advanced; SSL is the box "This server requires a secure connection":',
    `E-mail address   ${settings.address}`,
    `Account name     ${settings.user}`,
    `Password         ${settings.password}`,
    ...each(settings, outlookExpressPorts),
    'Tick "My server requires authentication" for outgoing mail; leave Secure Password Authentication empty.',
    'SSL works where the virtual server has tls: { legacy: true }. Trust: the root for old clients, which',
    'sealpost ca list names and sealpost ca export NAME --format der --out root.cer writes (docs/old-clients.md).',
  ]
}

/** What the port becomes as the box is ticked: 110 to 995, 143 to 993, 119 to 563, SMTP stays 25. */
function outlookExpressPorts({ protocol, host, port, tlsPort, startTls, tlsRequired }: Access, title: string): string {
  // STARTTLS on port 25 alone, implicit TLS on every other SMTP port.
  if (protocol === 'smtp' && port === 25 && startTls) {
    return `${title}  ${host}, port 25, SSL ${tlsRequired ? 'ticked' : 'empty or ticked'}`
  }
  const off = port === undefined ? 'closed' : `port ${port}${tlsRequired ? ' (no log-on without SSL)' : ''}`
  const missing = protocol === 'smtp' ? 'only with SMTP at port 25, or with a tlsPort' : 'no such port'
  return `${title}  ${host}, SSL empty: ${off}; SSL ticked: ${tlsPort === undefined ? missing : `port ${tlsPort}`}`
}
