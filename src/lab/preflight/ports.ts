import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { promisify } from 'node:util'
import type { Finding, Path } from '../../core/config/mistakes.ts'
import type { Port, ResolvedLab } from '../../core/config/resolve.ts'
import { reachableAddress } from '../../core/network/ip-address.ts'
import { listenFailure } from '../../core/network/listen.ts'

interface WantedPort {
  readonly at: Path
  readonly address: string
  readonly port: Port
}

/**
 * How a port is tried. `connect` never listens: no client meets a lab that does not run. `listen` is for a start, which opens
 * the port anyway: the program that has it notices nothing.
 */
export type PortTrial = 'connect' | 'listen'

/**
 * Returns the ports of a lab that cannot be opened.
 * @param own `ADDRESS:PORT` of the ports that a running lab of this configuration has opened
 */
export async function checkPorts(lab: ResolvedLab, own: ReadonlySet<string>, trial: PortTrial): Promise<Finding[]> {
  const errorCode = trial === 'listen' ? listenErrorCode : foreseenErrorCode
  const found = wantedPorts(lab).map(async ({ at, address, port }): Promise<Finding[]> => {
    if (port === 'off' || port === 0 || own.has(`${address}:${port}`)) return []
    const code = await errorCode(address, port)
    if (code === undefined) return []
    const failure = Object.assign(new Error(code), { code })
    return [{ path: at, message: listenFailure(address, port, failure), severity: 'error' }]
  })
  return (await Promise.all(found)).flat()
}

function wantedPorts({ virtualServers, certificates: { service }, dns }: ResolvedLab): WantedPort[] {
  const places = [
    ...virtualServers.map((server, index) => ({ server, at: ['virtualServers', index] })),
    ...(service ? [{ server: service, at: ['certificates', 'service'] }] : []),
  ]
  const ofServers = places.flatMap(({ server: { address, port, tlsPort }, at }) => [
    { at: [...at, 'port'], address, port },
    { at: [...at, 'tlsPort'], address, port: tlsPort },
  ])
  return [...ofServers, ...(dns ? [{ at: ['dns', 'port'], address: dns.address, port: dns.port }] : [])]
}

/** Returns the code of the error that listening fails with. */
async function listenErrorCode(host: string, port: number): Promise<string | undefined> {
  const server = createServer((socket) => socket.destroy())
  try {
    await once(server.listen({ host, port }), 'listening')
    await promisify(server.close.bind(server))()
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** Returns the code of the error that listening would fail with. */
async function foreseenErrorCode(address: string, port: number): Promise<string | undefined> {
  if (!isOfThisMachine(address)) return 'EADDRNOTAVAIL'
  if (port < firstUnprivilegedPort() && !mayUsePrivilegedPorts()) return 'EACCES'
  return (await accepts(address, port)) ? 'EADDRINUSE' : undefined
}

function isOfThisMachine(address: string): boolean {
  if (['localhost', '0.0.0.0', '::', '::1'].includes(address) || address.startsWith('127.')) return true
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return isIP(address) !== 0 && own.some((one) => one.address === address)
}

function firstUnprivilegedPort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
  } catch {
    return 1024
  }
}

/** capabilities(7) */
const CAP_NET_BIND_SERVICE = 1n << 10n

/** Returns whether this process may listen below `firstUnprivilegedPort`. A service can have the capability without being root. */
function mayUsePrivilegedPorts(): boolean {
  try {
    const [, effective = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
    return (BigInt(`0x${effective}`) & CAP_NET_BIND_SERVICE) !== 0n
  } catch {
    // Not Linux
    return process.getuid?.() === 0
  }
}

const ANSWER_MS = 2_000

/** Returns whether a program accepts connections on a port. */
function accepts(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: reachableAddress(address), port, timeout: ANSWER_MS })
    const end = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}
