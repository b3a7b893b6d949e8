import type { Command } from 'commander'
import type { Problem } from '../../lab/preflight/preflight.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { errorLine, exitStatus } from '../shared/failure.ts'
import { withOverrideOptions } from '../shared/options.ts'
import { countText, noteError, noteWarning, print } from '../shared/output.ts'
import { findProblems } from '../shared/problems.ts'
import { sharedOptions } from '../shared/shared-options.ts'

/** Adds `sealpost check`. */
export function addCheck(program: Command): void {
  const command = withConfig(program.command('check')).addOption(sharedOptions.json)
  withOverrideOptions(command).action(check)
}

async function check(options: ConfigurationOptions): Promise<void> {
  const { configuration, problems } = await findProblems(options)
  const has = (wanted: Problem['severity']): boolean => problems.some(({ severity }) => severity === wanted)
  const failed = has('mistake') || has('error')
  if (options.json) {
    print(JSON.stringify({ ok: !failed, findings: problems.map(({ severity, message }) => ({ severity, message })) }))
  } else {
    for (const { severity, message } of problems)
      severity === 'warning' ? noteWarning(message) : noteError(errorLine(message))
    if (configuration && !failed) {
      const { lab, name } = configuration
      print(`${name}: ${countText(lab.virtualServers.length, 'virtual server')}, no errors`)
    }
  }
  if (failed) process.exitCode = has('mistake') ? exitStatus.wrongUsage : exitStatus.failed
}
