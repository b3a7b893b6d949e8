import { dialogEntries, outlookExpress, outlookExpressPort, protocolOrder } from './dialogs.ts'
import type { WayNames } from './log-on.ts'
import { CA_FILE, type ClientProtocol, type Connection, type ConnectionSettings, type Settings } from './settings.ts'
import { aerc, imapflow, mbsync, meli, mutt, news, nodemailer, sieveConnect, tin, tinPort } from './texts.ts'

interface Program {
  readonly id: string
  readonly name: string
  /** The protocols that it speaks. */
  readonly speaks: readonly ClientProtocol[]
  /** Returns which of the ports it uses. Default: the best. */
  readonly connects?: (access: ConnectionSettings) => Connection
  /** Whether it knows no TLS that Node.js still has. */
  readonly needsLegacyTls?: true
  readonly lines: (settings: Settings) => readonly string[]
}

/** The settings to enter in one program. */
interface ProgramText {
  readonly id: string
  readonly name: string
  /** Whether TLS with it needs `tls.legacy`. */
  readonly needsLegacyTls: boolean
  /** The port that it uses for each protocol of the lab that it speaks. */
  readonly servers: readonly (Connection & { readonly protocol: ClientProtocol })[]
  /** Instructions of several lines. */
  readonly text: string
}

/** Returns what to enter in each program. */
export const programTexts = (settings: Settings): ProgramText[] =>
  programs.map(({ id, name, speaks, connects = ({ best }) => best, needsLegacyTls = false, lines }) => {
    const own = protocolOrder.filter((protocol) => speaks.includes(protocol))
    const used = own.flatMap((protocol) => settings.access[protocol] ?? [])
    const access = Object.fromEntries(used.map((one) => [one.protocol, one]))
    const servers = used.map((one) => ({ protocol: one.protocol, ...connects(one) }))
    return { id, name, needsLegacyTls, servers, text: lines({ ...settings, access }).join('\n') }
  })

const mail: readonly ClientProtocol[] = ['pop3', 'imap4', 'smtp']
const mailAndNews: readonly ClientProtocol[] = [...mail, 'nntp']

/** The programs' names of the ways to log on. */
const ways = {
  outlook: { password: 'password', ntlm: 'Secure Password Authentication (SPA)', none: 'none' },
  thunderbird: {
    password: 'Normal password',
    'cram-md5': 'Encrypted password',
    ntlm: 'NTLM',
    oauth2: 'OAuth2',
    none: 'No authentication',
  },
  clawsMail: {
    password: 'Automatic',
    'cram-md5': 'Automatic',
    'digest-md5': 'Automatic',
    scram: 'Automatic',
    oauth2: 'OAuth2',
    none: 'none',
  },
  appleMail: {
    password: 'Password',
    'cram-md5': 'MD5 Challenge-Response',
    'digest-md5': 'HTTP MD5 Digest',
    ntlm: 'NTLM',
    none: 'None',
  },
  k9: { password: 'Normal password', 'cram-md5': 'Encrypted password', none: 'None' },
} satisfies Record<string, WayNames>

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
      ...dialogEntries(settings, ways.outlook),
      `Trust: import the root into "Trusted Root Certification Authorities" (certutil -user -addstore Root ${CA_FILE}).`,
    ],
  },
  {
    id: 'thunderbird',
    name: 'Thunderbird',
    speaks: mailAndNews,
    lines: (settings) => [
      ...dialogEntries(settings, ways.thunderbird),
      ...(settings.tokens
        ? ['OAuth2: install the add-on of the lab, /oauth2/thunderbird.xpi of its HTTP server (docs/oauth2-server.md).']
        : []),
      'Trust: Settings, Privacy & Security, Certificates, Manage Certificates, Authorities, Import.',
    ],
  },
  {
    id: 'claws-mail',
    name: 'Claws Mail',
    speaks: mailAndNews,
    lines: (settings) => [
      ...dialogEntries(settings, ways.clawsMail),
      'Configuration, Preferences for current account: Receive, Send, TLS, and Advanced for the ports.',
    ],
  },
  {
    id: 'apple-mail',
    name: 'Apple Mail (macOS and iOS)',
    speaks: mail,
    lines: (settings) => [
      ...dialogEntries(settings, ways.appleMail),
      'The profile sets all of this: open lab.mobileconfig (sealpost client-settings --write DIR), and install it in the',
      'system settings. On iOS, also trust the root: Settings, General, About, Certificate Trust Settings.',
    ],
  },
  {
    id: 'k-9',
    name: 'K-9 Mail and Thunderbird for Android',
    speaks: mail,
    lines: (settings) => [
      ...dialogEntries(settings, ways.k9),
      `Trust: copy ${CA_FILE} to the device; Settings, Security, Encryption & credentials, Install a certificate, CA.`,
    ],
  },
  { id: 'mutt', name: 'mutt and NeoMutt (~/.muttrc)', speaks: ['imap4', 'smtp', 'nntp'], lines: mutt },
  { id: 'mbsync', name: 'mbsync (~/.mbsyncrc)', speaks: ['imap4'], lines: mbsync },
  { id: 'tin', name: 'tin', speaks: ['nntp'], connects: tinPort, lines: tin },
  { id: 'news', name: 'Other news programs (slrn, Pan, Gnus)', speaks: ['nntp'], lines: news },
  { id: 'nodemailer', name: 'nodemailer', speaks: ['smtp'], lines: nodemailer },
  { id: 'imapflow', name: 'imapflow', speaks: ['imap4'], lines: imapflow },
  { id: 'aerc', name: 'aerc (accounts.conf), by JMAP', speaks: ['jmap'], lines: aerc },
  { id: 'meli', name: 'meli (config.toml), by JMAP', speaks: ['jmap'], lines: meli },
  { id: 'sieve-connect', name: 'sieve-connect', speaks: ['managesieve'], lines: sieveConnect },
]
