import type { Command } from 'commander'
import type { InputOf } from '../../api/operation-types.ts'

/** The options that select messages of the queue. */
export type Filters = Omit<InputOf<'queue.list'>, 'limit' | 'cursor'>

/** Adds the options that select messages of the queue. */
export const withFilters = (command: Command): Command =>
  command
    .option('--connector <name>', 'only messages of this connector')
    .option('--destination <name>', 'only messages to this domain or smart host')
    .option('--state <state>', 'only messages in this state: waiting, sending, deferred, held')
    .option('--recipient <text>', 'only messages with this text in the address of a recipient')
    .option('--sender <text>', 'only messages with this text in the sender')
