import type { Command } from 'commander'
import { askLab } from '../../lab/control/client.ts'
import type { NodeReload, ReloadReport } from '../../lab/control/verbs.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { exitStatus } from '../shared/failure.ts'
import { noteError, noteWarning, print } from '../shared/output.ts'
import { runningLabs } from '../shared/running-labs.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface ReloadOptions extends ConfigurationOptions {
  readonly allNodes?: boolean
}

/** Adds `sealpost reload`. */
export function addReload(program: Command): void {
  withConfig(program.command('reload'))
    .option('--all-nodes', 'also reload the other nodes of the lab; each reads its own file')
    .addOption(sharedOptions.json)
    .action(reload)
}

async function reload({ allNodes = false, json = false, ...options }: ReloadOptions): Promise<void> {
  const sockets = await runningLabs(options)
  for (const [index, socket] of sockets.entries()) {
    // One of them tells the other nodes.
    const args = { allNodes: allNodes && index === sockets.length - 1 }
    const report = (await askLab(socket, { verb: 'reload', args })) as ReloadReport
    for (const warning of report.warnings) noteWarning(warning)
    print(json ? JSON.stringify({ event: 'reloaded', ...report }) : `reloaded (process ${report.pid})`)
    for (const other of report.others ?? []) show(other, json)
  }
}

function show({ node, error, warnings = [] }: NodeReload, json: boolean): void {
  for (const warning of warnings) noteWarning(`${node}: ${warning}`)
  if (error !== undefined) {
    noteError(`${node}: not reloaded: ${error}`)
    process.exitCode = exitStatus.failed
  } else if (!json) print(`reloaded (node ${node})`)
}
