import type { NextHop } from '../types.ts'
import { PeerFailure } from './failure.ts'
import type { Extensions } from './reply.ts'

/** How the lab logs on to a host, for nodemailer. */
export interface LogOn {
  readonly user: string
  readonly method: string
  readonly pass: string
}

/** Mechanisms in the order of preference: a password that is sent under TLS first. */
const forPassword = { overTls: ['PLAIN', 'LOGIN', 'CRAM-MD5'], inClearText: ['CRAM-MD5'] }
/** Without TLS, only a mechanism that does not show the secret. */
const forToken = { overTls: ['XOAUTH2'], inClearText: [] }

/** A log-on that is not possible. Another attempt may find the host repaired. RFC 4954 section 6. */
const impossible = (message: string): PeerFailure => new PeerFailure(message, { enhancedCode: '4.7.8' })

/**
 * Returns how to log on; undefined if the hop has no user.
 * @param isSecure whether TLS protects the connection
 * @param allowsClearText whether the owner has switched TLS off, so that the secret may be sent in clear text
 * @throws PeerFailure
 */
export function logOnOf(
  { host, user, password, accessToken }: NextHop,
  extensions: Extensions,
  isSecure: boolean,
  allowsClearText: boolean,
): LogOn | undefined {
  if (user === undefined) return undefined
  const offered = new Set((extensions.get('AUTH') ?? '').toUpperCase().split(/\s+/))
  const mayShow = isSecure || allowsClearText
  const mechanisms = accessToken === undefined ? forPassword : forToken
  const possible: readonly string[] = mayShow ? mechanisms.overTls : mechanisms.inClearText
  const method = possible.find((one) => offered.has(one))
  if (method !== undefined) return { user, method, pass: accessToken ?? password ?? '' }
  if (!mayShow) {
    const secret = accessToken === undefined ? 'password' : 'access token'
    throw impossible(`${host} offers no TLS, and the ${secret} is not sent in clear text (tls: none allows that)`)
  }
  throw impossible(`${host} does not offer a log-on with ${possible.join(', ')}`)
}
