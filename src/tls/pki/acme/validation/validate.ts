import { isIP } from 'node:net'
import { domainToUnicode } from 'node:url'
import { addressOctets, addressText } from '../../../../core/network/ip-address.ts'
import type { Identifier } from '../identifier.ts'
import { type Jwk, jwkThumbprint } from '../jws.ts'
import type { AcmeOptions } from '../options.ts'
import { AcmeProblem } from '../response.ts'
import { addressOf } from './address.ts'
import { accountLabel, validateDns } from './dns.ts'
import { validateDnsPersist } from './dns-persist.ts'
import { validateHttp } from './http.ts'
import { validateTlsAlpn } from './tls-alpn.ts'

export type ChallengeType = 'http-01' | 'tls-alpn-01' | 'dns-01' | 'dns-account-01' | 'dns-persist-01'

/**
 * Returns the challenges for an identifier. Control of a wildcard can be proved by DNS only (RFC 8555 section 7.1.3), and
 * that of an address not by DNS (RFC 8738 section 4).
 */
export function challengesFor({ type }: Identifier, wildcard: boolean, { txt }: AcmeOptions): ChallengeType[] {
  const dns: ChallengeType[] = txt && type === 'dns' ? ['dns-01', 'dns-account-01', 'dns-persist-01'] : []
  return wildcard ? dns : ['http-01', ...dns, 'tls-alpn-01']
}

interface Validation {
  readonly type: ChallengeType
  readonly identifier: Identifier
  readonly wildcard: boolean
  readonly token: string
  readonly jwk: Jwk
  /** The account's URL, as the client has signed it. */
  readonly accountUrl: string
  readonly nowMs: number
  /** The ACME client's own address, where reserved names are looked up. */
  readonly clientAddress: string
}

/** Validates a challenge. @throws AcmeProblem with the reason that the client is told */
export async function validate(validation: Validation, options: AcmeOptions): Promise<void> {
  const { type, identifier, token, jwk, accountUrl, clientAddress } = validation
  // RFC 8555 section 8.1
  const keyAuthorization = `${token}.${jwkThumbprint(jwk)}`
  if (type !== 'http-01' && type !== 'tls-alpn-01') {
    if (!options.txt) throw new AcmeProblem('dns', 'the lab does not know any more how to read TXT records')
    if (type === 'dns-persist-01') {
      return validateDnsPersist(
        { ...validation, domain: identifier.value, issuers: options.caaIdentities },
        options.txt,
      )
    }
    const label = type === 'dns-account-01' ? accountLabel(accountUrl) : undefined
    return validateDns(identifier, keyAuthorization, options.txt, label)
  }
  const addressFor = (one: Identifier, earlier: readonly string[] = []): Promise<string> =>
    addressOf(one, clientAddress, options.addresses, earlier)
  const { httpPort, tlsAlpnPort = 443 } = options
  if (type === 'http-01') {
    const at = { port: httpPort, redirectPorts: [tlsAlpnPort], addressOf: addressFor }
    return validateHttp(identifier, { token, keyAuthorization, ...at })
  }
  return validateTlsAlpn(identifier, keyAuthorization, { address: await addressFor(identifier), port: tlsAlpnPort })
}

/** Checks that an identifier can be validated and stand in a certificate. @throws AcmeProblem */
export function checkIdentifier({ type, value }: Identifier, options: AcmeOptions): void {
  if (type === 'ip') return checkAddress(value)
  if (type !== 'dns') throw new AcmeProblem('unsupportedIdentifier', `identifiers of type ${type} are not supported`)
  const name = value.startsWith('*.') ? value.slice(2) : value
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(name) && !isIP(name)) {
    throw new AcmeProblem('malformed', `${value} is not a host name`)
  }
  const why = nameProblem(name, value.length)
  if (why !== undefined) throw new AcmeProblem('rejectedIdentifier', `${value} ${why}`)
  if (value.startsWith('*.') && !options.txt) {
    throw new AcmeProblem(
      'rejectedIdentifier',
      'wildcards need dns-01: certificates.service.acme.dns must say where the lab reads TXT records',
    )
  }
}

/** Returns why DNS cannot have a name, or a certificate not contain it. @param octets length with the wildcard */
function nameProblem(name: string, octets: number): string | undefined {
  const labels = name.split('.')
  // RFC 8738 section 3
  if (isIP(name)) return 'is an address: order it with the type ip'
  // RFC 3696 section 2
  if (/^(\d+|0x[0-9a-f]*)$/i.test(labels.at(-1) ?? '')) return 'ends in a number, which no host name does'
  // RFC 1035 section 2.3.4
  if (octets > 253) return `has ${octets} octets; a name has at most 253`
  if (labels.some((label) => label.length > 63)) return 'has a label of more than 63 octets'
  // RFC 5890 section 2.3.1
  if (labels.some((label) => /^-|-$/.test(label))) return 'has a label that begins or ends with a hyphen'
  // Node.js 20 returns an empty text for a bad label, Node.js 24 the label as it is.
  const unicode = domainToUnicode(name)
  return unicode === '' || /(?:^|\.)xn--/.test(unicode) ? 'has a label that is not valid Punycode' : undefined
}

function checkAddress(value: string): void {
  if (!isIP(value)) throw new AcmeProblem('malformed', `${value} is not an IP address`)
  const canonical = addressText(addressOctets(value))
  // RFC 5952 section 5 recommends the mixed notation for an IPv4 address in IPv6.
  const mixed = /^::ffff:(\d+\.){3}\d+$/.test(value)
  if (value === canonical || mixed) return
  // RFC 8738 section 3
  throw new AcmeProblem('rejectedIdentifier', `${value} is not in the form of RFC 5952: order ${canonical}`)
}
