import type { Command } from 'commander'
import { exportStore, formats } from '../../store/exchange/transfer.ts'
import { withConfig } from '../configuration.ts'
import { print } from '../output.ts'
import { ownerOf, type TransferOptions, withStore, withTransferOptions } from './place.ts'

/** `sealpost store export DIR`: the messages as files that other programs read. */
export function addStoreExport(store: Command): void {
  withTransferOptions(withConfig(store.command('export')))
    .argument('<dir>', 'the folder to write into; made if it is missing')
    .description('write messages and their flags as Maildir, mbox or .eml files')
    .action(exportTo)
}

async function exportTo(dir: string, options: TransferOptions): Promise<void> {
  const owner = ownerOf(options)
  const done = await withStore(options, false, (store) => exportStore(store, dir, formats[options.format], owner))
  if (options.json) print(JSON.stringify(done))
  else print(`${dir}: ${done.messages} messages in ${done.folders} folders`)
}
