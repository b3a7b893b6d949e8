import { passwordOfPrograms } from '../../accounts/directory/logon-refusal.ts'
import {
  endpointPaths,
  httpUrlOf,
  oauth2Settings as oauth2SettingsOf,
  scopesOf,
} from '../../accounts/oauth2/settings.ts'
import { isKnown, type PasswordForm } from '../../core/config/accounts/known-passwords.ts'
import type { Port, ResolvedLab, ResolvedVirtualServer } from '../../core/config/resolve.ts'
import { type AuthenticationMethod, isOnlyOverTls } from '../../core/config/schema/authentication.ts'
import { isMailProtocol, type Protocol } from '../../core/config/schema.ts'
import { isLoopback } from '../../core/network/ip-address.ts'
import { type LogOnWay, logOnWaysOf } from './log-on.ts'

/** File name of the root certificate in the instructions. */
export const CA_FILE = 'lab-ca.pem'

/** The protocols that programs speak to a lab. JMAP is a service of HTTP virtual servers. */
export type ClientProtocol = Protocol | 'managesieve' | 'jmap'

/** How to connect to the lab with one protocol. */
export interface ConnectionSettings {
  readonly protocol: ClientProtocol
  readonly virtualServer: string
  readonly host: string
  /** Clear-text port, for connections without TLS or with STARTTLS. */
  readonly port: number | undefined
  /** Implicit TLS port. */
  readonly tlsPort: number | undefined
  readonly startTls: boolean
  /** Whether clients can log on only over TLS. */
  readonly tlsRequired: boolean
  /** Whether only programs on the machine of the lab reach the address. */
  readonly onlyThisMachine: boolean
  /** Whether clients of the 1990s are accepted (`tls.legacy`). */
  readonly legacyTls: boolean
  /** The best channel that the server offers: implicit TLS, else STARTTLS, else clear text. */
  readonly best: Connection
  /** The ways to log on by the best connection, in the order in which a program should prefer them. Empty: no log-on. */
  readonly ways: readonly LogOnWay[]
}

/** A port, and how a client protects the connection to it. */
export interface Connection {
  readonly port: number
  readonly channel: 'tls' | 'starttls' | 'clear'
}

/** Returns every connection with which a client can log on, the best first. */
export function connectionsTo({ port, tlsPort, startTls, tlsRequired }: ConnectionSettings): Connection[] {
  return [
    ...(tlsPort === undefined ? [] : [{ port: tlsPort, channel: 'tls' as const }]),
    ...(port === undefined || !startTls ? [] : [{ port, channel: 'starttls' as const }]),
    ...(port === undefined || tlsRequired ? [] : [{ port, channel: 'clear' as const }]),
  ]
}

/** The settings of a client for the lab and one account. */
export interface Settings {
  readonly user: string
  readonly password: string
  readonly address: string
  readonly domain: string
  readonly newsgroup: string | undefined
  /** Only the protocols of the lab. */
  readonly access: Partial<Readonly<Record<ClientProtocol, ConnectionSettings>>>
  /** Where programs get access tokens; undefined if no server takes them or no HTTP virtual server issues them. */
  readonly tokens: TokenSettings | undefined
}

/** The authorization server. RFC 6749 section 3. */
export interface TokenSettings {
  readonly issuer: string
  /** Separated by spaces. RFC 6749 section 3.3. */
  readonly scope: string
  readonly authorizationUrl: string
  readonly tokenUrl: string
}

/** Returns the settings for an account, by default the first. @throws Error if the account does not exist */
export function readClientSettings(lab: ResolvedLab, wanted: string | undefined): Settings {
  const { accounts, mode } = lab.directory
  const account = wanted === undefined ? accounts[0] : accounts.find(({ user }) => user === wanted)
  if (!account && mode === 'listed') {
    const known = accounts.map(({ user }) => user).join(', ')
    throw new Error(
      known === ''
        ? 'the configuration has no accounts'
        : `the configuration has no account ${wanted}; it has: ${known}`,
    )
  }
  const user = account?.user ?? wanted ?? 'alice'
  return {
    user,
    password: passwordFor(account),
    address: account?.addresses[0] ?? `${user}@${lab.domain}`,
    ...settingsOfLab(lab),
  }
}

/**
 * Returns a password for mail and news clients. Empty if the account needs an app password and does not have one, or if only
 * a hash of the password is known.
 */
const passwordFor = (account: Parameters<typeof passwordOfPrograms>[0] | undefined): string =>
  (account && passwordOfPrograms(account)) ?? (account?.twoFactor || account?.passwordHash ? '' : 'anything')

const knownPasswords = ({ directory: { mode, accounts } }: ResolvedLab) => ({
  knowsPasswords: (form: PasswordForm) => mode === 'listed' && accounts.every((one) => isKnown(one, form)),
})

/** Returns the settings of anyone with an address, who logs on by it. */
export const settingsOfAddress = (lab: ResolvedLab, address: string): Settings => ({
  user: address,
  password: '',
  address,
  ...settingsOfLab(lab),
})

function settingsOfLab(lab: ResolvedLab): Omit<Settings, 'user' | 'password' | 'address'> {
  const found = accesses(lab)
  return {
    domain: lab.domain,
    newsgroup: lab.news.groups[0]?.name,
    access: Object.fromEntries(found.map((access) => [access.protocol, access])),
    tokens: tokensOf(lab, found),
  }
}

function tokensOf(lab: ResolvedLab, found: readonly ConnectionSettings[]): TokenSettings | undefined {
  const { oauth2: config, hostname } = lab
  const scopes = found
    .filter(({ ways }) => ways.includes('oauth2'))
    .flatMap(({ protocol }) => scopesOf(config, protocol === 'jmap' ? 'http' : protocol)[0] ?? [])
  const endpoints = lab.virtualServers.map(({ protocol, port, tlsPort }) => ({
    protocol,
    port: numberOf(port),
    tlsPort: numberOf(tlsPort),
  }))
  const { issuer, configurationUrl } = oauth2SettingsOf({ config, hostname, httpUrl: httpUrlOf(endpoints, hostname) })
  if (scopes.length === 0 || configurationUrl === undefined) return undefined
  return {
    issuer,
    scope: [...new Set(scopes)].join(' '),
    authorizationUrl: `${issuer}${endpointPaths.authorization}`,
    tokenUrl: `${issuer}${endpointPaths.token}`,
  }
}

const numberOf = (port: Port): number | undefined => (port === 'off' ? undefined : port)

/** Selects one virtual server for each protocol: the first with log-on, else the first. */
function accesses(lab: ResolvedLab): ConnectionSettings[] {
  const sorted = [...lab.virtualServers].sort((a, b) => Number(hasLogOn(b)) - Number(hasLogOn(a)))
  const seen = new Set<ClientProtocol>()
  return sorted.flatMap((server) => {
    const protocol = clientProtocolOf(server)
    if (!protocol || seen.has(protocol)) return []
    seen.add(protocol)
    return accessTo(server, protocol, lab)
  })
}

function clientProtocolOf({ protocol, jmap }: ResolvedVirtualServer): ClientProtocol | undefined {
  if (protocol === 'http') return jmap === 'off' ? undefined : 'jmap'
  return isMailProtocol(protocol) || protocol === 'managesieve' ? protocol : undefined
}

const isLogOn = (method: AuthenticationMethod): boolean => method !== 'anonymous' && method !== 'sasl-anonymous'

const hasLogOn = ({ authentication }: ResolvedVirtualServer): boolean => authentication.some(isLogOn)

function accessTo(server: ResolvedVirtualServer, protocol: ClientProtocol, lab: ResolvedLab): ConnectionSettings[] {
  const { name, address, certificate, requireSecureChannel, authentication } = server
  const port = numberOf(server.port)
  const tlsPort = numberOf(server.tlsPort)
  const startTls = port !== undefined && certificate.kind !== 'none' && protocol !== 'jmap'
  const best = bestOf(port, tlsPort, startTls)
  if (!best) return []
  const tlsRequired = requireSecureChannel || (hasLogOn(server) && authentication.filter(isLogOn).every(isOnlyOverTls))
  const host = hostFor(address, lab.hostname)
  const offered = logOnWaysOf(server, knownPasswords(lab), best.channel !== 'clear')
  // RFC 8620 section 8.2: clients of JMAP have Basic and access tokens.
  const ways = protocol === 'jmap' ? offered.filter((way) => way === 'password' || way === 'oauth2') : offered
  const reach = { onlyThisMachine: isLoopback(address), legacyTls: server.tls.legacy !== 'off' }
  return [{ protocol, virtualServer: name, host, port, tlsPort, startTls, tlsRequired, ...reach, best, ways }]
}

function bestOf(port: number | undefined, tlsPort: number | undefined, startTls: boolean): Connection | undefined {
  if (tlsPort !== undefined) return { port: tlsPort, channel: 'tls' }
  return port === undefined ? undefined : { port, channel: startTls ? 'starttls' : 'clear' }
}

/** Returns the host name, which the certificate is issued to, or the address if `localhost` would not reach it. */
function hostFor(address: string, hostname: string): string {
  const everywhere = address === '0.0.0.0' || address === '::'
  const isLocal = address === '127.0.0.1' || address === '::1' || address === 'localhost'
  return hostname === 'localhost' && !everywhere && !isLocal ? address : hostname
}
