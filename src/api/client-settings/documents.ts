import { createHash } from 'node:crypto'
import { xml, xmlDocument } from '../../core/text/xml.ts'
import { signContent } from '../../tls/pki/authority/sign.ts'
import type { CertificateStore } from '../../tls/pki/certificate-store/types.ts'
import { readPem } from '../../tls/pki/der/pem.ts'
import { takesPassword, type WayNames, wayNames } from './log-on.ts'
import type { ConnectionSettings, Settings, TokenSettings } from './settings.ts'

/** The files for automatic configuration, with their paths below the root of a web server. */
export const documentPaths = {
  autoconfig: '.well-known/autoconfig/mail/config-v1.1.xml',
  autodiscover: 'autodiscover/autodiscover.xml',
  mobileconfig: 'lab.mobileconfig',
} as const
export type DocumentName = keyof typeof documentPaths

/**
 * Returns Thunderbird autoconfig, Outlook autodiscover or an Apple profile.
 * @param store the certificates of the lab; undefined before its first start
 * @param signed whether the authority of the lab signs a profile, if it has one
 */
export async function documentOf(
  name: DocumentName,
  settings: Settings,
  store: CertificateStore | undefined,
  signed: boolean,
): Promise<Buffer> {
  if (name === 'autoconfig') return Buffer.from(autoconfig(settings))
  if (name === 'autodiscover') return Buffer.from(autodiscover(settings))
  const profile = Buffer.from(mobileConfig(settings, store?.rootPem ?? ''))
  return (signed && store && (await signContent(store, profile))) || profile
}

const socketTypes = { tls: 'SSL', starttls: 'STARTTLS', clear: 'plain' } as const

/** The format does not have SCRAM: it is another proof that does not show the password. */
const autoconfigWays: WayNames = {
  password: 'password-cleartext',
  'cram-md5': 'password-encrypted',
  'digest-md5': 'password-encrypted',
  scram: 'password-encrypted',
  ntlm: 'NTLM',
  oauth2: 'OAuth2',
  none: 'none',
}

const tokenElements = ({ issuer, scope, authorizationUrl, tokenUrl }: TokenSettings): string[] => [
  '  <oAuth2>',
  `    <issuer>${xml(new URL(issuer).host)}</issuer>`,
  `    <scope>${xml(scope)}</scope>`,
  `    <authURL>${xml(authorizationUrl)}</authURL>`,
  `    <tokenURL>${xml(tokenUrl)}</tokenURL>`,
  '  </oAuth2>',
]

/** Returns Thunderbird autoconfig. https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat */
export function autoconfig({ domain, user, access: { imap4, pop3, smtp }, tokens }: Settings): string {
  const server = (tag: string, type: string, access: ConnectionSettings | undefined): string[] =>
    access
      ? [
          `    <${tag} type="${type}">`,
          `      <hostname>${xml(access.host)}</hostname>`,
          `      <port>${access.best.port}</port>`,
          `      <socketType>${socketTypes[access.best.channel]}</socketType>`,
          `      <username>${xml(user)}</username>`,
          ...wayNames(access, autoconfigWays).map((name) => `      <authentication>${name}</authentication>`),
          `    </${tag}>`,
        ]
      : []
  return xmlDocument([
    '<clientConfig version="1.1">',
    `  <emailProvider id="${xml(domain)}">`,
    `    <domain>${xml(domain)}</domain>`,
    '    <displayName>Sealpost lab</displayName>',
    '    <displayShortName>Sealpost</displayShortName>',
    ...server('incomingServer', 'imap', imap4),
    ...server('incomingServer', 'pop3', pop3),
    ...server('outgoingServer', 'smtp', smtp),
    '  </emailProvider>',
    ...(tokens ? tokenElements(tokens) : []),
    '</clientConfig>',
  ])
}

const encryptions = { tls: 'SSL', starttls: 'TLS', clear: 'None' } as const

/** Secure Password Authentication is NTLM. */
const secureWays: WayNames = { password: 'off', ntlm: 'on' }

/** Returns the POX autodiscover response for Outlook. [MS-OXDSCLI] section 2.2.4. */
export function autodiscover({ user, access: { imap4, pop3, smtp } }: Settings): string {
  const protocol = (type: string, access: ConnectionSettings | undefined): string[] =>
    access
      ? [
          '      <Protocol>',
          `        <Type>${type}</Type>`,
          `        <Server>${xml(access.host)}</Server>`,
          `        <Port>${access.best.port}</Port>`,
          `        <LoginName>${xml(user)}</LoginName>`,
          `        <SPA>${wayNames(access, secureWays)[0] ?? 'off'}</SPA>`,
          `        <SSL>${access.best.channel === 'clear' ? 'off' : 'on'}</SSL>`,
          `        <Encryption>${encryptions[access.best.channel]}</Encryption>`,
          `        <AuthRequired>${access.ways.length === 0 ? 'off' : 'on'}</AuthRequired>`,
          '      </Protocol>',
        ]
      : []
  return xmlDocument([
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">',
    '  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">',
    '    <Account>',
    '      <AccountType>email</AccountType>',
    '      <Action>settings</Action>',
    ...protocol('IMAP', imap4),
    ...protocol('POP3', pop3),
    ...protocol('SMTP', smtp),
    '    </Account>',
    '  </Response>',
    '</Autodiscover>',
  ])
}

/** Returns the response to a request that autodiscover cannot answer. [MS-OXDSCLI] section 2.2.4.1.1.3. */
export const autodiscoverError = (): string =>
  xmlDocument([
    '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">',
    '  <Response>',
    '    <Error>',
    '      <ErrorCode>600</ErrorCode>',
    '      <Message>Invalid Request</Message>',
    '      <DebugData />',
    '    </Error>',
    '  </Response>',
    '</Autodiscover>',
  ])

interface Dictionary {
  readonly [key: string]: PlistValue
}
type PlistValue = string | number | boolean | Buffer | readonly Dictionary[] | Dictionary

/** Returns a profile for iOS and macOS with a mail account and the roots. Apple, "Configuration Profile Reference". */
function mobileConfig(settings: Settings, rootPem: string): string {
  const profile = payload('Configuration', 'profile', settings.address, {
    PayloadDisplayName: `Sealpost lab: ${settings.address}`,
    PayloadContent: [mail(settings), ...roots(rootPem)],
  })
  return xmlDocument([
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    plist(profile),
    '</plist>',
  ])
}

/** The values of Apple's mail payload. It has no access tokens: people log on to a known provider instead. */
const appleWays: WayNames = {
  password: 'EmailAuthPassword',
  'cram-md5': 'EmailAuthCRAMMD5',
  'digest-md5': 'EmailAuthHTTPMD5',
  ntlm: 'EmailAuthNTLM',
}

function mail({ user, password, address, access: { imap4, pop3, smtp } }: Settings): Dictionary {
  const serverKeys = (side: string, access: ConnectionSettings | undefined): Dictionary =>
    access
      ? {
          [`${side}MailServerHostName`]: access.host,
          [`${side}MailServerPortNumber`]: access.best.port,
          [`${side}MailServerUseSSL`]: access.best.channel !== 'clear',
          [`${side}MailServerUsername`]: user,
          [`${side}MailServerAuthentication`]: wayNames(access, appleWays)[0] ?? 'EmailAuthNone',
          ...(password === '' || !takesPassword(access) ? {} : { [`${side}Password`]: password }),
        }
      : {}
  return payload('com.apple.mail.managed', 'mail', address, {
    EmailAccountType: imap4 ? 'EmailTypeIMAP' : 'EmailTypePOP',
    EmailAddress: address,
    EmailAccountDescription: 'Sealpost lab',
    ...serverKeys('Incoming', imap4 ?? pop3),
    ...serverKeys('Outgoing', smtp),
  })
}

function roots(rootPem: string): Dictionary[] {
  return readPem(rootPem).map(({ der }, index) => {
    const content = { PayloadDisplayName: 'Sealpost lab root', PayloadContent: der }
    // Identifiers must differ within a profile.
    return payload(
      'com.apple.security.root',
      index === 0 ? 'root' : `root-${index + 1}`,
      der.toString('base64'),
      content,
    )
  })
}

/** Returns a payload whose identifiers depend only on the content, so that a new profile replaces an older one. */
function payload(type: string, what: string, seed: string, content: Dictionary): Dictionary {
  const hash = createHash('sha256').update(`${type} ${seed}`).digest('hex')
  // RFC 9562 section 5.8: version 8, for identifiers with a custom algorithm.
  const uuid = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `8${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ]
  return {
    PayloadType: type,
    PayloadVersion: 1,
    PayloadIdentifier: `test.sealpost.${what}`,
    PayloadUUID: uuid.join('-').toUpperCase(),
    ...content,
  }
}

function plist(value: PlistValue): string {
  if (Buffer.isBuffer(value)) return `<data>${value.toString('base64')}</data>`
  if (Array.isArray(value)) return `<array>${value.map(plist).join('')}</array>`
  if (typeof value === 'boolean') return `<${value}/>`
  if (typeof value === 'number') return `<integer>${value}</integer>`
  if (typeof value === 'string') return `<string>${xml(value)}</string>`
  const entries = Object.entries(value as Dictionary)
  return `<dict>\n${entries.map(([key, item]) => `<key>${xml(key)}</key>${plist(item)}\n`).join('')}</dict>`
}
