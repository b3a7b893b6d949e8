import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Api } from '../../src/api/api.ts'
import type { Caller } from '../../src/api/caller.ts'
import { eventData } from '../../src/api/events/event-data.ts'
import { timeText } from '../../src/api/messages/summary.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { isSliceOver, nextSlice } from '../../src/common/time-slice.ts'
import { eventNames } from '../../src/config/schema/event-names.ts'
import type { Env } from './env.ts'

/** A comment line this often keeps proxies from closing a silent stream. */
const KEEP_ALIVE_MS = 15_000

/**
 * Streams the events of the lab as server-sent events. A client that comes back with `Last-Event-ID` misses nothing, or is
 * told that it does: by the event `events.lost`, as browsers show no answer but 200 to the page that has opened a stream.
 * All streams read the log of the lab: a client that does not read takes no memory for what it has not read.
 */
export function streamEvents(api: Api, caller: Caller, c: Context<Env>): Response {
  assertKnown(c.req.query())
  const wants = wantedTypes(c.req.query('types'))
  let last = lastSeen(c.req.header('Last-Event-ID') ?? c.req.query('lastEventId'), api)
  return streamSSE(c, async (stream) => {
    let wake = (): void => {}
    const unwatch = api.events.watch(() => wake())
    const timer = setInterval(() => {
      if (!c.env.outgoing.writableNeedDrain) void stream.write(': keep-alive\n\n')
    }, KEEP_ALIVE_MS)
    stream.onAbort(() => wake())
    try {
      await stream.write(': connected\n\n')
      for (let isOver = false; !isOver && !stream.aborted; ) {
        const event = api.events.next(last)
        if (!event) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          continue
        }
        if (event.id !== last + 1) {
          const data = JSON.stringify({ at: timeText(event.at), detail: LOST })
          await stream.writeSSE({ id: `${event.id - 1}`, event: 'events.lost', data })
        }
        last = event.id
        isOver = event.name === 'lab.stopping'
        const data = wants(event.name) ? await eventData(api, caller, event) : undefined
        if (data) await stream.writeSSE({ id: `${event.id}`, event: event.name, data: JSON.stringify(data) })
        if (isSliceOver()) await nextSlice()
      }
    } finally {
      clearInterval(timer)
      unwatch()
    }
  })
}

/** @throws ApiProblem `bad-request` */
function assertKnown(query: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(query).find((name) => name !== 'types' && name !== 'lastEventId')
  if (unknown === undefined) return
  throw new ApiProblem('bad-request', `${unknown}: is unknown; known: types, lastEventId`)
}

/** Returns the id of the last event that a client has seen. `0` means everything since the start. */
function lastSeen(text: string | undefined, { events }: Api): number {
  if (text === undefined) return events.lastId
  if (text === '0') return events.start
  const id = /^\d{1,16}$/.test(text) ? Number(text) : UNKNOWN
  return id > events.lastId ? UNKNOWN : id
}

/** Is before the id of every event. */
const UNKNOWN = 0
const LOST =
  'events are missing before this one: the lab has started again, or it no longer has them; read the messages and sessions again'

/** `types=message,session.refused`: names, or the words before their dot. @throws ApiProblem `bad-request` */
function wantedTypes(types: string | undefined): (name: string) => boolean {
  const wanted = (types ?? '').split(',').filter((one) => one !== '')
  if (wanted.length === 0) return () => true
  const isMeant = (name: string, one: string): boolean => name === one || name.startsWith(`${one}.`)
  const unknown = wanted.find((one) => !eventNames.some((name) => isMeant(name, one)))
  if (unknown !== undefined) {
    throw new ApiProblem('bad-request', `types: ${unknown} is unknown; there are: ${eventNames.join(', ')}`)
  }
  return (name) => name === 'lab.stopping' || wanted.some((one) => isMeant(name, one))
}
