import { channelNames } from './dialogs.ts'
import { takesOnlyTokens, takesPassword, tokenCommand } from './log-on.ts'
import { CA_FILE, type Connection, type ConnectionSettings, type Settings } from './settings.ts'

/** Returns the lines of `~/.muttrc`. */
export function mutt({ user, password, address, access: { imap4, smtp, nntp } }: Settings): string[] {
  const secure = [imap4, smtp].every((access) => access?.best.channel !== 'clear')
  return [
    `set from = ${quoteForMutt(address)}`,
    `set certificate_file = "${CA_FILE}"`,
    'set ssl_starttls = yes',
    ...(secure ? ['set ssl_force_tls = yes'] : []),
    ...(imap4
      ? [
          `set folder = "${url('imap', user, imap4)}"`,
          ...muttSecret('imap', imap4, user, password),
          'set spoolfile = "+INBOX"',
        ]
      : []),
    ...(smtp
      ? [
          `set smtp_url = "${url('smtp', smtp.ways.length === 0 ? undefined : user, smtp)}"`,
          ...muttSecret('smtp', smtp, user, password),
        ]
      : []),
    ...(nntp
      ? [
          '# NeoMutt only:',
          `set news_server = "${url('news', user, nntp).replace(/^newss/, 'snews')}"`,
          ...(takesPassword(nntp) ? [`set nntp_pass = ${quoteForMutt(password)}`] : []),
        ]
      : []),
  ]
}

/** Returns the password, or the program that prints an access token. */
function muttSecret(kind: 'imap' | 'smtp', access: ConnectionSettings, user: string, password: string): string[] {
  if (takesPassword(access)) return [`set ${kind}_pass = ${quoteForMutt(password)}`, ...muttMechanisms(kind, access)]
  if (access.ways.length === 0) return []
  return [
    `set ${kind}_authenticators = "oauthbearer:xoauth2"`,
    `set ${kind}_oauth_refresh_command = ${quoteForMutt(tokenCommand(user))}`,
  ]
}

/**
 * Returns the mechanisms for sending. By itself, mutt chooses SCRAM-SHA-256-PLUS, has no channel binding of TLS 1.3 for it
 * (RFC 9266), and gives up. With IMAP it then tries other mechanisms.
 */
function muttMechanisms(kind: 'imap' | 'smtp', { ways }: ConnectionSettings): string[] {
  const needed = kind === 'smtp' && ways.includes('scram') && ways.includes('password')
  return needed ? ['set smtp_authenticators = "plain:login"'] : []
}

/** Returns a text in double quotes, in which a backslash escapes quotes, backslashes and `special` characters. */
const quoteText = (text: string, special = /["\\]/g): string => `"${text.replaceAll(special, '\\$&')}"`

/** mutt replaces variables and commands in double quotes. */
const quoteForMutt = (text: string): string => quoteText(text, /["\\$`]/g)

const quoteForMbsync = (text: string): string => (/^[\w.@+-]+$/.test(text) ? text : quoteText(text))

function url(scheme: string, user: string | undefined, { host, best }: ConnectionSettings): string {
  const userPart = user === undefined ? '' : `${encodeURIComponent(user)}@`
  return `${scheme}${best.channel === 'tls' ? 's' : ''}://${userPart}${host}:${best.port}/`
}

const mbsyncTlsTypes = { tls: 'IMAPS', starttls: 'STARTTLS', clear: 'None' } as const

/** Returns the lines of `~/.mbsyncrc`. */
export function mbsync({ user, password, access: { imap4 } }: Settings): string[] {
  if (!imap4) return ['The lab has no IMAP4 virtual server.']
  return [
    'IMAPStore lab',
    `Host ${imap4.host}`,
    `Port ${imap4.best.port}`,
    `User ${quoteForMbsync(user)}`,
    ...(takesOnlyTokens(imap4)
      ? [`PassCmd ${quoteText(tokenCommand(user))}`, 'AuthMechs OAUTHBEARER XOAUTH2']
      : [`Pass ${quoteForMbsync(password)}`]),
    `TLSType ${mbsyncTlsTypes[imap4.best.channel]}`,
    imap4.best.channel === 'clear'
      ? `AuthMechs ${imap4.ways.includes('password') ? 'LOGIN' : '*'}`
      : `CertificateFile ${CA_FILE}`,
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

/** Returns the port for tin, which has no STARTTLS. */
export function tinPort({ best }: ConnectionSettings): Connection {
  return best.channel === 'tls' ? best : { port: best.port, channel: 'clear' }
}

/** Returns the lines of tin's files, and its command. */
export function tin({ user, password, newsgroup, access: { nntp } }: Settings): string[] {
  if (!nntp) return ['The lab has no NNTP virtual server.']
  const { port, channel } = tinPort(nntp)
  const tls = channel === 'tls'
  return [
    ...(tls ? [`~/.tin/tinrc: tls_ca_cert_file=${CA_FILE}`] : []),
    `~/.newsauth: ${nntp.host} ${/\s/.test(password) ? `"${password}"` : password} ${user}`,
    `NNTPSERVER=${nntp.host} tin -r${tls ? ' -T' : ''} -p ${port} -A${newsgroup ? ` ${newsgroup}` : ''}`,
  ]
}

/** Returns the settings to type into a news reader. */
export function news({ user, password, newsgroup, access: { nntp } }: Settings): string[] {
  if (!nntp) return ['The lab has no NNTP virtual server.']
  return [
    `Server           ${nntp.host}, port ${nntp.best.port}, ${channelNames[nntp.best.channel]}`,
    `User name        ${user}`,
    `Password         ${password}`,
    ...(newsgroup ? [`Newsgroup        ${newsgroup}`] : []),
    `Root certificate ${CA_FILE}`,
  ]
}

/** Returns the JavaScript that creates a transport of nodemailer. */
export function nodemailer({ user, password, access: { smtp } }: Settings): string[] {
  if (!smtp) return ['The lab has no SMTP virtual server.']
  return [`createTransport(${clientOptions(smtp, 'requireTLS', authOf(smtp, user, password, "type: 'OAuth2', "))})`]
}

/** Returns the JavaScript that creates a client of imapflow. */
export function imapflow({ user, password, access: { imap4 } }: Settings): string[] {
  if (!imap4) return ['The lab has no IMAP4 virtual server.']
  return [`new ImapFlow(${clientOptions(imap4, 'doSTARTTLS', authOf(imap4, user, password))})`]
}

/** Returns the option with the password, or with an access token if nothing else logs on. None if there is no log-on. */
function authOf(access: ConnectionSettings, user: string, password: string, tokenType = ''): string[] {
  const name = `user: ${javaScriptString(user)}`
  if (takesPassword(access)) return [`auth: { ${name}, pass: ${javaScriptString(password)} }`]
  const token = `accessToken: ${javaScriptString(`(${tokenCommand(user)})`)}`
  return takesOnlyTokens(access) ? [`auth: { ${tokenType}${name}, ${token} }`] : []
}

function clientOptions({ host, best }: ConnectionSettings, startTls: string, auth: string[]): string {
  const parts = [
    `host: '${host}'`,
    `port: ${best.port}`,
    `secure: ${best.channel === 'tls'}`,
    ...(best.channel === 'starttls' ? [`${startTls}: true`] : []),
    ...auth,
    ...(best.channel === 'clear' ? [] : [`tls: { ca: readFileSync('${CA_FILE}') }`]),
  ]
  return `{ ${parts.join(', ')} }`
}

const javaScriptString = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`

const NO_JMAP = ['The lab has no HTTP virtual server with JMAP.']

/** Returns the lines of `accounts.conf`. */
export function aerc({ user, password, address, access: { jmap } }: Settings): string[] {
  if (!jmap) return NO_JMAP
  if (jmap.best.channel === 'clear') return ['aerc needs HTTPS; give the HTTP virtual server a certificate.']
  const place = `${jmap.host}:${jmap.best.port}/.well-known/jmap`
  return [
    '[lab]',
    ...(takesOnlyTokens(jmap)
      ? [`source = jmap+oauthbearer://${place}`, `source-cred-cmd = ${tokenCommand(user)}`]
      : [`source = jmap://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${place}`]),
    'outgoing = jmap://',
    `from = <${address}>`,
    'default = INBOX',
    `Command: SSL_CERT_FILE=${CA_FILE} aerc`,
  ]
}

/** Returns the lines of `config.toml`. meli has no setting for a root certificate. */
export function meli({ user, password, address, access: { jmap } }: Settings): string[] {
  if (!jmap) return NO_JMAP
  return [
    '[accounts.lab]',
    'root_mailbox = "INBOX"',
    'format = "jmap"',
    `identity = ${quoteText(address)}`,
    `server_url = "${jmap.best.channel === 'tls' ? 'https' : 'http'}://${jmap.host}:${jmap.best.port}"`,
    `server_username = ${quoteText(user)}`,
    `server_password = ${quoteText(password)}`,
    'send_mail = "server_submission"',
    'subscribed_mailboxes = ["*"]',
    ...(jmap.best.channel === 'clear'
      ? []
      : ['# Run `sealpost trust install` first: meli trusts only the roots of the system.']),
  ]
}

/** Returns the command of sieve-connect, which asks for the password. */
export function sieveConnect({ user, access: { managesieve } }: Settings): string[] {
  if (!managesieve) return ['The lab has no ManageSieve virtual server.']
  const { host, best } = managesieve
  return [`sieve-connect --nosrv --server ${host} --port ${best.port} --tlscafile ${CA_FILE} --user ${user}`]
}
