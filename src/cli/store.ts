import type { Command } from 'commander'
import { addStoreCheck } from './store/check.ts'
import { addStoreCompact } from './store/compact.ts'
import { addStoreExport } from './store/export.ts'
import { addStoreImport } from './store/import.ts'

/** `sealpost store`: the messages on disk, while no lab has them open. */
export function addStore(program: Command): void {
  const store = program
    .command('store')
    .description('check, compact, export and import the messages that are kept on disk')
  addStoreCheck(store)
  addStoreCompact(store)
  addStoreExport(store)
  addStoreImport(store)
}
