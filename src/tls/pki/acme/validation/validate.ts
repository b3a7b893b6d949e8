import { isIP } from 'node:net'
import type { Identifier } from '../identifier.ts'
import { type Jwk, jwkThumbprint } from '../jws.ts'
import type { AcmeOptions } from '../options.ts'
import { AcmeProblem } from '../response.ts'
import { addressOf } from './address.ts'
import { validateDns } from './dns.ts'
import { validateHttp } from './http.ts'
import { validateTlsAlpn } from './tls-alpn.ts'

export type ChallengeType = 'http-01' | 'dns-01' | 'tls-alpn-01'

/**
 * Returns the challenges for an identifier. Control of a wildcard can be proved by DNS only (RFC 8555 section 7.1.3), and
 * that of an address not by DNS (RFC 8738 section 4).
 */
export function challengesFor({ type }: Identifier, wildcard: boolean, { txt }: AcmeOptions): ChallengeType[] {
  const dns: ChallengeType[] = txt && type === 'dns' ? ['dns-01'] : []
  return wildcard ? dns : ['http-01', ...dns, 'tls-alpn-01']
}

interface Validation {
  readonly type: ChallengeType
  readonly identifier: Identifier
  readonly token: string
  readonly jwk: Jwk
  /** The ACME client's own address, where reserved names are looked up. */
  readonly clientAddress: string
}

/** Validates a challenge. @throws AcmeProblem with the reason that the client is told */
export async function validate(validation: Validation, options: AcmeOptions): Promise<void> {
  const { type, identifier, token, jwk, clientAddress } = validation
  // RFC 8555 section 8.1
  const keyAuthorization = `${token}.${jwkThumbprint(jwk)}`
  if (type === 'dns-01') {
    if (!options.txt) throw new AcmeProblem('dns', 'the lab does not know any more how to read TXT records')
    return validateDns(identifier, keyAuthorization, options.txt)
  }
  const address = await addressOf(identifier, clientAddress, options.addresses)
  if (type === 'http-01') return validateHttp(identifier, token, keyAuthorization, { address, port: options.httpPort })
  return validateTlsAlpn(identifier, keyAuthorization, { address, port: options.tlsAlpnPort ?? 443 })
}

/** Checks that an identifier can be validated. @throws AcmeProblem */
export function checkIdentifier({ type, value }: Identifier, options: AcmeOptions): void {
  if (type === 'ip' && isIP(value)) return
  if (type === 'ip') throw new AcmeProblem('malformed', `${value} is not an IP address`)
  if (type !== 'dns') throw new AcmeProblem('unsupportedIdentifier', `identifiers of type ${type} are not supported`)
  const name = value.startsWith('*.') ? value.slice(2) : value
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(name)) throw new AcmeProblem('malformed', `${value} is not a host name`)
  if (value.startsWith('*.') && !options.txt) {
    throw new AcmeProblem(
      'rejectedIdentifier',
      'wildcards need dns-01: authorityService.acme.dns must say where the lab reads TXT records',
    )
  }
}
