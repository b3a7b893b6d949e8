import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { formats, importStore } from '../../store/exchange/transfer.ts'
import { withConfig } from '../configuration.ts'
import { print } from '../output.ts'
import { ownerOf, type TransferOptions, withStore, withTransferOptions } from './place.ts'

/** `sealpost store import DIR`: what `export` wrote, or another program's mail with `--user`. */
export function addStoreImport(store: Command): void {
  withTransferOptions(withConfig(store.command('import')))
    .argument('<dir>', 'what `sealpost store export` wrote; with --user or --newsgroups, any tree of the format')
    .description('read messages and their flags from Maildir, mbox or .eml files')
    .action(importFrom)
}

async function importFrom(dir: string, options: TransferOptions): Promise<void> {
  if (!existsSync(dir)) throw new Error(`there is no ${dir}`)
  const owner = ownerOf(options)
  const done = await withStore(options, true, (store) => importStore(store, dir, formats[options.format], owner))
  if (options.json) print(JSON.stringify(done))
  else print(`${done.messages} messages in ${done.folders} folders, ${done.known} articles known already`)
}
