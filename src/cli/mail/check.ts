import type { Command } from 'commander'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { exitStatus } from '../shared/failure.ts'
import { note, print, withPager } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'
import { messageIds } from './message-ids.ts'

/** Adds `sealpost mail check`. */
export function addCheck(mail: Command): void {
  withApi(mail.command('check'))
    .argument('<id>', 'id of a message, or latest')
    .description('check a message: HTML support of mail programs, links, images, accessibility, header, spam and more')
    .addOption(sharedOptions.json)
    .action(withPager(check))
}

async function check(given: string, options: ApiOptions): Promise<void> {
  const [id = given] = await messageIds(options, [given])
  const { items, isCut } = await callApi(options, 'messages.checks', { id })
  if (items.some(({ level }) => level === 'error')) process.exitCode = exitStatus.failed
  if (isCut) note('Only the first 256 KiB of the HTML were checked.')
  if (options.json) return print(JSON.stringify(items))
  if (items.length === 0) return note('The checks found nothing.')
  const rows = items.map(({ check: name, level, line, message, source }) => [
    level,
    name,
    line === null ? '' : String(line),
    message,
    source,
  ])
  printTable(['LEVEL', 'CHECK', 'LINE', 'MESSAGE', 'SOURCE'], rows)
}
