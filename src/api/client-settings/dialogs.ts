import { takesOnlyTokens, takesPassword, tokenCommand, type WayNames, wayNames } from './log-on.ts'
import type { ClientProtocol, Connection, ConnectionSettings, Settings } from './settings.ts'

const titles: Readonly<Record<ClientProtocol, string>> = {
  pop3: 'Incoming (POP3)',
  imap4: 'Incoming (IMAP)',
  smtp: 'Outgoing (SMTP)',
  nntp: 'News (NNTP)',
  jmap: 'Mail (JMAP)',
  managesieve: 'Sieve scripts',
}

/** The order in which programs ask for servers. */
export const protocolOrder: readonly ClientProtocol[] = ['pop3', 'imap4', 'smtp', 'nntp', 'jmap', 'managesieve']

/** Returns a line for each protocol of the lab. */
function lineForEach({ access }: Settings, line: (access: ConnectionSettings, title: string) => string): string[] {
  return protocolOrder.flatMap((protocol) => {
    const one = access[protocol]
    return one ? [line(one, titles[protocol].padEnd(15))] : []
  })
}

export const channelNames = { tls: 'SSL/TLS', starttls: 'STARTTLS', clear: 'none' } as const

/** Returns what every program with dialogs asks for, with its names of the ways to log on. */
export function dialogEntries(settings: Settings, names: WayNames): string[] {
  return [
    `E-mail address   ${settings.address}`,
    `User name        ${settings.user}`,
    ...passwordLine(settings),
    ...lineForEach(
      settings,
      ({ host, best }, title) => `${title}  ${host}, port ${best.port}, ${channelNames[best.channel]}`,
    ),
    ...authentication(settings, names),
  ]
}

/** Returns the line of the password, or how to get an access token if nothing else logs on. */
function passwordLine({ user, password, access }: Settings): string[] {
  const offers = Object.values(access)
  if (offers.some(takesPassword)) return [`Password         ${password}`]
  return offers.some(takesOnlyTokens) ? [`Access token     ${tokenCommand(user)}`] : []
}

/** Returns how to log on: one line, or one for each protocol if they differ. News programs have no choice. */
function authentication({ access }: Settings, names: WayNames): string[] {
  const rows = protocolOrder.flatMap((protocol) => {
    const one = protocol === 'nntp' ? undefined : access[protocol]
    return one ? [{ protocol, text: wayText(one, names) }] : []
  })
  const texts = new Set(rows.map(({ text }) => text))
  if (texts.size < 2) return [...texts].map((text) => `Authentication   ${text}`)
  return rows.map(({ protocol, text }) => `Authentication   ${protocol.toUpperCase()}: ${text}`)
}

function wayText(access: ConnectionSettings, names: WayNames): string {
  const [best, ...others] = wayNames(access, names)
  if (best === undefined)
    return `this program has none of the ways that the server offers (${access.ways.join(', ') || 'none'})`
  return others.length === 0 ? best : `${best} (or ${others.join(', ')})`
}

/** Returns what to enter in Outlook Express, with SSL and without. */
export function outlookExpress(settings: Settings): string[] {
  return [
    'Tools, Accounts, Properties, Servers and Advanced; SSL is the box "This server requires a secure connection":',
    `E-mail address   ${settings.address}`,
    `Account name     ${settings.user}`,
    `Password         ${settings.password}`,
    ...lineForEach(settings, outlookExpressPorts),
    ...outlookExpressLogOn(settings),
    'SSL needs tls: { legacy: true } on the virtual server and the root for old clients on the client:',
    'sealpost ca list shows its name, sealpost ca export NAME --format der --out root.cer writes it',
    '(docs/old-clients.md).',
  ]
}

/** It has names and passwords, and NTLM (Secure Password Authentication). */
const outlookExpressWays: WayNames = { password: 'password', ntlm: 'SPA' }

function outlookExpressLogOn({ access }: Settings): string[] {
  const where = (isMeant: (names: string[], one: ConnectionSettings) => boolean): string =>
    protocolOrder
      .flatMap((protocol) => access[protocol] ?? [])
      .filter((one) => isMeant(wayNames(one, outlookExpressWays), one))
      .map(({ protocol }) => protocol.toUpperCase())
      .join(', ')
  const can = where((names) => names.includes('SPA') && names.includes('password'))
  const must = where((names) => names.includes('SPA') && !names.includes('password'))
  const cannot = where((names, { ways }) => names.length === 0 && ways.length > 0)
  const smtp = access.smtp?.ways.length ? ['Tick "My server requires authentication" for outgoing mail.'] : []
  return [
    ...smtp,
    ...(can === '' ? [] : [`Secure Password Authentication (NTLM): ticked or empty for ${can}.`]),
    ...(must === '' ? [] : [`Secure Password Authentication (NTLM): tick it for ${must}.`]),
    ...(can + must === '' ? ['Leave Secure Password Authentication empty: no server offers NTLM.'] : []),
    ...(cannot === '' ? [] : [`Outlook Express cannot log on to ${cannot}: add basic or ntlm to authentication.`]),
  ]
}

/** Returns the port for Outlook Express, which uses STARTTLS on port 25 and implicit TLS on every other port. */
export function outlookExpressPort({ protocol, port, tlsPort, startTls, best }: ConnectionSettings): Connection {
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
