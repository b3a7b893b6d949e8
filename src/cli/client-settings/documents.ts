import { xml, xmlDocument } from '../../common/xml.ts'
import type { Access, Settings } from './access.ts'
import { mobileConfig } from './mobile-config.ts'
import { CA_FILE } from './programs.ts'

/** A file that a client configures itself from. */
export interface Document {
  /** Where clients look for it below the web server's root. */
  readonly path: string
  readonly text: string
}

/**
 * Thunderbird's autoconfig, Outlook's autodiscover, an iOS profile, and the root to trust.
 * @param rootPem the root certificate; empty: none yet
 */
export function documents(settings: Settings, rootPem: string): Document[] {
  return [
    { path: '.well-known/autoconfig/mail/config-v1.1.xml', text: autoconfig(settings) },
    { path: 'autodiscover/autodiscover.xml', text: autodiscover(settings) },
    { path: 'lab.mobileconfig', text: mobileConfig(settings, rootPem) },
    ...(rootPem === '' ? [] : [{ path: CA_FILE, text: rootPem }]),
  ]
}

const socketTypes = { tls: 'SSL', starttls: 'STARTTLS', clear: 'plain' } as const

/** Thunderbird: https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat */
function autoconfig({ domain, user, access: { imap4, pop3, smtp } }: Settings): string {
  const server = (tag: string, type: string, access: Access | undefined): string[] =>
    access
      ? [
          `    <${tag} type="${type}">`,
          `      <hostname>${xml(access.host)}</hostname>`,
          `      <port>${access.best.port}</port>`,
          `      <socketType>${socketTypes[access.best.channel]}</socketType>`,
          `      <username>${xml(user)}</username>`,
          '      <authentication>password-cleartext</authentication>',
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
    '</clientConfig>',
  ])
}

const encryptions = { tls: 'SSL', starttls: 'TLS', clear: 'None' } as const

/** Outlook: the POX autodiscover response, [MS-OXDSCLI] section 2.2.4. */
function autodiscover({ user, access: { imap4, pop3, smtp } }: Settings): string {
  const protocol = (type: string, access: Access | undefined): string[] =>
    access
      ? [
          '      <Protocol>',
          `        <Type>${type}</Type>`,
          `        <Server>${xml(access.host)}</Server>`,
          `        <Port>${access.best.port}</Port>`,
          `        <LoginName>${xml(user)}</LoginName>`,
          '        <SPA>off</SPA>',
          `        <SSL>${access.best.channel === 'clear' ? 'off' : 'on'}</SSL>`,
          `        <Encryption>${encryptions[access.best.channel]}</Encryption>`,
          '        <AuthRequired>on</AuthRequired>',
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
