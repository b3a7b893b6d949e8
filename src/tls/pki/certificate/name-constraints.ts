import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { addressOctets, addressText } from '../../../core/network/ip-address.ts'
import { type Asn1, item, items, readAsn1, taggedItem } from '../der/decode.ts'
import { extensionIds } from '../der/oids.ts'
import { certificateFields, extensionValues } from './certificate.ts'
import { commonName, type DistinguishedName, formatName, type GeneralName, readName } from './names.ts'

/** A GeneralSubtree: the part of a name space that an authority may, or may not, issue for. RFC 5280 section 4.2.1.10. */
interface Subtree {
  readonly kind: ConstrainedName['kind']
  /** For messages: in the form of `--permit`. */
  readonly text: string
  readonly contains: (compared: string) => boolean
}

/** A name of a certificate, in the form that subtrees compare. */
interface ConstrainedName {
  readonly kind: 'dns' | 'email' | 'uri' | 'ip' | 'directory'
  readonly text: string
  readonly compared: string
}

/** Returns why the name constraints of the authorities above a certificate forbid it; undefined if they permit it. */
export function constraintProblem(
  subject: DistinguishedName,
  names: readonly GeneralName[],
  issuers: readonly X509Certificate[],
): string | undefined {
  const constrained = constrainedNames(subject, names)
  for (const issuer of issuers) {
    const { permitted, excluded } = constraintsOf(issuer)
    if (permitted.length === 0 && excluded.length === 0) continue
    const title = commonName(readName(certificateFields(issuer.raw).subject))
    for (const { kind, text, compared } of constrained) {
      // A kind of name that no subtree permits is not restricted. RFC 5280 section 4.2.1.10
      const allowed = permitted.filter((one) => one.kind === kind)
      if (allowed.length > 0 && !allowed.some((one) => one.contains(compared))) {
        return `"${title}" may issue only for ${allowed.map((one) => one.text).join(', ')}, not for ${text}`
      }
      const forbidden = excluded.find((one) => one.kind === kind && one.contains(compared))
      if (forbidden) return `"${title}" may not issue for ${forbidden.text}, so not for ${text}`
    }
  }
  return undefined
}

function constrainedNames(subject: DistinguishedName, names: readonly GeneralName[]): ConstrainedName[] {
  const own = names.flatMap(({ type, value }) => constrainedName(type, value))
  // A mail address in the subject counts like one in subjectAltName. RFC 5280 section 4.2.1.10
  const mail = subject.filter(({ type }) => type === 'emailAddress')
  // OpenSSL takes the common name for a host name if there is no other.
  const host = names.some(({ type }) => type === 'dns') ? undefined : subject.findLast(({ type }) => type === 'CN')
  const isHost = host !== undefined && /^[\w-]+(\.[\w-]+)+$/.test(host.value) && isIP(host.value) === 0
  return [
    ...own,
    ...mail.flatMap(({ value }) => constrainedName('email', value)),
    ...(isHost ? constrainedName('dns', host.value) : []),
    ...(subject.length > 0
      ? [{ kind: 'directory', text: formatName(subject), compared: directoryText(subject) } as const]
      : []),
  ]
}

function constrainedName(type: GeneralName['type'], value: string): ConstrainedName[] {
  switch (type) {
    case 'dns':
      return [{ kind: 'dns', text: value, compared: value.toLowerCase().replace(/\.$/, '') }]
    case 'email':
      return [{ kind: 'email', text: value, compared: mailbox(value) }]
    case 'uri':
      return [{ kind: 'uri', text: value, compared: hostOf(value) }]
    case 'ip':
      return isIP(value) ? [{ kind: 'ip', text: value, compared: addressOctets(value).toString('hex') }] : []
    default:
      return []
  }
}

/** Returns a mailbox with its domain in lower case. Only the part before the @ is case-sensitive. RFC 5321 section 2.4. */
function mailbox(text: string): string {
  const at = text.lastIndexOf('@')
  return text.slice(0, at + 1) + text.slice(at + 1).toLowerCase()
}

const hostOf = (uri: string): string => (URL.canParse(uri) ? new URL(uri).hostname.toLowerCase() : '')

/** Returns the attributes of a distinguished name from the most significant one, so that a subtree is a prefix. */
const directoryText = (name: DistinguishedName): string =>
  name.map(({ type, value }) => `${type}=${value.trim().toLowerCase()}\n`).join('')

function constraintsOf(issuer: X509Certificate): Record<'permitted' | 'excluded', Subtree[]> {
  const value = extensionValues(issuer).get(extensionIds.nameConstraints)
  const part = (number: number): Subtree[] => {
    const list = value && taggedItem(items(value), number)
    return (list ? items(list) : []).flatMap((subtree) => readSubtree(item(subtree, 0)))
  }
  return { permitted: part(0), excluded: part(1) }
}

function readSubtree(base: Asn1): Subtree[] {
  const text = base.content.toString('latin1')
  const lower = text.toLowerCase()
  switch (base.tag & 0x1f) {
    case 1:
      return [{ kind: 'email', text: text.includes('@') ? text : `@${text}`, contains: mailMatcher(text) }]
    case 2:
      return [{ kind: 'dns', text, contains: (name) => name === lower || isBelow(name, lower) }]
    case 4:
      return [directorySubtree(readName(readAsn1(base.content)))]
    case 6:
      // A period at the start means hosts of a domain; without it, one host. RFC 5280 section 4.2.1.10
      return [
        {
          kind: 'uri',
          text,
          contains: lower.startsWith('.') ? (name) => isBelow(name, lower) : (name) => name === lower,
        },
      ]
    case 7:
      return [addressSubtree(base.content)]
    default:
      return []
  }
}

/** Returns whether a host name is below a domain. The empty domain contains every name. */
const isBelow = (name: string, domain: string): boolean =>
  domain === '' || name.endsWith(domain.startsWith('.') ? domain : `.${domain}`)

function mailMatcher(text: string): Subtree['contains'] {
  if (text.includes('@')) return (address) => address === mailbox(text)
  const domain = text.toLowerCase()
  const host = (address: string): string => address.slice(address.lastIndexOf('@') + 1)
  return domain.startsWith('.') ? (address) => isBelow(host(address), domain) : (address) => host(address) === domain
}

function directorySubtree(name: DistinguishedName): Subtree {
  const prefix = directoryText(name)
  return { kind: 'directory', text: formatName(name), contains: (compared) => compared.startsWith(prefix) }
}

/** Reads an address and its mask, of 4 or 16 octets each. */
function addressSubtree(octets: Buffer): Subtree {
  const half = octets.length / 2
  const [address, mask] = [octets.subarray(0, half), octets.subarray(half)]
  const bits = [...mask].reduce((sum, octet) => sum + octet.toString(2).replaceAll('0', '').length, 0)
  const contains = (compared: string): boolean => {
    const own = Buffer.from(compared, 'hex')
    return (
      own.length === half && own.every((octet, i) => (octet & (mask[i] ?? 0)) === ((address[i] ?? 0) & (mask[i] ?? 0)))
    )
  }
  return { kind: 'ip', text: `${addressText(Buffer.from(address))}/${bits}`, contains }
}
