import type { Command } from 'commander'
import { askLab } from '../lab/control/client.ts'
import type { ReloadReport } from '../lab/control/verbs.ts'
import { type ConfigurationOptions, withConfig } from './configuration.ts'
import { noteWarning, print } from './output.ts'
import { runningLabs } from './running-labs.ts'

interface ReloadOptions extends ConfigurationOptions {
  readonly json?: boolean
}

/** Adds `sealpost reload`. */
export function addReload(program: Command): void {
  withConfig(program.command('reload'))
    .description('make the running lab read its file again; an invalid file changes nothing')
    .option('--json', 'print JSON')
    .action(async (options: ReloadOptions) => {
      for (const socket of await runningLabs(options)) {
        const report = (await askLab(socket, { verb: 'reload' })) as ReloadReport
        for (const warning of report.warnings) noteWarning(warning)
        print(options.json ? JSON.stringify({ event: 'reloaded', ...report }) : `reloaded (process ${report.pid})`)
      }
    })
}
