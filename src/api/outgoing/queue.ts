import { z } from 'zod'
import { distinct } from '../../core/values/distinct.ts'
import type { OutgoingQueue, QueueEntry } from '../../transport/outgoing/types.ts'
import type { Api } from '../api.ts'
import { assertOneSelection, pageById, pageInput, pageSchema } from '../lists.ts'
import { defineOperation } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { queuedFacts, queuedMessage, queueStates } from './queue-shape.ts'

const MAX_IDS = 10_000

const filters = {
  connector: z.string().optional().describe('Only messages of the connector with this name.'),
  destination: z.string().optional().describe('Only messages to this domain or smart host.'),
  state: z.enum(queueStates).optional(),
  recipient: z.string().optional().describe('Part of a recipient’s address.'),
  sender: z.string().optional().describe('Part of the sender’s address.'),
}

type Filters = z.output<z.ZodObject<typeof filters>>

const hasPart = (text: string, part = ''): boolean => text.toLowerCase().includes(part.toLowerCase())

const queueFilter =
  ({ connector, destination, state, recipient, sender }: Filters) =>
  (entry: QueueEntry): boolean =>
    (connector ?? entry.connector) === entry.connector &&
    (destination ?? entry.destination) === entry.destination &&
    (state ?? entry.state) === entry.state &&
    (recipient === undefined || entry.recipients.some(({ address }) => hasPart(address, recipient))) &&
    hasPart(entry.mailFrom, sender)

const list = defineOperation('queue.list', 'GET /queue', {
  runsAt: 'outgoing',
  summary: 'List the messages that wait to be sent to other hosts, newest first.',
  access: 'inspect',
  input: z.strictObject({ ...filters, ...pageInput }),
  output: pageSchema(queuedMessage),
  async run({ api, input }) {
    const newest = api.outgoing.queue.list().toReversed()
    const { items, ...page } = pageById(newest, { ...input, epoch: api.index.epoch }, queueFilter(input))
    return { items: items.map(queuedFacts), ...page }
  },
})

const get = defineOperation('queue.get', 'GET /queue/{id}', {
  runsAt: 'outgoing',
  summary: 'Read one message of the queue: its recipients, the last reply of each, and the next attempt.',
  access: 'inspect',
  input: z.strictObject({ id: z.string() }),
  output: queuedMessage,
  async run({ api, input: { id } }) {
    const found = api.outgoing.queue.get(id)
    if (found) return queuedFacts(found)
    throw notFound(`there is no message ${id} in the queue; it was sent, returned to its sender or deleted`)
  },
})

const chosen = {
  ids: z
    .array(z.string())
    .max(MAX_IDS)
    .optional()
    .describe('Ids of messages in the queue. Ids that do not exist are skipped.'),
  ...filters,
  all: z.boolean().default(false).describe('Selects the whole queue. Use it instead of `ids` and filters.'),
}

type Choice = z.output<z.ZodObject<typeof chosen>>

/** Returns the ids that an input selects. @throws ApiProblem `invalid` if nothing selects any, or if two parameters do */
function chosenIds({ outgoing: { queue } }: Api, { ids, all, ...query }: Choice): string[] {
  assertOneSelection({ ids, all }, query)
  if (ids) return distinct(ids).filter((id) => queue.get(id))
  if (!all && Object.values(query).every((value) => value === undefined))
    throw new ApiProblem('invalid', 'nothing selects the messages; add ids, a filter, or all: true for the whole queue')
  return queue
    .list()
    .filter(queueFilter(query))
    .map(({ id }) => id)
}

/** Changes messages of the queue. Returns the number of messages affected. */
type Act = (queue: OutgoingQueue, ids: readonly string[]) => Promise<number>

const action = <Verb extends string>(verb: Verb, summary: string, act: Act) =>
  defineOperation(`queue.${verb}`, `POST /queue/${verb}`, {
    runsAt: 'outgoing',
    summary,
    access: 'administer',
    input: z.strictObject(chosen),
    output: z.object({ messages: z.number().int().describe('Number of messages affected.') }),
    async run({ api, input }) {
      const ids = chosenIds(api, input)
      return { messages: ids.length === 0 ? 0 : await act(api.outgoing.queue, ids) }
    },
  })

const actions = [
  action('flush', 'Try to send messages of the queue now, without waiting for the next attempt.', (queue, ids) =>
    queue.flush(ids),
  ),
  action('hold', 'Keep messages in the queue without further attempts.', (queue, ids) => queue.hold(ids)),
  action('unhold', 'Resume the attempts for messages that are held.', async (queue, ids) => {
    const held = ids.filter((id) => queue.get(id)?.state === 'held')
    return held.length === 0 ? 0 : queue.flush(held)
  }),
  action('delete', 'Delete messages from the queue without a report to their senders.', (queue, ids) =>
    queue.delete(ids),
  ),
  action('bounce', 'Give up messages of the queue now, and report the failure to their senders.', (queue, ids) =>
    queue.bounce(ids),
  ),
] as const

export const queueOperations = [list, get, ...actions] as const
