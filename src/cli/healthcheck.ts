import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, rootCertificates } from 'node:tls'
import type { Command } from 'commander'
import type { Port } from '../config/resolve.ts'
import { askLab } from '../lab/control/client.ts'
import { findSockets } from '../lab/control/socket-path.ts'
import { reachable } from './check.ts'
import { type ConfigurationOptions, configurationIdentity, loadConfiguration, withConfig } from './configuration.ts'
import { exitStatus } from './failure.ts'
import { secondsAsMs } from './options.ts'
import { note, print } from './output.ts'
import { labStatus, runtimePlaces } from './running-labs.ts'

interface HealthcheckOptions extends ConfigurationOptions {
  readonly json?: boolean
  /** Milliseconds. */
  readonly timeout?: number
}

const TIMEOUT_MS = 5_000

/** One port that must greet. */
interface Target {
  readonly virtualServer: string
  readonly address: string
  readonly port: number
  readonly tls: boolean
}

/** `sealpost healthcheck`: whether every configured port greets, TLS verified against the lab's root. */
export function addHealthcheck(program: Command): void {
  withConfig(program.command('healthcheck'))
    .description('exit 0 when every configured port greets')
    .option('--timeout <seconds>', 'how long a port has to greet (default: 5)', secondsAsMs)
    .option('--json', 'print JSON')
    .action(healthcheck)
}

async function healthcheck(options: HealthcheckOptions): Promise<void> {
  const [control] = await findSockets(configurationIdentity(options).identity, runtimePlaces())
  const { hostname, targets, roots } = control === undefined ? await askFile(options) : await askRunning(control)
  const { timeout: timeoutMs = TIMEOUT_MS } = options
  const greeted: Socket[] = []
  const results = await Promise.all(
    targets.map(async (target) => {
      const { virtualServer, port, tls } = target
      try {
        const verify = tls ? { ca: roots, servername: hostname } : undefined
        const { line, socket } = await greet(reachable(target.address), port, timeoutMs, verify)
        greeted.push(socket)
        return { virtualServer, port, tls, greeting: line }
      } catch (error) {
        return { virtualServer, port, tls, error: (error as Error).message }
      }
    }),
  )
  await leaveNoTrace(greeted, control)
  const failed = results.filter((result) => 'error' in result)
  if (options.json) print(JSON.stringify({ ok: failed.length === 0, ports: results }))
  else for (const { virtualServer, port, error } of failed) note(`${virtualServer}: port ${port}: ${error}`)
  if (failed.length > 0) process.exitCode = exitStatus.failed
  else if (!options.json) print(`all ${results.length} ports greet`)
}

/** A check every ten seconds would crowd the clients out of the lab's log and records. What failed stays on record. */
async function leaveNoTrace(greeted: readonly Socket[], control: string | undefined): Promise<void> {
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

/** What has to greet, under which name, and whose certificates are believed. */
interface Questions {
  readonly hostname: string
  readonly targets: readonly Target[]
  readonly roots: readonly string[]
}

/** The running lab knows best which ports it holds and which root it has; its file need not be read for that. */
async function askRunning(control: string): Promise<Questions> {
  const { hostname, endpoints, ca } = await labStatus(control)
  const targets = endpoints.flatMap(({ virtualServer, address, port, tlsPort }) =>
    targetsOf(virtualServer, address, port ?? 'off', tlsPort ?? 'off'),
  )
  return { hostname, targets, roots: ca === '' ? [] : [ca] }
}

/** Where no lab can be asked, the file says. @throws ConfigError, PkiError */
async function askFile(options: ConfigurationOptions): Promise<Questions> {
  const configuration = await loadConfiguration(options)
  const { hostname, virtualServers } = configuration.lab
  const targets = virtualServers.flatMap(({ name, address, port, tlsPort, certificate }) =>
    targetsOf(name, address, port, certificate.kind === 'assigned' ? 'off' : tlsPort),
  )
  const { storedRoots } = await import('./certificate-store.ts')
  return { hostname, targets, roots: await storedRoots(configuration) }
}

function targetsOf(virtualServer: string, address: string, port: Port, tlsPort: Port): Target[] {
  const open = [
    { port, tls: false },
    { port: tlsPort, tls: true },
  ]
  return open.flatMap(({ port: number, tls }) =>
    typeof number === 'number' ? [{ virtualServer, address, port: number, tls }] : [],
  )
}

/** How the certificate behind a port is verified. */
export interface Verification {
  /** PEM roots, trusted beside the system's own. */
  readonly ca: readonly string[]
  /** The name the certificate must be issued to. */
  readonly servername: string
}

/** What a port said, and the connection, which is still open. */
export interface Greeting {
  readonly line: string
  readonly socket: Socket
}

/**
 * Connects and reads the first line, the greeting of SMTP, POP3, IMAP4 and NNTP alike. The caller ends the connection.
 * @throws Error in plain words when nothing greets in time, or the certificate cannot be verified
 */
export function greet(host: string, port: number, timeoutMs: number, verify?: Verification): Promise<Greeting> {
  const socket = verify ? tlsSocket(host, port, verify) : connectTcp({ host, port })
  return new Promise((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => fail(new Error(`no greeting within ${timeoutMs / 1000} s`)), timeoutMs)
    const fail = (error: Error): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => {
      said += text
      const end = said.indexOf('\r\n')
      if (end === -1) return
      clearTimeout(timer)
      resolve({ line: said.slice(0, end), socket })
    })
    socket.on('end', () => fail(new Error('closed without a greeting')))
    socket.on('error', (error) => fail(error))
  })
}

function tlsSocket(host: string, port: number, { ca, servername }: Verification): Socket {
  // An IP address is no SNI name (RFC 6066 section 3); the certificate is then checked for the host itself.
  const name = isIP(servername) ? {} : { servername }
  return connectTls({ host, port, ...name, ca: [...ca, ...rootCertificates] })
}
