import type { Command } from 'commander'
import type { InputOf, OutputOf } from '../../api/operation-types.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { exitStatus, UsageError } from '../shared/failure.ts'
import { note, noteError, print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'
import { messageIds } from './message-ids.ts'

interface ReleaseOptions extends ApiOptions, Pick<InputOf<'messages.releaseMany'>, 'to' | 'connector' | 'dryRun'> {
  readonly query?: string
}

/** Adds `sealpost mail release`. */
export function addRelease(mail: Command): void {
  const list = (text: string, before: readonly string[] = []): string[] => [...before, ...text.split(',')]
  withApi(mail.command('release'))
    .argument('[id...]', 'ids of messages, or latest')
    .description('send messages to other hosts by the connectors of the lab')
    .option('--query <query>', 'release what matches, as for sealpost mail search')
    .option('--to <address>', 'recipient to use instead of those of the message; repeat for several', list)
    .option('--connector <name>', 'connector to use (default: the one for the recipient’s domain)')
    .option('--dry-run', 'show what would be sent, and send nothing')
    .addOption(sharedOptions.json)
    .action(release)
}

async function release(given: readonly string[], options: ReleaseOptions): Promise<void> {
  const { query, to, connector, dryRun, json } = options
  if (given.length > 0 === (query !== undefined)) throw new UsageError('give ids, or --query QUERY')
  const choice = query === undefined ? { ids: await messageIds(options, given) } : { query }
  const answer = await callApi(options, 'messages.releaseMany', { ...choice, to, connector, dryRun })
  const { released, refused } = answer
  if (refused.length > 0) process.exitCode = exitStatus.failed
  if (json) return print(JSON.stringify(answer))
  for (const { id, detail } of refused) noteError(`${id}: ${detail}`)
  if (released.length === 0) return refused.length === 0 ? note('No message matches.') : undefined
  printTable(['ID', dryRun ? 'WOULD USE' : 'QUEUED FOR', 'FROM', 'TO'], released.flatMap(rowsOf))
}

const rowsOf = ({ id, deliveries }: OutputOf<'messages.releaseMany'>['released'][number]): string[][] =>
  deliveries.map(({ connector, mailFrom, recipients }) => [id, connector, mailFrom || '<>', recipients.join(', ')])
