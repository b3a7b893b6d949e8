import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { Api } from '../../src/api/api.ts'
import type { Caller } from '../../src/api/caller.ts'
import { eventData } from '../../src/api/events/event-data.ts'
import { eventNames, type LabEvent } from '../../src/api/events/event-log.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import type { Env } from './env.ts'

/** A comment line this often keeps proxies from closing a silent stream. */
const KEEP_ALIVE_MS = 15_000

/** Streams the events of the lab as server-sent events. A client that comes back with `Last-Event-ID` misses nothing. */
export function streamEvents(api: Api, caller: Caller, c: Context<Env>): Response {
  const wants = wantedTypes(c.req.query('types'))
  const last = Number(c.req.header('Last-Event-ID') ?? c.req.query('lastEventId') ?? Number.NaN)
  return streamSSE(c, async (stream) => {
    const queue: LabEvent[] = Number.isNaN(last) ? [] : api.events.after(last)
    let wake = (): void => {}
    const unwatch = api.events.watch((event) => {
      queue.push(event)
      wake()
    })
    const timer = setInterval(() => void stream.write(': keep-alive\n\n'), KEEP_ALIVE_MS)
    stream.onAbort(() => wake())
    try {
      await stream.write(': connected\n\n')
      for (let isOver = false; !isOver && !stream.aborted; ) {
        for (let event = queue.shift(); event && !stream.aborted; event = queue.shift()) {
          isOver = event.name === 'lab.stopping'
          const data = wants(event.name) ? await eventData(api, caller, event) : undefined
          if (data) await stream.writeSSE({ id: `${event.id}`, event: event.name, data: JSON.stringify(data) })
        }
        if (isOver || stream.aborted || queue.length > 0) continue
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    } finally {
      clearInterval(timer)
      unwatch()
    }
  })
}

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
