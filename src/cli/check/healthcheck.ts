import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, rootCertificates } from 'node:tls'
import type { Command } from 'commander'
import type { Port } from '../../core/config/resolve.ts'
import { AddressList } from '../../core/network/address-list.ts'
import { reachableAddress } from '../../core/network/ip-address.ts'
import { askLab } from '../../lab/control/client.ts'
import type { LabStatus } from '../../lab/control/verbs.ts'
import {
  type ConfigurationOptions,
  configurationIdentity,
  loadConfiguration,
  withConfig,
} from '../shared/configuration.ts'
import { exitStatus } from '../shared/failure.ts'
import { timeLimit } from '../shared/options.ts'
import { noteError, print } from '../shared/output.ts'
import { controlSockets, labStatus } from '../shared/running-labs.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface HealthcheckOptions extends ConfigurationOptions {
  /** Milliseconds. */
  readonly timeout?: number
}

const TIMEOUT_MS = 5_000
const NOT_LISTENING = 'nothing listens there'

/** Adds `sealpost healthcheck`. */
export function addHealthcheck(program: Command): void {
  withConfig(program.command('healthcheck'))
    .option('--timeout <time>', 'longest wait for a greeting (default: 5s)', timeLimit)
    .addOption(sharedOptions.json)
    .action(healthcheck)
}

async function healthcheck(options: HealthcheckOptions): Promise<void> {
  const [control] = await controlSockets(configurationIdentity(options).identity)
  const { hostname, ports, roots, notReady, notServed } =
    control === undefined ? await portsOfFile(options) : await portsOfLab(control)
  const { timeout: timeoutMs = TIMEOUT_MS } = options
  const greeted: Socket[] = []
  const results = await Promise.all(
    ports.map(async ({ virtualServer, protocol, address, port, tls, proxies }) => {
      try {
        const verification = tls ? { ca: roots, servername: hostname } : undefined
        const host = reachableAddress(address)
        const { line, socket } = await greeting(
          { host, port, proxies: new AddressList(proxies) },
          timeoutMs,
          FIRST_WORDS[protocol],
          verification,
        )
        greeted.push(socket)
        return { virtualServer, port, tls, greeting: line }
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        return { virtualServer, port, tls, error: code === 'ECONNREFUSED' ? NOT_LISTENING : message }
      }
    }),
  )
  await removeSessions(greeted, control)
  const failed = results.filter((result) => 'error' in result)
  const isOk = failed.length === 0 && notReady.length === 0 && notServed.length === 0
  if (options.json) print(JSON.stringify({ ok: isOk, ports: results, notReady, notServed }))
  else {
    for (const { detail } of notReady) noteError(detail)
    for (const { virtualServer, friendlyName, why } of notServed)
      noteError(`${virtualServer}: the certificate "${friendlyName}" is installed but not served: ${why}`)
    for (const { virtualServer, port, error } of failed) noteError(`${virtualServer}: port ${port}: ${error}`)
    if (ports.length > 0 && failed.every(({ error }) => error === NOT_LISTENING) && failed.length === ports.length)
      noteError('no lab runs on these ports; start it with: sealpost start')
  }
  if (!isOk) process.exitCode = exitStatus.failed
  else if (!options.json)
    print(results.length === 1 ? 'the port is healthy' : `all ${results.length} ports are healthy`)
}

/** Removes the session records of a successful check: a check every ten seconds would displace those of clients. */
async function removeSessions(greeted: readonly Socket[], control: string | undefined): Promise<void> {
  try {
    if (control === undefined) return
    const sessions = greeted.map(({ localAddress, localPort, remotePort }) => ({
      remoteAddress: localAddress,
      remotePort: localPort,
      localPort: remotePort,
    }))
    await askLab(control, { verb: 'forget', args: { sessions } })
  } finally {
    for (const socket of greeted) socket.destroy()
  }
}

/** The first words of clients, where the server waits for them. */
const FIRST_WORDS: Partial<Record<string, string>> = {
  http: 'GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
}

interface PortToCheck {
  readonly virtualServer: string
  readonly protocol: string
  readonly address: string
  /** The addresses whose connections begin with a PROXY header. */
  readonly proxies: readonly string[]
  readonly port: number
  readonly tls: boolean
}

interface PortsToCheck {
  /** The name that certificates must be issued to. */
  readonly hostname: string
  readonly ports: readonly PortToCheck[]
  /** PEM roots. */
  readonly roots: readonly string[]
  /** Why the lab takes no clients, as `/readyz` says. */
  readonly notReady: LabStatus['notReady']
  /** Certificates that the lab cannot serve. */
  readonly notServed: LabStatus['notServed']
}

/** Returns the actual ports and the roots of a running lab, without reading its file. */
async function portsOfLab(control: string): Promise<PortsToCheck> {
  const { hostname, endpoints, ca, notReady, notServed } = await labStatus(control)
  // A port that a test has made unreachable is no failure.
  const reachable = endpoints.filter((one) => one.reachable)
  const ports = reachable.flatMap(({ virtualServer, protocol, address, proxies, port, tlsPort }) =>
    openPorts({ virtualServer, protocol, address, proxies }, port ?? 'off', tlsPort ?? 'off'),
  )
  return { hostname, ports, roots: ca === '' ? [] : [ca], notReady, notServed }
}

/** Returns the ports of the file, for a lab that is not running. @throws ConfigError, PkiError */
async function portsOfFile(options: ConfigurationOptions): Promise<PortsToCheck> {
  const configuration = await loadConfiguration(options)
  const { hostname, virtualServers } = configuration.lab
  const ports = virtualServers.flatMap(({ name, protocol, address, proxyProtocol, port, tlsPort, certificate }) =>
    openPorts(
      { virtualServer: name, protocol, address, proxies: proxyProtocol?.from ?? [] },
      port,
      certificate.kind === 'assigned' ? 'off' : tlsPort,
    ),
  )
  const { storedRoots } = await import('../shared/certificate-store.ts')
  return { hostname, ports, roots: await storedRoots(configuration), notReady: [], notServed: [] }
}

function openPorts(server: Omit<PortToCheck, 'port' | 'tls'>, port: Port, tlsPort: Port): PortToCheck[] {
  const open = [
    { port, tls: false },
    { port: tlsPort, tls: true },
  ]
  return open.flatMap(({ port: number, tls }) => (typeof number === 'number' ? [{ ...server, port: number, tls }] : []))
}

interface Verification {
  /** PEM roots, trusted in addition to those of Node.js. */
  readonly ca: readonly string[]
  /** The name the certificate must be issued to. */
  readonly servername: string
}

/**
 * Connects and reads the first line: the greeting, or the answer to the first words. The caller closes the socket.
 * @throws Error if no greeting arrives in time or the certificate cannot be verified
 */
function greeting(
  { host, port, proxies }: { readonly host: string; readonly port: number; readonly proxies: AddressList },
  timeoutMs: number,
  firstWords: string | undefined,
  verification?: Verification,
): Promise<{ readonly line: string; readonly socket: Socket }> {
  const raw = connectTcp({ host, port })
  return new Promise((resolve, reject) => {
    let received = ''
    const timer = setTimeout(() => fail(new Error(`no greeting within ${timeoutMs / 1000} s`)), timeoutMs)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      raw.destroy()
      reject(error)
    }
    raw.on('error', fail)
    raw.once('connect', () => {
      // This machine counts as a proxy, whose own connections have no other client.
      if (proxies.has(raw.localAddress ?? '')) raw.write('PROXY UNKNOWN\r\n')
      const socket = verification ? tlsOver(raw, host, verification) : raw
      socket.setEncoding('utf8')
      if (firstWords !== undefined) socket.write(firstWords)
      socket.on('data', (text: string) => {
        received += text
        const end = received.indexOf('\r\n')
        if (end === -1) return
        const line = received.slice(0, end)
        if (firstWords !== undefined && !/^HTTP\/1\.1 200 /.test(line)) return fail(new Error(line))
        clearTimeout(timer)
        resolve({ line, socket })
      })
      socket.on('end', () => fail(new Error('closed without a greeting')))
      if (socket !== raw) socket.on('error', fail)
    })
  })
}

function tlsOver(socket: Socket, host: string, { ca, servername }: Verification): Socket {
  // SNI carries no IP addresses (RFC 6066 section 3). Node.js then checks the certificate against the host.
  const name = isIP(servername) ? { host } : { servername }
  return connectTls({ socket, ...name, ca: [...ca, ...rootCertificates] })
}
