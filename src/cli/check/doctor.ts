import type { Command } from 'commander'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { exitStatus } from '../shared/failure.ts'
import { withOverrideOptions } from '../shared/options.ts'
import { countText, print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { checkBucket, checkDatabase } from './database.ts'
import type { Finding } from './finding.ts'
import { checkInstallation } from './installation.ts'
import { checkConfiguration, checkLab, checkTrust } from './lab.ts'
import { checkClock, checkMachine, checkNames } from './machine.ts'

/** Adds `sealpost doctor`. */
export function addDoctor(program: Command): void {
  const command = withConfig(program.command('doctor')).addOption(sharedOptions.json)
  withOverrideOptions(command).action(doctor)
}

async function doctor({ json, ...options }: ConfigurationOptions): Promise<void> {
  const { configuration, findings } = await checkConfiguration(options)
  const ofLab = configuration
    ? [
        checkClock(configuration.lab, options.config),
        ...(await checkNames(configuration.lab)),
        ...(await checkDatabase(configuration)),
        ...(await checkBucket(configuration)),
        await checkLab(configuration, options),
        await checkTrust(configuration, options),
      ]
    : []
  const all = [...checkInstallation(), ...checkMachine(), ...findings, ...ofLab]
  const failed = all.filter(({ status }) => status === 'error').length
  if (failed > 0) process.exitCode = exitStatus.failed
  if (json) return print(JSON.stringify({ ok: failed === 0, findings: all }))
  for (const finding of all) printFinding(finding)
  const warned = all.filter(({ status }) => status === 'warning').length
  print('')
  print(`${countText(failed, 'error')}, ${countText(warned, 'warning')}`)
}

const STYLES = { ok: 'green', note: 'dim', warning: 'yellow', error: 'red' } as const

function printFinding({ status, check, message, fix }: Finding): void {
  print(`${status.padEnd(8)} ${check.padEnd(14)} ${message}`, STYLES[status])
  if (fix !== undefined) print(`${' '.repeat(24)}${fix}`)
}
