import type { Command } from 'commander'
import type { InputOf } from '../../api/operation-types.ts'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { UsageError } from '../shared/failure.ts'
import { countText, printResult } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { type Filters, withFilters } from './filters.ts'

interface ActionOptions extends ApiOptions, Filters {
  readonly all?: boolean
}

interface Action {
  readonly verb: 'flush' | 'hold' | 'unhold' | 'delete' | 'bounce'
  readonly description: string
  /** First word of the result: `Held 2 messages.` */
  readonly done: string
  /** Whether it applies to the whole queue if no messages are selected. */
  readonly isForAll?: boolean
}

const actions: readonly Action[] = [
  { verb: 'flush', description: 'try to send messages now', done: 'Tried', isForAll: true },
  { verb: 'hold', description: 'keep messages without further attempts', done: 'Held' },
  { verb: 'unhold', description: 'resume the attempts for messages that are held', done: 'Resumed' },
  { verb: 'delete', description: 'delete messages without a report to their senders', done: 'Deleted' },
  { verb: 'bounce', description: 'give up messages now, and report the failure to their senders', done: 'Returned' },
]

/** Adds `sealpost queue flush`, `hold`, `unhold`, `delete` and `bounce`. */
export function addActions(queue: Command): void {
  for (const action of actions) {
    withFilters(withApi(queue.command(action.verb)))
      .argument('[id...]', 'ids of messages in the queue')
      .description(action.description)
      .option('--all', action.isForAll ? 'every message of the queue (default)' : 'every message of the queue')
      .addOption(sharedOptions.json)
      .action((ids: readonly string[], options: ActionOptions) => run(action, ids, options))
  }
}

async function run({ verb, done, isForAll }: Action, ids: readonly string[], options: ActionOptions): Promise<void> {
  const { connector, destination, state, recipient, sender, all } = options
  const filters = omitUndefined({ connector, destination, state, recipient, sender })
  const given = [ids.length > 0, Object.keys(filters).length > 0, all === true].filter(Boolean).length
  if (given > 1 || (given === 0 && !isForAll))
    throw new UsageError('give one of: ids of messages, options that select messages, or --all')
  // The API skips ids that do not exist. A person or a script wants to know, before anything has changed.
  for (const id of ids) await callApi(options, 'queue.get', { id })
  const choice: InputOf<'queue.hold'> = ids.length > 0 ? { ids } : given === 0 || all ? { all: true } : filters
  const { messages } = await callApi(options, `queue.${verb}`, choice)
  printResult(options, { messages }, `${done} ${countText(messages, 'message')}.`)
}
