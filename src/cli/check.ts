import { readFileSync, statSync } from 'node:fs'
import { connect, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Command } from 'commander'
import { ConfigError } from '../config/mistakes.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../config/resolve.ts'
import { certificateWarnings, missingCertificates } from '../pki/lifecycle/warnings.ts'
import { labFacts, readStore, unknownPins } from './certificate-store.ts'
import { type Configuration, type ConfigurationOptions, loadConfiguration, withConfig } from './configuration.ts'
import { exitStatus } from './failure.ts'
import { withOverrideOptions } from './options.ts'
import { counted, noteError, noteWarning, print } from './output.ts'
import { controlSockets, labStatus, reachableAddress } from './running-labs.ts'

interface CheckOptions extends ConfigurationOptions {
  readonly json?: boolean
}

/** A result of `sealpost check`. A mistake is in the file, an error elsewhere; a warning does not change the exit status. */
interface CheckResult {
  readonly severity: 'mistake' | 'error' | 'warning'
  readonly message: string
}

const mistake = (message: string): CheckResult => ({ severity: 'mistake', message })
const error = (message: string): CheckResult => ({ severity: 'error', message })
const warning = (message: string): CheckResult => ({ severity: 'warning', message })

/** Adds `sealpost check`. */
export function addCheck(program: Command): void {
  const command = withConfig(program.command('check'))
    .description('validate the file, the certificates and the ports without listening')
    .option('--json', 'print JSON')
  withOverrideOptions(command).action(check)
}

async function check(options: CheckOptions): Promise<void> {
  const { findings, summary } = await checkAll(options)
  const has = (wanted: CheckResult['severity']): boolean => findings.some(({ severity }) => severity === wanted)
  const failed = has('mistake') || has('error')
  if (options.json) print(JSON.stringify({ ok: !failed, findings }))
  else {
    for (const { severity, message } of findings) severity === 'warning' ? noteWarning(message) : noteError(message)
    if (!failed) print(summary)
  }
  if (failed) process.exitCode = has('mistake') ? exitStatus.wrongUsage : exitStatus.failed
}

async function checkAll(options: CheckOptions): Promise<{ findings: readonly CheckResult[]; summary: string }> {
  let configuration: Configuration
  try {
    configuration = await loadConfiguration(options)
  } catch (reason) {
    if (reason instanceof ConfigError) return { findings: reason.mistakes.map(mistake), summary: '' }
    throw reason
  }
  const { lab, name, identity, warnings } = configuration
  const findings = [
    ...warnings.map(warning),
    ...(await checkCertificates(configuration)),
    ...checkFolders(lab),
    ...(await checkPorts(lab, await portsOfRunningLabs(identity))),
  ]
  return { findings, summary: `${name}: ${counted(lab.virtualServers.length, 'virtual server')}, no errors` }
}

/**
 * Checks the certificates of the virtual servers: dates, names, keys, chains and revocation. Changes nothing.
 * @throws PkiError if the store cannot be read
 */
async function checkCertificates(configuration: Configuration): Promise<CheckResult[]> {
  const unknown = (await unknownPins(configuration)).map(mistake)
  const lab = labFacts(configuration)
  const found = await readStore(configuration.lab.certificates, (store) =>
    certificateWarnings({ store, lab: () => lab }),
  )
  return [
    ...unknown,
    ...(found ?? missingCertificates(lab, {})).map(({ severity, message }) =>
      severity === 'error' ? error(message) : warning(message),
    ),
  ]
}

/** Checks whether other users can reach the folders with messages and private keys. */
function checkFolders({ store, certificates }: ResolvedLab): CheckResult[] {
  if (process.platform === 'win32') return []
  const folders = [
    ['messages', store !== 'memory' && 'lmdb' in store ? store.lmdb : undefined],
    ['private keys', certificates.store === 'memory' ? undefined : certificates.store],
  ] as const
  return folders.flatMap(([content, folder]) => {
    const mode = folder === undefined ? 0 : (statSync(folder, { throwIfNoEntry: false })?.mode ?? 0) & 0o777
    if ((mode & 0o077) === 0) return []
    const open = `the folder with the ${content}, ${folder}, is open to other users (mode 0${mode.toString(8)})`
    return [warning(`${open}; run: chmod -R go= '${folder}'`)]
  })
}

async function portsOfRunningLabs(identity: string): Promise<Set<string>> {
  const statuses = await Promise.all((await controlSockets(identity)).map(labStatus))
  const endpoints = statuses.flatMap((status) => status.endpoints)
  return new Set(endpoints.flatMap(({ address, port, tlsPort }) => [`${address}:${port}`, `${address}:${tlsPort}`]))
}

const ANSWER_MS = 2_000

/**
 * Checks without listening whether the ports of the lab can be opened.
 * @param own ports that a running lab of this configuration has opened
 */
async function checkPorts(lab: ResolvedLab, own: ReadonlySet<string>): Promise<CheckResult[]> {
  const checks = lab.virtualServers.flatMap((server) =>
    [server.port, server.tlsPort].map((port) =>
      port === 'off' || port === 0 || own.has(`${server.address}:${port}`) ? [] : checkPort(server, port),
    ),
  )
  return (await Promise.all(checks)).flat()
}

async function checkPort({ name, address }: ResolvedVirtualServer, port: number): Promise<CheckResult[]> {
  const where = `${name}: ${address} port ${port}`
  if (!isOfThisMachine(address)) return [error(`${where}: this machine does not have this address`)]
  const unprivileged = firstUnprivilegedPort()
  if (port < unprivileged && process.getuid?.() !== 0) {
    return [error(`${where}: only root can open ports below ${unprivileged}; set portOffset, for example 3000`)]
  }
  if (await accepts(address, port)) return [error(`${where} is in use by another program`)]
  return []
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
