import { readFileSync } from 'node:fs'
import { connect, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Command } from 'commander'
import type { ResolvedLab, ResolvedVirtualServer } from '../config/resolve.ts'
import { findSockets } from '../lab/control/socket-path.ts'
import { certificateWarnings } from '../pki/lifecycle/warnings.ts'
import { labFacts, readStore, unknownPins } from './certificate-store.ts'
import {
  type Configuration,
  type ConfigurationOptions,
  loadConfiguration,
  withConfig,
  withOverrideOptions,
} from './configuration.ts'
import { exitStatus } from './failure.ts'
import { note, print } from './output.ts'
import { labStatus, runtimePlaces } from './running-labs.ts'

interface CheckOptions extends ConfigurationOptions {
  readonly json?: boolean
}

/** `sealpost check`: the file, the certificates and the ports, without listening. */
export function addCheck(program: Command): void {
  const command = withConfig(program.command('check'))
    .description('validate the file, the certificates and the ports, without listening')
    .option('--json', 'print JSON')
  withOverrideOptions(command).action(check)
}

async function check(options: CheckOptions): Promise<void> {
  const configuration = await loadConfiguration(options)
  const findings = [
    ...configuration.warnings.map(doubtful),
    ...(await checkCertificates(configuration)),
    ...(await checkPorts(configuration.lab, await portsOfRunningLabs(configuration.identity))),
  ]
  const has = (wanted: string): boolean => findings.some(({ severity }) => severity === wanted)
  const failed = has('mistake') || has('error')
  if (options.json) print(JSON.stringify({ ok: !failed, findings }))
  else {
    for (const { severity, message } of findings) note(severity === 'warning' ? `warning: ${message}` : message)
    if (!failed)
      print(`${configuration.name}: ${configuration.lab.virtualServers.length} virtual servers, all in order`)
  }
  if (failed) process.exitCode = has('mistake') ? exitStatus.wrongUsage : exitStatus.failed
}

async function portsOfRunningLabs(identity: string): Promise<Set<string>> {
  const sockets = await findSockets(identity, runtimePlaces())
  const statuses = await Promise.all(sockets.map((socket) => labStatus(socket)))
  const endpoints = statuses.flatMap((status) => status.endpoints)
  return new Set(endpoints.flatMap(({ address, port, tlsPort }) => [`${address}:${port}`, `${address}:${tlsPort}`]))
}

/** Something `sealpost check` found. Warnings leave the exit status alone; mistakes are of the file. */
export interface Finding {
  readonly severity: 'mistake' | 'error' | 'warning'
  readonly message: string
}

export const mistaken = (message: string): Finding => ({ severity: 'mistake', message })
export const wrong = (message: string): Finding => ({ severity: 'error', message })
export const doubtful = (message: string): Finding => ({ severity: 'warning', message })

/**
 * What is wrong with the certificates that virtual servers are to wear: dates, names, key, chain, revocation. Nothing is
 * issued or changed.
 * @throws PkiError when the store cannot be read
 */
export async function checkCertificates(configuration: Configuration): Promise<Finding[]> {
  const unknown = (await unknownPins(configuration)).map(mistaken)
  const lab = labFacts(configuration)
  const worn = await readStore(configuration.lab.certificates, (store) =>
    certificateWarnings({ store, lab: () => lab }),
  )
  const found = (worn ?? []).map(({ severity, message }) => (severity === 'error' ? wrong(message) : doubtful(message)))
  return [...unknown, ...found]
}

const ANSWER_MS = 2_000

/**
 * What keeps the lab's ports from being opened, found without listening.
 * @param own ports that a running lab of this configuration holds: taken, and rightly so
 */
export async function checkPorts(lab: ResolvedLab, own: ReadonlySet<string>): Promise<Finding[]> {
  const checks = lab.virtualServers.flatMap((server) =>
    [server.port, server.tlsPort].map((port) =>
      port === 'off' || port === 0 || own.has(`${server.address}:${port}`) ? [] : checkPort(server, port),
    ),
  )
  return (await Promise.all(checks)).flat()
}

async function checkPort({ name, address }: ResolvedVirtualServer, port: number): Promise<Finding[]> {
  const where = `${name}: ${address} port ${port}`
  if (!isOfThisMachine(address)) return [wrong(`${where}: this machine has no such address`)]
  if (port < firstFreePort() && process.getuid?.() !== 0) {
    return [wrong(`${where}: ports below ${firstFreePort()} are for root; set a portOffset, as 3000`)]
  }
  if (await answers(address, port)) return [wrong(`${where} is in use by another program`)]
  return []
}

function isOfThisMachine(address: string): boolean {
  if (['localhost', '0.0.0.0', '::', '::1'].includes(address) || address.startsWith('127.')) return true
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return isIP(address) !== 0 && own.some((one) => one.address === address)
}

function firstFreePort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
  } catch {
    return 1024
  }
}

/** Whether something accepts connections there. */
function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: reachable(address), port, timeout: ANSWER_MS })
    const end = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}

/** Where a program on this machine reaches what listens on an address. */
export function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  return address === '::' ? '::1' : address
}
