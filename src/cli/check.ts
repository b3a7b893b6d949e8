import type { Command } from 'commander'
import { findSockets } from '../lab/control/socket-path.ts'
import { checkCertificates } from './check/certificates.ts'
import { doubtful } from './check/finding.ts'
import { checkPorts } from './check/ports.ts'
import { type ConfigurationOptions, loadConfiguration, withConfig, withOverrideOptions } from './configuration.ts'
import { exitStatus } from './failure.ts'
import { labStatus } from './lab-status.ts'
import { note, print } from './output.ts'
import { runtimePlaces } from './runtime-places.ts'

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
