import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { ApiProblem } from '../../../src/api/problem.ts'
import { clearInterval, setInterval } from '../../../src/core/time/real-timers.ts'
import { SAFE_HEADERS, STREAM_HEADERS } from '../content-answer.ts'
import { callerIn } from '../env.ts'
import { pageFields } from '../like.ts'
import type { JmapCall } from './endpoint.ts'
import { follow } from './push.ts'

/** A comment line this often keeps proxies from closing a silent stream. */
const KEEP_ALIVE_SECONDS = 15
const MAX_PING_SECONDS = 900

/** Streams changes of states as server-sent events. RFC 8620 section 7.3. @throws ApiProblem `bad-request` */
export async function answerEventSource(call: JmapCall): Promise<Response> {
  const { c } = call
  const { types = '*', closeafter = 'no', ping = '0' } = c.req.query()
  if (closeafter !== 'state' && closeafter !== 'no')
    throw new ApiProblem('bad-request', 'closeafter: write state or no')
  if (!/^\d{1,9}$/.test(ping)) throw new ApiProblem('bad-request', 'ping: write a number of seconds, or 0 for none')
  const lostRights = await c.get('standing')()
  const { outgoing: response } = c.env
  response.writeHead(200, {
    ...SAFE_HEADERS,
    ...STREAM_HEADERS,
    ...pageFields('*'),
    'Content-Type': 'text/event-stream; charset=UTF-8',
  })
  response.write(': connected\n\n')
  const { wake, stop } = follow({
    facts: { ...call, signal: call.api.stopping },
    caller: callerIn(c),
    lostRights,
    types: types === '*' ? null : types.split(','),
    since: c.req.header('Last-Event-ID'),
    isReady: () => !response.writableNeedDrain,
    send(change, pushState) {
      response.write(`event: state\nid: ${pushState}\ndata: ${JSON.stringify(change)}\n\n`)
      if (closeafter === 'state') response.end()
    },
    end: () => (response.writableNeedDrain ? response.destroy() : response.end()),
  })
  const interval = Math.min(Number(ping), MAX_PING_SECONDS)
  const silence = interval > 0 ? `event: ping\ndata: ${JSON.stringify({ interval })}\n\n` : ': keep-alive\n\n'
  const timer = setInterval(
    () => {
      if (!response.writableNeedDrain) response.write(silence)
    },
    1000 * (interval || KEEP_ALIVE_SECONDS),
  )
  response.on('drain', wake)
  response.once('close', () => {
    clearInterval(timer)
    stop()
  })
  return RESPONSE_ALREADY_SENT
}
