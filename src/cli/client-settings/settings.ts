import type { ResolvedLab, ResolvedVirtualServer } from '../../config/resolve.ts'
import type { Protocol } from '../../config/schema.ts'

/** How one protocol of the lab is reached. */
export interface Access {
  readonly protocol: Protocol
  readonly virtualServer: string
  readonly host: string
  /** Clear-text port: the SSL box empty, or STARTTLS. */
  readonly port: number | undefined
  /** Implicit-TLS port: the SSL box ticked. */
  readonly tlsPort: number | undefined
  readonly startTls: boolean
  /** Without TLS there is no log-on. */
  readonly tlsRequired: boolean
  /** What a client should use: the best there is. */
  readonly best: { readonly port: number; readonly channel: 'tls' | 'starttls' | 'clear' }
}

/** What a client needs to know. */
export interface Settings {
  readonly user: string
  readonly password: string
  readonly address: string
  readonly domain: string
  readonly newsgroup: string | undefined
  /** One a protocol that the lab has. */
  readonly access: Partial<Readonly<Record<Protocol, Access>>>
}

/** @throws Error when there is no such account */
export function settingsOf(lab: ResolvedLab, wanted: string | undefined): Settings {
  const { accounts, mode } = lab.directory
  const account = wanted === undefined ? accounts[0] : accounts.find(({ user }) => user === wanted)
  if (!account && mode === 'listed') {
    const known = accounts.map(({ user }) => user).join(', ')
    throw new Error(`no account ${wanted ?? ''} in the configuration; there are: ${known || 'none'}`)
  }
  const user = account?.user ?? wanted ?? 'alice'
  return {
    user,
    password: account?.password ?? 'anything',
    address: account?.addresses[0] ?? `${user}@${lab.domain}`,
    domain: lab.domain,
    newsgroup: lab.newsgroups[0]?.name,
    access: Object.fromEntries(accesses(lab).map((access) => [access.protocol, access])),
  }
}

/** One virtual server a protocol: the first that lets accounts log on. */
function accesses(lab: ResolvedLab): Access[] {
  const byLogOn = [...lab.virtualServers].sort((a, b) => Number(letsLogOn(b)) - Number(letsLogOn(a)))
  const seen = new Set<Protocol>()
  return byLogOn.flatMap((server) => {
    if (seen.has(server.protocol)) return []
    seen.add(server.protocol)
    return accessTo(server, lab.hostname)
  })
}

const letsLogOn = ({ authentication }: ResolvedVirtualServer): boolean =>
  authentication.some((way) => way !== 'anonymous')

function accessTo(server: ResolvedVirtualServer, hostname: string): Access[] {
  const { protocol, name, certificate, requireSecureChannel, authentication } = server
  const port = server.port === 'off' ? undefined : server.port
  const tlsPort = server.tlsPort === 'off' ? undefined : server.tlsPort
  const startTls = port !== undefined && certificate.kind !== 'none'
  const best = bestOf(port, tlsPort, startTls)
  if (!best) return []
  const tlsRequired = requireSecureChannel || !authentication.includes('basic')
  const host = hostFor(server.address, hostname)
  return [{ protocol, virtualServer: name, host, port, tlsPort, startTls, tlsRequired, best }]
}

function bestOf(port: number | undefined, tlsPort: number | undefined, startTls: boolean): Access['best'] | undefined {
  if (tlsPort !== undefined) return { port: tlsPort, channel: 'tls' }
  return port === undefined ? undefined : { port, channel: startTls ? 'starttls' : 'clear' }
}

/** The name the certificate is issued to; the address where the name leads elsewhere. */
function hostFor(address: string, hostname: string): string {
  const everywhere = address === '0.0.0.0' || address === '::'
  const isLocal = address === '127.0.0.1' || address === '::1' || address === 'localhost'
  return hostname === 'localhost' && !everywhere && !isLocal ? address : hostname
}
