import type { Protocol } from '../../../src/config/schema.ts'
import { runProgram } from '../../support/run-program.ts'
import type { Offer } from './table.ts'

/** A port and how TLS starts there. */
export interface Endpoint {
  readonly protocol: Exclude<Protocol, 'http'>
  readonly port: number
  readonly form: 'implicit' | 'STARTTLS'
}

/** Connects with one version and one suite. Resolves with whether the client completed the handshake. */
type Client = (offer: Offer, endpoint: Endpoint) => Promise<boolean>

const words = { smtp: 'smtp', pop3: 'pop3', imap4: 'imap', nntp: 'nntp' } as const
const opensslVersions = { TLSv1: '-tls1', 'TLSv1.1': '-tls1_1', 'TLSv1.2': '-tls1_2', 'TLSv1.3': '-tls1_3' } as const
const gnutlsVersions = { TLSv1: 'TLS1.0', 'TLSv1.1': 'TLS1.1', 'TLSv1.2': 'TLS1.2', 'TLSv1.3': 'TLS1.3' } as const

/** `openssl s_client`. */
export const openssl: Client = async ({ version, openssl: suite = '' }, { protocol, port, form }) => {
  const cipher = version === 'TLSv1.3' ? ['-ciphersuites', suite] : ['-cipher', `${suite}:@SECLEVEL=0`]
  const start = form === 'STARTTLS' ? ['-starttls', words[protocol]] : []
  const to = ['s_client', '-connect', `127.0.0.1:${port}`, ...start]
  const { stdout } = await runProgram('openssl', [...to, opensslVersions[version], ...cipher], { input: '' })
  return /^New, .*Cipher is (?!\(NONE\))/m.test(stdout)
}

/** `gnutls-cli`. */
export const gnutls: Client = async ({ version, gnutls: suite }, { protocol, port, form }) => {
  const start = form === 'STARTTLS' ? [`--starttls-proto=${words[protocol]}`] : []
  const priority = `NONE:+VERS-${gnutlsVersions[version]}:${suite}:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:%SAFE_RENEGOTIATION:%VERIFY_ALLOW_SIGN_WITH_SHA1`
  const to = ['--insecure', ...start, '-p', String(port), '127.0.0.1']
  const { stdout } = await runProgram('gnutls-cli', [`--priority=${priority}`, ...to], { input: '' })
  return /Handshake was completed/.test(stdout)
}
