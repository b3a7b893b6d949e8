import { createHash } from 'node:crypto'
import { xml, xmlDocument } from '../../common/xml.ts'
import type { Access, Settings } from './access.ts'

interface Dictionary {
  readonly [key: string]: PlistValue
}
type PlistValue = string | number | boolean | Buffer | readonly Dictionary[] | Dictionary

/** iOS and macOS: a profile with a mail account and the root to trust. Apple, "Configuration Profile Reference". */
export function mobileConfig(settings: Settings, rootPem: string): string {
  const profile = payload('Configuration', 'profile', settings.address, {
    PayloadDisplayName: `Sealpost lab: ${settings.address}`,
    PayloadContent: [mail(settings), ...root(rootPem)],
  })
  return xmlDocument([
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    '<plist version="1.0">',
    plist(profile),
    '</plist>',
  ])
}

function mail({ user, password, address, access: { imap4, pop3, smtp } }: Settings): Dictionary {
  const half = (side: string, access: Access | undefined): Dictionary =>
    access
      ? {
          [`${side}MailServerHostName`]: access.host,
          [`${side}MailServerPortNumber`]: access.best.port,
          [`${side}MailServerUseSSL`]: access.best.channel !== 'clear',
          [`${side}MailServerUsername`]: user,
          [`${side}MailServerAuthentication`]: 'EmailAuthPassword',
          [`${side}Password`]: password,
        }
      : {}
  return payload('com.apple.mail.managed', 'mail', address, {
    EmailAccountType: imap4 ? 'EmailTypeIMAP' : 'EmailTypePOP',
    EmailAddress: address,
    EmailAccountDescription: 'Sealpost lab',
    ...half('Incoming', imap4 ?? pop3),
    ...half('Outgoing', smtp),
  })
}

function root(rootPem: string): Dictionary[] {
  if (rootPem === '') return []
  const der = Buffer.from(rootPem.replaceAll(/-----[A-Z ]+-----|\s/g, ''), 'base64')
  const content = { PayloadDisplayName: 'Sealpost lab root', PayloadContent: der }
  return [payload('com.apple.security.root', 'root', rootPem, content)]
}

/** Identifiers depend on the content alone: the profile of today replaces that of yesterday. */
function payload(type: string, what: string, seed: string, content: Dictionary): Dictionary {
  const hash = createHash('sha256').update(`${type} ${seed}`).digest('hex')
  // RFC 9562 section 5.8: version 8, whose bits are the maker's own.
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
