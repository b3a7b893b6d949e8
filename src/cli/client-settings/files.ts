import type { Access, Settings } from './access.ts'

/** Configuration files and code of programs that are set up by text. One function a program. */

type Lines = (settings: Settings, caFile: string) => string[]

export const mutt: Lines = ({ user, password, address, access: { imap4, smtp, nntp } }, caFile) => {
  const secure = [imap4, smtp].every((access) => access?.best.channel !== 'clear')
  return [
    `set from = "${address}"`,
    `set certificate_file = "${caFile}"`,
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

function url(scheme: string, user: string, { host, best }: Access): string {
  return `${scheme}${best.channel === 'tls' ? 's' : ''}://${encodeURIComponent(user)}@${host}:${best.port}/`
}

const tlsTypes = { tls: 'IMAPS', starttls: 'STARTTLS', clear: 'None' } as const

export const mbsync: Lines = ({ user, password, access: { imap4 } }, caFile) => {
  if (!imap4) return ['The lab has no IMAP4 virtual server.']
  return [
    'IMAPStore lab',
    `Host ${imap4.host}`,
    `Port ${imap4.best.port}`,
    `User ${user}`,
    `Pass ${password}`,
    `TLSType ${tlsTypes[imap4.best.channel]}`,
    imap4.best.channel === 'clear' ? 'AuthMechs LOGIN' : `CertificateFile ${caFile}`,
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

export const tin: Lines = ({ user, password, newsgroup, access: { nntp } }, caFile) => {
  if (!nntp) return ['The lab has no NNTP virtual server.']
  const tls = nntp.best.channel === 'tls'
  const port = tls ? nntp.best.port : (nntp.port ?? nntp.best.port)
  return [
    ...(tls ? [`~/.tin/tinrc: tls_ca_cert_file=${caFile}`] : []),
    `~/.newsauth: ${nntp.host} ${password} ${user}`,
    `NNTPSERVER=${nntp.host} tin -r${tls ? ' -T' : ''} -p ${port} -A${newsgroup ? ` ${newsgroup}` : ''}`,
  ]
}

export const nodemailer: Lines = ({ user, password, access: { smtp } }, caFile) =>
  smtp
    ? [`createTransport(${options(smtp, 'requireTLS', user, password, caFile)})`]
    : ['The lab has no SMTP virtual server.']

export const imapflow: Lines = ({ user, password, access: { imap4 } }, caFile) =>
  imap4
    ? [`new ImapFlow(${options(imap4, 'doSTARTTLS', user, password, caFile)})`]
    : ['The lab has no IMAP4 virtual server.']

/** A string literal of JavaScript. */
const quoted = (text: string): string => `'${text.replaceAll(/[\\']/g, '\\$&')}'`

function options({ host, best }: Access, startTls: string, user: string, pass: string, caFile: string): string {
  const parts = [
    `host: '${host}'`,
    `port: ${best.port}`,
    `secure: ${best.channel === 'tls'}`,
    ...(best.channel === 'starttls' ? [`${startTls}: true`] : []),
    `auth: { user: ${quoted(user)}, pass: ${quoted(pass)} }`,
    ...(best.channel === 'clear' ? [] : [`tls: { ca: readFileSync('${caFile}') }`]),
  ]
  return `{ ${parts.join(', ')} }`
}
