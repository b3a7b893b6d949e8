import { z } from 'zod'
import { slug } from '../../core/config/edit/config-path.ts'
import { timeText } from '../../core/time/time-text.ts'
import type { Feed } from '../../transport/news/feeds/feeds.ts'
import type { Api } from '../api.ts'
import { type Caller, seesLab } from '../caller.ts'
import { messageId } from '../messages/message-index.ts'
import { defineOperation } from '../operation.ts'
import { ApiProblem, notFound } from '../problem.ts'

const MAX_QUEUED = 1_000

const feed = z
  .object({
    id: z.string(),
    virtualServer: z.string(),
    peer: z.string(),
    direction: z.enum(['in', 'out', 'both', 'pull']),
    groups: z.string().describe('Newsgroups that are exchanged, as a wildmat.'),
    host: z.string().nullable().describe('Host of the peer; null if only the peer connects.'),
    port: z.number().int().nullable(),
    tls: z.enum(['implicit', 'starttls', 'off']),
    state: z
      .enum(['running', 'waiting', 'retrying', 'passive'])
      .describe('waiting: for articles or the next fetch. retrying: after a failure. passive: only the peer connects.'),
    succeededAt: z.string().nullable().describe('When the lab last exchanged all articles with the peer.'),
    failure: z
      .object({ at: z.string(), message: z.string() })
      .nullable()
      .describe('Time and reason of the last failure; null if the last attempt succeeded.'),
    nextAt: z.string().nullable().describe('When the lab connects next, unless an article arrives earlier.'),
    queue: z
      .object({
        waiting: z.number().int().describe('Articles that the lab has not offered to the peer yet.'),
        deferred: z.number().int().describe('Articles that the peer has deferred. The lab offers them again.'),
      })
      .nullable()
      .describe('Null for feeds that send nothing.'),
  })
  .meta({ id: 'Feed' })

const idOf = ({ virtualServer, config: { direction, peer } }: Feed): string =>
  `${slug(virtualServer)}-${direction}-${slug(peer)}`

const timeOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : timeText(ms))

async function feedFacts(one: Feed): Promise<z.infer<typeof feed>> {
  const { virtualServer, config, status, queue } = one
  const { peer, direction, groups, tls } = config
  const connects = direction !== 'in'
  const { failure } = status ?? {}
  return {
    id: idOf(one),
    virtualServer,
    peer,
    direction,
    groups,
    host: connects ? (config.host ?? peer) : null,
    port: connects ? (config.port ?? (tls === 'implicit' ? 563 : 119)) : null,
    tls,
    state: status?.state ?? 'passive',
    succeededAt: timeOrNull(status?.succeededAt),
    failure: failure ? { at: timeText(failure.at), message: failure.message } : null,
    nextAt: timeOrNull(status?.nextAt),
    queue: queue ? await queue.count() : null,
  }
}

/** Feeds belong to the whole lab: tenants and accounts see none. */
const visibleFeeds = ({ lab }: Api, caller: Caller): readonly Feed[] => (seesLab(caller) ? lab.news.feeds() : [])

/** @throws ApiProblem `not-found` */
function feedById(api: Api, caller: Caller, id: string): Feed {
  const all = visibleFeeds(api, caller)
  const found = all.find((one) => idOf(one) === id)
  if (found) return found
  throw notFound(`there is no feed ${id}; there are: ${all.map(idOf).join(', ') || 'none'}`)
}

const list = defineOperation('feeds.list', 'GET /feeds', {
  runsAt: 'feeds',
  listKey: 'id',
  summary: 'List the feeds: exchanges of articles with other news servers, their state and queues.',
  access: 'read',
  input: z.strictObject({}),
  output: z.object({ items: z.array(feed) }),
  run: async ({ api, caller }) => ({ items: await Promise.all(visibleFeeds(api, caller).map(feedFacts)) }),
})

const get = defineOperation('feeds.get', 'GET /feeds/{id}', {
  runsAt: 'feeds',
  summary: 'Read one feed.',
  access: 'read',
  input: z.strictObject({ id: z.string() }),
  output: feed,
  run: async ({ api, caller, input: { id } }) => feedFacts(feedById(api, caller, id)),
})

const queue = defineOperation('feeds.queue', 'GET /feeds/{id}/queue', {
  runsAt: 'feeds',
  summary: 'List the first articles that wait for the peer of a feed.',
  access: 'read',
  input: z.strictObject({
    id: z.string(),
    limit: z.coerce.number().int().min(1).max(MAX_QUEUED).default(50),
  }),
  output: z.object({
    items: z.array(
      z.object({
        id: z.string().describe('Id of the article.'),
        newsgroup: z.string(),
        messageId: z.string(),
        deferred: z.boolean().describe('Whether the peer has deferred the article.'),
      }),
    ),
  }),
  problems: ['conflict'],
  async run({ api, caller, input: { id, limit } }) {
    const { queue: articles } = feedById(api, caller, id)
    if (!articles) throw new ApiProblem('conflict', `${id} sends nothing: its direction is not out or both`)
    const found = await articles.first(limit)
    return {
      items: found.map(({ folder, uid, messageId: of, isDeferred }) => ({
        id: messageId(folder.id, uid),
        newsgroup: folder.name,
        messageId: of,
        deferred: isDeferred,
      })),
    }
  },
})

const retry = defineOperation('feeds.retry', 'POST /feeds/{id}/retry', {
  runsAt: 'feeds',
  summary: 'Connect to the peer of a feed now, without waiting for the next attempt. GET /feeds/{id} shows the result.',
  access: 'administer',
  input: z.strictObject({ id: z.string() }),
  output: feed,
  problems: ['conflict'],
  async run({ api, caller, input: { id } }) {
    const found = feedById(api, caller, id)
    if (!found.retry)
      throw new ApiProblem('conflict', `the feed ${id} is passive, so the lab does not connect; let the peer connect`)
    found.retry()
    return feedFacts(found)
  },
})

export const feedOperations = [list, get, queue, retry] as const
