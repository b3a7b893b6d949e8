import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context } from 'hono'
import type { Api } from '../../src/api/api.ts'
import type { Caller } from '../../src/api/caller.ts'
import { parseTypes } from '../../src/api/events/event-log.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { nodeOfId } from '../../src/core/values/node-ids.ts'
import { assertAcceptable } from './accept.ts'
import { SAFE_HEADERS, STREAM_HEADERS } from './content-answer.ts'
import { type Env, narrowToTenant } from './env.ts'
import { type Listener, listen } from './event-streams.ts'

/**
 * Streams the events of the lab as server-sent events. A client that comes back with `Last-Event-ID` misses nothing, or is
 * told that it does: by the event `events.lost`, as browsers show no answer but 200 to the page that has opened a stream.
 * All streams read the log of the lab: a client that does not read takes no memory for what it has not read.
 */
export async function streamEvents(api: Api, caller: Caller, c: Context<Env>): Promise<Response> {
  assertAcceptable(c.req.header('Accept'), ['text/event-stream'])
  assertKnown(c.req.query())
  const seeing = narrowToTenant(c, caller, c.req.query('tenant'))
  const wants = parseTypes(c.req.query('types'))
  const seen = lastSeen(c.req.header('Last-Event-ID') ?? c.req.query('lastEventId'), api)
  const headers = { ...SAFE_HEADERS, ...STREAM_HEADERS, 'Content-Type': 'text/event-stream' }
  if (c.req.method === 'HEAD') return c.body(null, 200, headers)
  await api.begin()
  const lostRights = await c.get('standing')()
  const { outgoing: response } = c.env
  response.writeHead(200, headers)
  listen(api, { caller: seeing, lostRights, wants, ...seen, response })
  return RESPONSE_ALREADY_SENT
}

const PARAMETERS = ['types', 'tenant', 'lastEventId']

/** @throws ApiProblem `bad-request` */
function assertKnown(query: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(query).find((name) => !PARAMETERS.includes(name))
  if (unknown === undefined) return
  throw new ApiProblem('bad-request', `${unknown}: is unknown; known: ${PARAMETERS.join(', ')}`)
}

/** Returns the last event that a client has seen. `0` means everything since the log began. */
function lastSeen(
  text: string | undefined,
  { events, lab: { cluster } }: Api,
): Pick<Listener, 'last' | 'isOfAnotherNode'> {
  if (text === undefined) return { last: events.lastId, isOfAnotherNode: false }
  if (text === '0') return { last: events.start, isOfAnotherNode: false }
  if (cluster.isShared && nodeOfId(text) !== cluster.node) return { last: events.lastId, isOfAnotherNode: true }
  const [number = ''] = text.split('~')
  const id = /^\d{1,16}$/.test(number) ? Number(number) : UNKNOWN
  return { last: id > events.lastId ? UNKNOWN : id, isOfAnotherNode: false }
}

/** Is before the id of every event. */
const UNKNOWN = 0
