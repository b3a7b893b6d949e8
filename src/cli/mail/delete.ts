import type { Command } from 'commander'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { UsageError } from '../shared/failure.ts'
import { countText, printResult } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { messageIds } from './message-ids.ts'

interface DeleteOptions extends ApiOptions {
  readonly query?: string
  readonly all?: boolean
}

/** Adds `sealpost mail delete`. */
export function addDelete(mail: Command): void {
  withApi(mail.command('delete'))
    .argument('[id...]', 'ids of messages, or latest')
    .description('delete messages: by id, by a search, or all')
    .option('--query <query>', 'delete what matches, as for sealpost mail search')
    .option('--all', 'delete every message, including articles')
    .addOption(sharedOptions.json)
    .action(remove)
}

async function remove(given: readonly string[], options: DeleteOptions): Promise<void> {
  const { query, all } = options
  if ([given.length > 0, query !== undefined, all === true].filter(Boolean).length !== 1) {
    throw new UsageError('give ids, or --query QUERY, or --all')
  }
  const ids = await messageIds(options, given)
  for (const id of ids) await callApi(options, 'messages.delete', { id })
  const { deleted } =
    ids.length > 0 ? { deleted: ids.length } : await callApi(options, 'messages.deleteAll', { query, all })
  printResult(options, { deleted }, `Deleted ${countText(deleted, 'message')}.`)
}
