import type { Command } from 'commander'
import { compactStore } from '../../store/lmdb/maintenance.ts'
import { type ConfigurationOptions, withConfig } from '../configuration.ts'
import { print } from '../output.ts'
import { log, storeFolder } from './place.ts'

/** `sealpost store compact`: the room of deleted messages back to the file system. */
export function addStoreCompact(store: Command): void {
  withConfig(store.command('compact'))
    .description('give the room that deleted messages left back to the file system')
    .option('--json', 'print JSON')
    .action(compact)
}

async function compact({ json, ...options }: ConfigurationOptions & { readonly json?: boolean }): Promise<void> {
  const folder = await storeFolder(options)
  const { before, after } = await compactStore(folder, log)
  if (json) print(JSON.stringify({ before, after }))
  else print(`${folder}: ${kibibytes(before)} before, ${kibibytes(after)} now`)
}

const kibibytes = (octets: number): string => `${Math.ceil(octets / 1024)} KiB`
