import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { addressOctets, addressText } from '../../common/ip-address.ts'
import { context, contextPrimitive, oid, utf8String } from '../asn1/der.ts'
import { userPrincipalName } from '../asn1/oids.ts'
import { type Asn1, items, oidOf, textOf } from '../asn1/reader.ts'
import { PkiError } from '../errors.ts'

/** The kinds of GeneralName met in mail and news. RFC 5280 section 4.2.1.6. */
export type GeneralName =
  | { readonly type: 'dns' | 'ip' | 'email' | 'uri' | 'upn'; readonly value: string }
  | { readonly type: 'other'; readonly value: string }

/** What a bare name is: an address, a mail address or a host name. `dns:`, `ip:`, `email:`, `uri:` and `upn:` say it outright. */
export function generalName(text: string): GeneralName {
  const prefixed = /^(dns|ip|email|uri|upn):(.+)$/i.exec(text)
  if (prefixed) return checked({ type: (prefixed[1] ?? '').toLowerCase() as 'dns', value: prefixed[2] ?? '' })
  if (isIP(text)) return checked({ type: 'ip', value: text })
  return checked({ type: text.includes('@') ? 'email' : 'dns', value: text })
}

function checked(name: GeneralName): GeneralName {
  if (name.type === 'ip') {
    if (!isIP(name.value)) throw new PkiError('refused', `${name.value} is not an IP address`)
    return { type: 'ip', value: addressText(addressOctets(name.value)) }
  }
  if (name.type !== 'dns') return name
  const ascii = domainToASCII(name.value.replace(/^\*\./, ''))
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(ascii))
    throw new PkiError('refused', `${name.value} is not a host name`)
  return { type: 'dns', value: `${name.value.startsWith('*.') ? '*.' : ''}${ascii.replace(/\.$/, '')}` }
}

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
  const number = name.tag & 0x1f
  if (number === 1) return { type: 'email', value: name.content.toString('latin1') }
  if (number === 2) return { type: 'dns', value: name.content.toString('latin1') }
  if (number === 6) return { type: 'uri', value: name.content.toString('latin1') }
  if (number === 7) return { type: 'ip', value: addressText(name.content) }
  if (number === 0) {
    const [id, value] = items(name)
    const text = value && items(value)[0]
    if (id && text && oidOf(id) === userPrincipalName) return { type: 'upn', value: textOf(text) }
  }
  return { type: 'other', value: name.raw.toString('hex') }
}

/** `dns:mail.example.test`: what `generalName` reads back. */
export const formatGeneralName = ({ type, value }: GeneralName): string => `${type}:${value}`
