import { Agent, request } from 'node:https'
import type { ServerProtocol } from '../../../../src/core/config/schema.ts'
import { runProgram } from '../../../support/run-program.ts'
import type { Offer } from './table.ts'

/** A port and how TLS starts there. */
export interface Endpoint {
  readonly protocol: ServerProtocol
  readonly port: number
  readonly form: 'implicit' | 'STARTTLS'
  /** File with the lab's root, and its content. */
  readonly caFile: string
  readonly ca: string
}

/** A program that connects with one version and one suite. */
interface Client {
  /** Returns whether it has the suite and speaks the protocol. */
  readonly can: (offer: Offer, protocol: ServerProtocol) => boolean
  /** Resolves with whether it completed the handshake, and over HTTP the exchange. */
  readonly connect: (offer: Offer, endpoint: Endpoint) => Promise<boolean>
}

const words = {
  smtp: 'smtp',
  pop3: 'pop3',
  imap4: 'imap',
  nntp: 'nntp',
  lmtp: 'lmtp',
  managesieve: 'sieve',
} as const
const opensslVersions = { TLSv1: '-tls1', 'TLSv1.1': '-tls1_1', 'TLSv1.2': '-tls1_2', 'TLSv1.3': '-tls1_3' } as const
const gnutlsVersions = { TLSv1: 'TLS1.0', 'TLSv1.1': 'TLS1.1', 'TLSv1.2': 'TLS1.2', 'TLSv1.3': 'TLS1.3' } as const
const curlVersions = { TLSv1: '1.0', 'TLSv1.1': '1.1', 'TLSv1.2': '1.2', 'TLSv1.3': '1.3' } as const

/** Returns the name of a protocol for STARTTLS; undefined where TLS begins at once. */
const startTls = ({ protocol, form }: Endpoint): string | undefined =>
  form === 'STARTTLS' && protocol !== 'http' ? words[protocol] : undefined

/** `openssl s_client`. */
const openssl: Client = {
  can: (offer) => offer.openssl !== undefined,
  async connect({ version, openssl: suite = '' }, endpoint) {
    const cipher = version === 'TLSv1.3' ? ['-ciphersuites', suite] : ['-cipher', `${suite}:@SECLEVEL=0`]
    const name = startTls(endpoint)
    const to = ['s_client', '-connect', `127.0.0.1:${endpoint.port}`, ...(name ? ['-starttls', name] : [])]
    const { stdout } = await runProgram('openssl', [...to, opensslVersions[version], ...cipher], { input: '' })
    return /^New, .*Cipher is (?!\(NONE\))/m.test(stdout)
  },
}

/** `gnutls-cli`. */
const gnutls: Client = {
  can: (offer) => offer.gnutls !== undefined,
  async connect({ version, gnutls: suite }, endpoint) {
    const name = startTls(endpoint)
    const priority = `NONE:+VERS-${gnutlsVersions[version]}:${suite}:+COMP-NULL:+SIGN-ALL:+GROUP-ALL:%SAFE_RENEGOTIATION:%VERIFY_ALLOW_SIGN_WITH_SHA1`
    const start = name ? [`--starttls-proto=${name}`] : []
    const to = ['--insecure', ...start, '-p', String(endpoint.port), '127.0.0.1']
    const { stdout } = await runProgram('gnutls-cli', [`--priority=${priority}`, ...to], { input: '' })
    return /Handshake was completed/.test(stdout)
  },
}

/** curl, which asks for a page over HTTP. */
const curl: Client = {
  can: (offer, protocol) => offer.openssl !== undefined && protocol === 'http',
  async connect({ version, openssl: suite = '' }, { port, caFile }) {
    const cipher = version === 'TLSv1.3' ? ['--tls13-ciphers', suite] : ['--ciphers', `${suite}:@SECLEVEL=0`]
    const versions = [`--tlsv${curlVersions[version]}`, '--tls-max', curlVersions[version]]
    const to = ['-s', '--max-time', '20', '--cacert', caFile, `https://localhost:${port}/livez`]
    const { stdout } = await runProgram('curl', [...versions, ...cipher, ...to])
    return stdout === 'ok'
  },
}

/** The client of Node.js, which asks for a page over HTTP. */
const node: Client = {
  can: (offer, protocol) => offer.openssl !== undefined && protocol === 'http',
  connect: ({ version, openssl: suite = '' }, { port, ca }) =>
    new Promise((resolve) => {
      // OpenSSL takes the level only with suites of TLS 1.2.
      const ciphers = version === 'TLSv1.3' ? suite : `${suite}:@SECLEVEL=0`
      const agent = new Agent({ minVersion: version, maxVersion: version, ciphers, ca })
      const to = { host: '127.0.0.1', port, servername: 'localhost', path: '/livez', agent }
      request(to, (answer) => {
        answer.resume().on('end', () => {
          agent.destroy()
          resolve(answer.statusCode === 200)
        })
      })
        .on('error', () => resolve(false))
        .end()
    }),
}

export const clients = { openssl, gnutls, curl, node }
