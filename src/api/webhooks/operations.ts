import { z } from 'zod'
import { maskUrls } from '../../core/text/mask-urls.ts'
import { timeText } from '../../core/time/time-text.ts'
import { pageById, pageInput, pageSchema } from '../lists.ts'
import { defineOperation } from '../operation.ts'
import { notFound } from '../problem.ts'
import type { Delivery } from './queue.ts'

const states = ['pending', 'delivered', 'failed'] as const

const webhook = z
  .object({
    url: z.string(),
    events: z.array(z.string()),
    filter: z.string().nullable(),
    pending: z.number().int(),
    delivered: z
      .number()
      .int()
      .describe('Number of delivered events, among the deliveries that the lab still remembers.'),
    failed: z.number().int(),
  })
  .meta({ id: 'Webhook' })

const delivery = z
  .object({
    id: z.string().describe('Value of `webhook-id`, the same in every attempt.'),
    url: z.string(),
    event: z.string(),
    state: z.enum(states),
    attempts: z.number().int(),
    status: z.number().int().nullable().describe('HTTP status of the last response.'),
    error: z.string().nullable().describe('Why the last attempt failed.'),
    createdAt: z.string(),
    nextAttemptAt: z.string().nullable(),
    finishedAt: z.string().nullable(),
  })
  .meta({ id: 'WebhookDelivery' })

const list = defineOperation('webhooks.list', 'GET /webhooks', {
  runsAt: 'webhooks',
  listKey: 'url',
  summary: 'List the webhooks of the configuration.',
  access: 'inspect',
  input: z.strictObject({}),
  output: z.object({ items: z.array(webhook) }),
  async run({ api }) {
    const { hooks = [], deliveries = [] } = { hooks: api.webhooks?.hooks, deliveries: api.webhooks?.deliveries() }
    const items = hooks.map(({ config: { url, events, filter } }) => {
      const count = (wanted: string): number =>
        deliveries.filter((one) => one.url === url && one.state === wanted).length
      const counts = Object.fromEntries(states.map((state) => [state, count(state)]))
      return { url: maskUrls(url), events, filter: filter ?? null, ...counts }
    })
    return { items }
  },
})

const deliveries = defineOperation('webhooks.deliveries', 'GET /webhooks/deliveries', {
  runsAt: 'webhooks',
  summary: 'List the deliveries to webhooks, newest first: all pending ones, and the latest 1,000 others.',
  access: 'inspect',
  input: z.strictObject({
    state: z.enum(states).optional(),
    url: z.string().optional().describe('Only deliveries to this URL.'),
    ...pageInput,
  }),
  output: pageSchema(delivery),
  async run({ api, input }) {
    const { items, ...page } = pageById(
      api.webhooks?.deliveries() ?? [],
      { ...input, epoch: api.index.epoch },
      ({ state, url }) => (input.state ?? state) === state && [undefined, url, maskUrls(url)].includes(input.url),
    )
    return { items: items.map(deliveryFacts), ...page }
  },
})

const deliveryFacts = ({
  body: _body,
  encoding: _encoding,
  headers: _headers,
  sign: _sign,
  status,
  error,
  createdAt,
  nextAttemptAt,
  finishedAt,
  ...one
}: Delivery) => ({
  ...one,
  url: maskUrls(one.url),
  status: status ?? null,
  error: error ?? null,
  createdAt: timeText(createdAt),
  nextAttemptAt: one.state === 'pending' ? timeText(nextAttemptAt) : null,
  finishedAt: finishedAt === undefined ? null : timeText(finishedAt),
})

const test = defineOperation('webhooks.test', 'POST /webhooks/test', {
  runsAt: 'webhooks',
  summary: 'Send an event `webhook.test` to a webhook, and return the delivery after its first attempt.',
  access: 'administer',
  input: z.strictObject({ url: z.string().describe('URL of a webhook of the configuration.') }),
  output: delivery,
  problems: ['not-found'],
  async run({ api, input: { url } }) {
    const sent = await api.webhooks?.test(url)
    if (sent) return deliveryFacts(sent)
    throw notFound(`the configuration lists no webhook ${url}; GET /api/v1/webhooks lists them`)
  },
})

export const webhookOperations = [list, deliveries, test] as const
