import type { Command } from 'commander'
import type { OutputOf } from '../../api/operation-types.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { positiveNumber } from '../shared/options.ts'
import { countText, note, page, print, shortTime, withPager } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'
import { type Filters, withFilters } from './filters.ts'

type QueuedMessage = OutputOf<'queue.get'>

interface ListOptions extends ApiOptions, Filters {
  readonly limit?: number
}

const DEFAULT_LIMIT = 20

/** Adds `sealpost queue list`. */
export function addList(queue: Command): void {
  withFilters(withApi(queue.command('list')))
    .description('list the messages that wait to be sent, the newest first')
    .option('--limit <number>', `largest number of messages (default: ${DEFAULT_LIMIT})`, positiveNumber)
    .addOption(sharedOptions.json)
    .action(withPager(list))
}

async function list(options: ListOptions): Promise<void> {
  const { connector, destination, state, recipient, sender, limit = DEFAULT_LIMIT, json } = options
  const wanted = { connector, destination, state, recipient, sender, limit }
  const { items, total } = await callApi(options, 'queue.list', wanted)
  if (json) return print(JSON.stringify(items))
  if (items.length === 0) return note('The queue is empty.')
  printTable(['ID', 'STATE', 'ATTEMPTS', 'NEXT', 'TO', 'LAST REPLY'], items.map(rowOf))
  if (total > items.length) note(`${countText(total - items.length, 'message')} more; --limit ${total} shows all`)
}

const rowOf = (message: QueuedMessage): string[] => [
  message.id,
  message.state,
  String(message.attempts),
  message.nextAttemptAt === null ? (message.reason ?? '') : shortTime(message.nextAttemptAt),
  message.recipients.map(({ address }) => address).join(' '),
  message.recipients.find(({ text }) => text !== null)?.text ?? '',
]

/** Adds `sealpost queue show`. */
export function addShow(queue: Command): void {
  withApi(queue.command('show'))
    .argument('<id>', 'id of a message in the queue')
    .description('show a message of the queue: its recipients, their last replies, and the next attempt')
    .addOption(sharedOptions.json)
    .action(withPager(show))
}

async function show(id: string, options: ApiOptions): Promise<void> {
  const message = await callApi(options, 'queue.get', { id })
  print(options.json ? JSON.stringify(message) : text(message))
}

const text = (message: QueuedMessage): string =>
  page([
    ['Id', message.id],
    ['State', message.reason === null ? message.state : `${message.state}: ${message.reason}`],
    ['Connector', `${message.connector}, to ${message.destination}`],
    ['Sender', message.mailFrom === '' ? '<>' : message.mailFrom],
    ['Recipients', message.recipients.map(recipientText)],
    ['Subject', message.subject ?? undefined],
    ['Size', `${message.sizeOctets} octets`],
    ['Queued', shortTime(message.queuedAt)],
    ['Attempts', String(message.attempts)],
    ['Next attempt', message.nextAttemptAt === null ? undefined : shortTime(message.nextAttemptAt)],
    ['Gives up', message.givesUpAt === null ? undefined : shortTime(message.givesUpAt)],
    ['Last session', message.lastSession ?? undefined],
  ])

const recipientText = ({ address, kind, text: reply }: QueuedMessage['recipients'][number]): string =>
  `${address}: ${kind}${reply === null ? '' : ` (${reply})`}`
