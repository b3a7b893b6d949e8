import { isLoopback } from '../../common/ip-address.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../../config/resolve.ts'
import { isOnlyOverTls } from '../../config/schema/authentication.ts'
import { isMailProtocol, type Protocol } from '../../config/schema.ts'
import { passwordOfPrograms } from '../../directory/proof.ts'

/** How to connect to the lab with one protocol. */
export interface ConnectionSettings {
  readonly protocol: Protocol
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
  readonly access: Partial<Readonly<Record<Protocol, ConnectionSettings>>>
}

/** Returns the settings for an account, by default the first. @throws Error if the account does not exist */
export function settingsOf(lab: ResolvedLab, wanted: string | undefined): Settings {
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
    password: (account && passwordOfPrograms(account)) ?? 'anything',
    address: account?.addresses[0] ?? `${user}@${lab.domain}`,
    domain: lab.domain,
    newsgroup: lab.newsgroups[0]?.name,
    access: Object.fromEntries(accesses(lab).map((access) => [access.protocol, access])),
  }
}

/** Selects one virtual server for each protocol: the first with log-on, else the first. */
function accesses(lab: ResolvedLab): ConnectionSettings[] {
  const sorted = [...lab.virtualServers].sort((a, b) => Number(hasLogOn(b)) - Number(hasLogOn(a)))
  const seen = new Set<Protocol>()
  return sorted.flatMap((server) => {
    const { protocol } = server
    if (!isMailProtocol(protocol) || seen.has(protocol)) return []
    seen.add(protocol)
    return accessTo(server, protocol, lab.hostname)
  })
}

const hasLogOn = ({ authentication }: ResolvedVirtualServer): boolean =>
  authentication.some((way) => way !== 'anonymous')

function accessTo(server: ResolvedVirtualServer, protocol: Protocol, hostname: string): ConnectionSettings[] {
  const { name, address, certificate, requireSecureChannel, authentication } = server
  const port = server.port === 'off' ? undefined : server.port
  const tlsPort = server.tlsPort === 'off' ? undefined : server.tlsPort
  const startTls = port !== undefined && certificate.kind !== 'none'
  const best = bestOf(port, tlsPort, startTls)
  if (!best) return []
  const tlsRequired =
    requireSecureChannel || authentication.filter((method) => method !== 'anonymous').every(isOnlyOverTls)
  const host = hostFor(address, hostname)
  const reach = { onlyThisMachine: isLoopback(address), legacyTls: server.tls.legacy !== false }
  return [{ protocol, virtualServer: name, host, port, tlsPort, startTls, tlsRequired, ...reach, best }]
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
