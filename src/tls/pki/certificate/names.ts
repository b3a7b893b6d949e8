import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { domainToASCII } from 'node:url'
import { addressOctets, addressText } from '../../../core/network/ip-address.ts'
import { type Asn1, items, oidOf, readAsn1, stringOf } from '../der/decode.ts'
import {
  context,
  contextPrimitive,
  ia5String,
  isPrintable,
  oid,
  printableString,
  sequence,
  setOf,
  utf8String,
} from '../der/encode.ts'
import { type AttributeType, attributeTypes, nameIn, userPrincipalName } from '../der/oids.ts'
import { PkiError } from '../errors.ts'
import { mailAddress, refuseBadText } from './values.ts'

/** One attribute of a distinguished name. `type` is a short name, or the object identifier of an unknown type. */
interface NameAttribute {
  readonly type: AttributeType | (string & {})
  readonly value: string
}

/** A distinguished name in encoded order, by custom the most significant attribute first. RFC 5280 section 4.1.2.4. */
export type DistinguishedName = readonly NameAttribute[]

/** Attributes with a prescribed string type; all others are UTF8String. RFC 5280 appendix A.1. */
const fixedEncodings: Partial<Record<string, (text: string) => Buffer>> = {
  C: printableString,
  serialNumber: printableString,
  emailAddress: ia5String,
  DC: ia5String,
}

type EncodeText = (text: string) => Buffer

/** Encodes as PrintableString if possible, otherwise as UTF8String. */
const printableOrUtf8: EncodeText = (text) => (isPrintable(text) ? printableString(text) : utf8String(text))

export function encodeDistinguishedName(name: DistinguishedName, encodeText: EncodeText = printableOrUtf8): Buffer {
  return sequence(
    ...name.map(({ type, value }) => {
      const id = attributeTypes[type as AttributeType] ?? type
      return setOf(sequence(oid(id), (fixedEncodings[type] ?? encodeText)(value)))
    }),
  )
}

export function readName(name: Asn1 | Buffer): DistinguishedName {
  return items(Buffer.isBuffer(name) ? readAsn1(name) : name).flatMap((relative) =>
    items(relative).map((attribute) => {
      const [type, value] = items(attribute)
      const id = type ? oidOf(type) : ''
      return { type: nameIn(attributeTypes, id) ?? id, value: value ? stringOf(value) : '' }
    }),
  )
}

/** Formats a name as `CN=mail.example.test, O=Example`, the reverse of the encoded order. RFC 4514 section 2.1. */
export function formatName(name: DistinguishedName): string {
  return [...name]
    .reverse()
    .map(({ type, value }) => `${type}=${/[,+"\\<>;=]|^[ #]| $/.test(value) ? JSON.stringify(value) : value}`)
    .join(', ')
}

/** Returns the last common name, or the whole name if it has no common name. */
export function commonName(name: DistinguishedName): string {
  return name.findLast(({ type }) => type === 'CN')?.value ?? (formatName(name) || '(no name)')
}

/** A name in subjectAltName, of a kind that mail and news use. RFC 5280 section 4.2.1.6. */
export interface GeneralName {
  /** `other` can be read but not written. */
  readonly type: 'dns' | 'ip' | 'email' | 'uri' | 'upn' | 'other'
  readonly value: string
}

/**
 * Returns whom a certificate or a request is for, in a word: the common name, else the first alternative name, else the
 * whole subject. Certificates of public authorities often have no subject.
 */
export function issuedToOf(facts: {
  readonly subject: DistinguishedName
  readonly names: readonly GeneralName[]
}): string {
  const { subject, names } = facts
  return subject.findLast(({ type }) => type === 'CN')?.value ?? names[0]?.value ?? commonName(subject)
}

/**
 * Parses a general name: an IP address, an email address or a host name. A prefix (`dns:`, `ip:`, `email:`, `uri:`,
 * `upn:`) states the kind. @throws PkiError `refused`
 */
export function generalName(text: string): GeneralName {
  const prefixed = /^(dns|ip|email|uri|upn):(.+)$/i.exec(text)
  if (prefixed) return checkedName({ type: (prefixed[1] ?? '').toLowerCase() as 'dns', value: prefixed[2] ?? '' })
  if (isIP(text)) return checkedName({ type: 'ip', value: text })
  return checkedName({ type: text.includes('@') ? 'email' : 'dns', value: text })
}

/** Returns a name in the form in which certificates contain it. @throws PkiError `refused` if they cannot */
export function checkedName(name: GeneralName): GeneralName {
  if (name.type === 'ip') {
    if (!isIP(name.value)) throw new PkiError('refused', `${name.value} is not an IP address`)
    return { type: 'ip', value: addressText(addressOctets(name.value)) }
  }
  if (name.type === 'email') return { type: 'email', value: mailAddress(name.value) }
  if (name.type === 'uri' && !(URL.canParse(name.value) && /^[\x21-\x7e]+$/.test(name.value))) {
    throw new PkiError('refused', `${name.value} is not a URI in ASCII, such as https://example.test/`)
  }
  if (name.type === 'upn') refuseBadText('the user principal name', name.value)
  if (name.type !== 'dns') return name
  const ascii = domainToASCII(name.value.replace(/^\*\./, ''))
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(ascii)) {
    throw new PkiError('refused', `${name.value} is not a host name; write one such as mail.lab.test`)
  }
  return { type: 'dns', value: `${name.value.startsWith('*.') ? '*.' : ''}${ascii.replace(/\.$/, '')}` }
}

/** Formats a name as `dns:mail.example.test`, which `generalName` parses. */
export const formatGeneralName = ({ type, value }: GeneralName): string => `${type}:${value}`

const ia5 = (text: string): Buffer => Buffer.from(text, 'latin1')

const encoders: Record<GeneralName['type'], (value: string) => Buffer> = {
  email: (value) => contextPrimitive(1, ia5(value)),
  dns: (value) => contextPrimitive(2, ia5(value)),
  uri: (value) => contextPrimitive(6, ia5(value)),
  ip: (value) => contextPrimitive(7, addressOctets(value)),
  upn: (value) => context(0, oid(userPrincipalName), context(0, utf8String(value))),
  other: () => {
    throw new PkiError('refused', 'a name of this kind can be read but not written')
  },
}

export const encodeGeneralName = ({ type, value }: GeneralName): Buffer => encoders[type](value)

export function readGeneralName(name: Asn1): GeneralName {
  switch (name.tag & 0x1f) {
    case 0: {
      const [id, value] = items(name)
      const text = value && items(value)[0]
      if (id && text && oidOf(id) === userPrincipalName) return { type: 'upn', value: stringOf(text) }
      break
    }
    case 1:
      return { type: 'email', value: name.content.toString('latin1') }
    case 2:
      return { type: 'dns', value: name.content.toString('latin1') }
    case 6:
      return { type: 'uri', value: name.content.toString('latin1') }
    case 7:
      return { type: 'ip', value: addressText(name.content) }
  }
  return { type: 'other', value: name.raw.toString('hex') }
}

/** Returns the names in a lab's certificates: its host name, the configured names, and this machine's own names. */
export function certificateNames(host: string, alternativeNames: readonly string[] = []): string[] {
  const all = [host, ...alternativeNames, 'localhost', '127.0.0.1', '::1', hostname()]
  return [...new Set(all.filter((name) => name !== ''))]
}

/** Returns names for subjectAltName, without duplicates. Leaves out machine names that no certificate can contain. */
export function subjectNames(names: readonly string[]): GeneralName[] {
  return unique(names.filter((name) => name.includes(':') || domainToASCII(name) !== '').map(generalName))
}

/** Returns the common name, if it can be a host name, and the requested names. @throws PkiError if one is not a name */
export const requestedNames = (commonName: string, names: readonly string[]): GeneralName[] =>
  unique([...subjectNames([commonName]), ...names.map(generalName)])

const unique = (names: readonly GeneralName[]): GeneralName[] => [
  ...new Map(names.map((name) => [formatGeneralName(name), name])).values(),
]

/** Returns a name as one line. Node.js puts each attribute on a separate line, the most significant first. */
export const nameOnOneLine = (name: string): string => name.split('\n').reverse().join(', ')
