import type { Protocol } from '../../config/schema.ts'
import type { Connection, ConnectionSettings, Settings } from './settings.ts'

/** File name of the root certificate in the instructions. */
export const CA_FILE = 'lab-ca.pem'

interface Program {
  readonly id: string
  readonly name: string
  /** The protocols that it speaks. */
  readonly speaks: readonly Protocol[]
  /** Returns which of the ports it uses. Default: the best. */
  readonly connects?: (access: ConnectionSettings) => Connection
  /** Whether it knows no TLS that Node.js still has. */
  readonly needsLegacyTls?: true
  readonly lines: (settings: Settings) => readonly string[]
}

/** What to enter in one program. */
export interface ProgramText {
  readonly id: string
  readonly name: string
  /** Whether TLS with it needs `tls.legacy`. */
  readonly needsLegacyTls: boolean
  /** The port that it uses for each protocol of the lab that it speaks. */
  readonly servers: readonly (Connection & { readonly protocol: Protocol })[]
  /** Instructions of several lines. */
  readonly text: string
}

/** Returns what to enter in each program. */
export const programTexts = (settings: Settings): ProgramText[] =>
  programs.map(({ id, name, speaks, connects = ({ best }) => best, needsLegacyTls = false, lines }) => {
    const own = order.filter((protocol) => speaks.includes(protocol))
    const access = Object.fromEntries(own.map((protocol) => [protocol, settings.access[protocol]]))
    const servers = own.flatMap((protocol) => {
      const one = settings.access[protocol]
      return one ? [{ protocol, ...connects(one) }] : []
    })
    return { id, name, needsLegacyTls, servers, text: lines({ ...settings, access }).join('\n') }
  })

const mail: readonly Protocol[] = ['pop3', 'imap4', 'smtp']
const mailAndNews: readonly Protocol[] = [...mail, 'nntp']

const programs: readonly Program[] = [
  {
    id: 'outlook-express',
    name: 'Outlook Express 5 and 6',
    speaks: mailAndNews,
    connects: outlookExpressPort,
    needsLegacyTls: true,
    lines: outlookExpress,
  },
  {
    id: 'outlook',
    name: 'Outlook',
    speaks: mail,
    lines: (settings) => [
      ...modern(settings),
      `Trust: import the root into "Trusted Root Certification Authorities" (certutil -user -addstore Root ${CA_FILE}).`,
    ],
  },
  {
    id: 'thunderbird',
    name: 'Thunderbird',
    speaks: mailAndNews,
    lines: (settings) => [
      ...modern(settings),
      'Authentication   Normal password',
      'Trust: Settings, Privacy & Security, Certificates, Manage Certificates, Authorities, Import.',
    ],
  },
  {
    id: 'claws-mail',
    name: 'Claws Mail',
    speaks: mailAndNews,
    lines: (settings) => [
      ...modern(settings),
      'Configuration, Preferences for current account: Receive, Send, TLS, and Advanced for the ports.',
    ],
  },
  {
    id: 'apple-mail',
    name: 'Apple Mail (macOS and iOS)',
    speaks: mail,
    lines: (settings) => [
      ...modern(settings),
      'The profile sets all of this: open lab.mobileconfig (sealpost client-settings --write DIR), and install it in the',
      'system settings. On iOS, also trust the root: Settings, General, About, Certificate Trust Settings.',
    ],
  },
  {
    id: 'k-9',
    name: 'K-9 Mail and Thunderbird for Android',
    speaks: mail,
    lines: (settings) => [
      ...modern(settings),
      'Authentication   Normal password',
      `Trust: copy ${CA_FILE} to the device; Settings, Security, Encryption & credentials, Install a certificate, CA.`,
    ],
  },
  { id: 'mutt', name: 'mutt and NeoMutt (~/.muttrc)', speaks: ['imap4', 'smtp', 'nntp'], lines: mutt },
  { id: 'mbsync', name: 'mbsync (~/.mbsyncrc)', speaks: ['imap4'], lines: mbsync },
  { id: 'tin', name: 'tin', speaks: ['nntp'], connects: tinPort, lines: tin },
  { id: 'news', name: 'Other news programs (slrn, Pan, Gnus)', speaks: ['nntp'], lines: news },
  { id: 'nodemailer', name: 'nodemailer', speaks: ['smtp'], lines: nodemailer },
  { id: 'imapflow', name: 'imapflow', speaks: ['imap4'], lines: imapflow },
]

const titles: Readonly<Record<Protocol, string>> = {
  pop3: 'Incoming (POP3)',
  imap4: 'Incoming (IMAP)',
  smtp: 'Outgoing (SMTP)',
  nntp: 'News (NNTP)',
}

const order: readonly Protocol[] = ['pop3', 'imap4', 'smtp', 'nntp']

/** Returns a line for each protocol of the lab. */
function each({ access }: Settings, line: (access: ConnectionSettings, title: string) => string): string[] {
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
    'Tick "My server requires authentication" for outgoing mail. Tick Secure Password Authentication only where authentication has ntlm.',
    'SSL needs tls: { legacy: true } on the virtual server and the root for old clients on the client:',
    'sealpost ca list shows its name, sealpost ca export NAME --format der --out root.cer writes it',
    '(docs/old-clients.md).',
  ]
}

/** Outlook Express uses STARTTLS on port 25 and implicit TLS on every other port. */
function outlookExpressPort({ protocol, port, tlsPort, startTls, best }: ConnectionSettings): Connection {
  if (protocol === 'smtp' && port === 25 && startTls) return { port, channel: 'starttls' }
  return tlsPort === undefined ? { port: best.port, channel: 'clear' } : best
}

/**
 * Returns the port settings for Outlook Express. When its box is ticked, Outlook Express changes the port itself: 110 to
 * 995, 143 to 993, 119 to 563. SMTP stays at 25.
 */
function outlookExpressPorts(
  { protocol, host, port, tlsPort, startTls, tlsRequired }: ConnectionSettings,
  title: string,
): string {
  if (protocol === 'smtp' && port === 25 && startTls) {
    return `${title}  ${host}, port 25, SSL ${tlsRequired ? 'ticked' : 'empty or ticked'}`
  }
  const off = port === undefined ? 'closed' : `port ${port}${tlsRequired ? ' (no log-on without SSL)' : ''}`
  const missing = protocol === 'smtp' ? 'only with SMTP at port 25, or with a tlsPort' : 'no such port'
  return `${title}  ${host}, SSL empty: ${off}; SSL ticked: ${tlsPort === undefined ? missing : `port ${tlsPort}`}`
}

function mutt({ user, password, address, access: { imap4, smtp, nntp } }: Settings): string[] {
  const secure = [imap4, smtp].every((access) => access?.best.channel !== 'clear')
  return [
    `set from = "${address}"`,
    `set certificate_file = "${CA_FILE}"`,
    'set ssl_starttls = yes',
    ...(secure ? ['set ssl_force_tls = yes'] : []),
    ...(imap4
      ? [`set folder = "${url('imap', user, imap4)}"`, `set imap_pass = "${password}"`, 'set spoolfile = "+INBOX"']
      : []),
    ...(smtp ? [`set smtp_url = "${url('smtp', user, smtp)}"`, `set smtp_pass = "${password}"`] : []),
    ...(nntp
      ? [
          '# NeoMutt only:',
          `set news_server = "${url('news', user, nntp).replace(/^newss/, 'snews')}"`,
          `set nntp_pass = "${password}"`,
        ]
      : []),
  ]
}

function url(scheme: string, user: string, { host, best }: ConnectionSettings): string {
  return `${scheme}${best.channel === 'tls' ? 's' : ''}://${encodeURIComponent(user)}@${host}:${best.port}/`
}

const mbsyncTlsTypes = { tls: 'IMAPS', starttls: 'STARTTLS', clear: 'None' } as const

function mbsync({ user, password, access: { imap4 } }: Settings): string[] {
  if (!imap4) return ['The lab has no IMAP4 virtual server.']
  return [
    'IMAPStore lab',
    `Host ${imap4.host}`,
    `Port ${imap4.best.port}`,
    `User ${user}`,
    `Pass ${password}`,
    `TLSType ${mbsyncTlsTypes[imap4.best.channel]}`,
    imap4.best.channel === 'clear' ? 'AuthMechs LOGIN' : `CertificateFile ${CA_FILE}`,
    '',
    'MaildirStore here',
    'Path ~/Mail/lab/',
    'Inbox ~/Mail/lab/INBOX',
    'SubFolders Verbatim',
    '',
    'Channel lab',
    'Far :lab:',
    'Near :here:',
    'Patterns *',
    'Create Near',
    'SyncState *',
  ]
}

/** tin has no STARTTLS. */
function tinPort({ best }: ConnectionSettings): Connection {
  return best.channel === 'tls' ? best : { port: best.port, channel: 'clear' }
}

function tin({ user, password, newsgroup, access: { nntp } }: Settings): string[] {
  if (!nntp) return ['The lab has no NNTP virtual server.']
  const { port, channel } = tinPort(nntp)
  const tls = channel === 'tls'
  return [
    ...(tls ? [`~/.tin/tinrc: tls_ca_cert_file=${CA_FILE}`] : []),
    `~/.newsauth: ${nntp.host} ${password} ${user}`,
    `NNTPSERVER=${nntp.host} tin -r${tls ? ' -T' : ''} -p ${port} -A${newsgroup ? ` ${newsgroup}` : ''}`,
  ]
}

function news({ user, password, newsgroup, access: { nntp } }: Settings): string[] {
  if (!nntp) return ['The lab has no NNTP virtual server.']
  return [
    `Server           ${nntp.host}, port ${nntp.best.port}, ${channelNames[nntp.best.channel]}`,
    `User name        ${user}`,
    `Password         ${password}`,
    ...(newsgroup ? [`Newsgroup        ${newsgroup}`] : []),
    `Root certificate ${CA_FILE}`,
  ]
}

function nodemailer({ user, password, access: { smtp } }: Settings): string[] {
  if (!smtp) return ['The lab has no SMTP virtual server.']
  return [`createTransport(${clientOptions(smtp, 'requireTLS', user, password)})`]
}

function imapflow({ user, password, access: { imap4 } }: Settings): string[] {
  if (!imap4) return ['The lab has no IMAP4 virtual server.']
  return [`new ImapFlow(${clientOptions(imap4, 'doSTARTTLS', user, password)})`]
}

function clientOptions({ host, best }: ConnectionSettings, startTls: string, user: string, pass: string): string {
  const parts = [
    `host: '${host}'`,
    `port: ${best.port}`,
    `secure: ${best.channel === 'tls'}`,
    ...(best.channel === 'starttls' ? [`${startTls}: true`] : []),
    `auth: { user: ${javaScriptString(user)}, pass: ${javaScriptString(pass)} }`,
    ...(best.channel === 'clear' ? [] : [`tls: { ca: readFileSync('${CA_FILE}') }`]),
  ]
  return `{ ${parts.join(', ')} }`
}

const javaScriptString = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`
