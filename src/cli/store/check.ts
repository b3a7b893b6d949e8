import type { Command } from 'commander'
import { checkStore } from '../../store/lmdb/maintenance.ts'
import { type ConfigurationOptions, withConfig } from '../configuration.ts'
import { exitStatus } from '../failure.ts'
import { note, print } from '../output.ts'
import { log, storeFolder } from './place.ts'

/** `sealpost store check`: whether every message is whole and every count true. */
export function addStoreCheck(store: Command): void {
  withConfig(store.command('check'))
    .description('look through the store: every message whole, every count true')
    .option('--json', 'print JSON')
    .action(check)
}

async function check({ json, ...options }: ConfigurationOptions & { readonly json?: boolean }): Promise<void> {
  const folder = await storeFolder(options)
  const report = await checkStore(folder, log)
  const ok = report.faults.length === 0
  if (json) print(JSON.stringify({ ok, ...report }))
  else {
    for (const fault of report.faults) note(fault)
    if (ok) print(`${folder}: ${report.messages} messages in ${report.folders} folders, all in order`)
  }
  if (!ok) process.exitCode = exitStatus.failed
}
