import { lookup } from 'node:dns/promises'
import { request } from 'node:http'
import { BlockList, isIP, isIPv6 } from 'node:net'
import type { Identifier } from './identifier.ts'
import { type Jwk, jwkThumbprint } from './jws.ts'
import { AcmeProblem } from './response.ts'

export interface Validation {
  readonly identifier: Identifier
  readonly token: string
  readonly jwk: Jwk
  /** The ACME client's own address, where reserved names are looked up. */
  readonly clientAddress: string
  /** Port of the client's http-01 listener. */
  readonly port: number
  /** Addresses and networks that may be connected to besides loopback. */
  readonly addresses: readonly string[]
}

const TIMEOUT_MS = 10_000
const MAX_BODY_OCTETS = 64 * 1024

/** Names that public DNS does not have. RFC 6761, RFC 6762, RFC 9476 (alt). A single label is a machine's name. */
const RESERVED = /^[^.]+$|(^|\.)(test|example|invalid|localhost|local|internal|home\.arpa|alt)$/i

/**
 * Returns the addresses that validation may connect to: loopback and those that the configuration lists. All others are
 * refused, because a client chooses the address: it could reach other machines or a metadata service (169.254.169.254).
 */
function allowedAddresses(listed: readonly string[]): BlockList {
  const allowed = new BlockList()
  allowed.addSubnet('127.0.0.0', 8)
  allowed.addAddress('::1', 'ipv6')
  for (const text of listed) {
    const [address = '', prefix] = text.split('/')
    const family = familyOf(address)
    if (prefix === undefined) allowed.addAddress(address, family)
    else allowed.addSubnet(address, Number(prefix), family)
  }
  return allowed
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4')

/** Validates an http-01 challenge. RFC 8555 section 8.3. @throws AcmeProblem `connection`, `incorrectResponse`, `rejectedIdentifier` */
export async function validateHttp01(validation: Validation): Promise<void> {
  const { identifier, token, jwk, port } = validation
  const address = await addressOf(validation)
  if (!allowedAddresses(validation.addresses).check(address, familyOf(address))) {
    throw new AcmeProblem(
      'rejectedIdentifier',
      `${identifier.value} is at ${address}, to which the lab does not connect: list it in authorityService.acme.addresses`,
    )
  }
  const host = isIPv6(identifier.value) ? `[${identifier.value}]` : identifier.value
  const response = await get({
    address,
    port,
    host: port === 80 ? host : `${host}:${port}`,
    path: `/.well-known/acme-challenge/${token}`,
  })
  if (response.trimEnd() !== `${token}.${jwkThumbprint(jwk)}`) {
    throw new AcmeProblem(
      'incorrectResponse',
      `http://${host}:${port} at ${address} did not answer with the key authorization`,
    )
  }
}

async function addressOf({ identifier: { type, value }, clientAddress }: Validation): Promise<string> {
  if (type === 'ip') return value
  if (RESERVED.test(value)) return clientAddress.replace(/^::ffff:/i, '')
  try {
    return (await lookup(value)).address
  } catch (error) {
    throw new AcmeProblem('connection', `${value} does not resolve: ${(error as Error).message}`)
  }
}

interface Fetch {
  readonly address: string
  readonly port: number
  readonly host: string
  readonly path: string
}

function get({ address, port, host, path }: Fetch): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new AcmeProblem('connection', `http://${host}${path} (${address}): ${why}`))
    const options = {
      host: address,
      port,
      path,
      headers: { host, 'user-agent': 'sealpost' },
      timeout: TIMEOUT_MS,
      agent: false,
    }
    const sent = request(options, (response) => {
      if (response.statusCode !== 200) {
        response.resume()
        return fail(`status ${response.statusCode}`)
      }
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > MAX_BODY_OCTETS) sent.destroy(new Error('the response is too long'))
        chunks.push(chunk)
      })
      // The server disconnected before its response was complete.
      response.on('error', (error) => fail(error.message))
      response.on('end', () => resolve(Buffer.concat(chunks).toString('latin1')))
    })
    sent.on('timeout', () => sent.destroy(new Error('timeout')))
    sent.on('error', (error) => fail(error.message))
    sent.end()
  })
}

/** Checks that an identifier can be validated. @throws AcmeProblem */
export function checkIdentifier({ type, value }: Identifier): void {
  if (type === 'ip' && isIP(value)) return
  if (type === 'ip') throw new AcmeProblem('malformed', `${value} is not an IP address`)
  if (type !== 'dns') throw new AcmeProblem('unsupportedIdentifier', `identifiers of type ${type} are not supported`)
  if (value.startsWith('*.'))
    throw new AcmeProblem('rejectedIdentifier', 'wildcards need dns-01, which is not supported')
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(value)) throw new AcmeProblem('malformed', `${value} is not a host name`)
}
