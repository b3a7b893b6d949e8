import { seesSession } from '../../../src/api/caller.ts'
import { Content } from '../../../src/api/operation.ts'
import { notFound } from '../../../src/api/problem.ts'
import { transcript } from '../../../src/core/sessions/describe.ts'
import type { SessionRecord } from '../../../src/core/sessions/types.ts'
import { timeText } from '../../../src/core/time/time-text.ts'
import { contentResponse, jsonResponse, notOffered, pathParameter, type Route, type RouteCall } from '../routes.ts'
import { sessionGuid } from './ids.ts'
import { pageOf } from './paging.ts'

/** Returns the sessions of SMTP clients that the caller sees, the newest first. */
const sessionsOf = ({ api, caller }: RouteCall): SessionRecord[] =>
  api.lab.sessionLog
    .list()
    .filter((one) => one.protocol === 'smtp' && one.direction !== 'out' && seesSession(caller, one))
    .reverse()

/** @throws ApiProblem `not-found` */
function sessionOf(call: RouteCall): SessionRecord {
  const guid = pathParameter(call.c, 'id').toLowerCase()
  const found = sessionsOf(call).find(({ id }) => sessionGuid(id) === guid)
  if (found) return found
  throw notFound(`there is no session ${guid}; the lab keeps the latest 1,000`)
}

const HELLO = /^(?:HELO|EHLO) +(\S+)/i

const clientNameOf = ({ transcript: entries }: SessionRecord): string =>
  entries
    .flatMap((entry) => (entry.kind === 'line' && entry.direction === 'in' ? [HELLO.exec(entry.text)?.[1] ?? ''] : []))
    .filter(Boolean)
    .at(-1) ?? ''

const summaryOf = (session: SessionRecord) => ({
  clientAddress: session.remoteAddress,
  clientName: clientNameOf(session),
  numberOfMessages: session.mail?.begun ?? 0,
  id: sessionGuid(session.id),
  endDate: session.endedAt === undefined ? null : timeText(session.endedAt),
  startDate: timeText(session.startedAt),
  terminatedWithError: session.refusals.length > 0,
  size: session.transcript.length,
  hasWarnings: false,
})

const list: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'inspect',
  run: async (call) => jsonResponse(call.c, await pageOf(call, sessionsOf(call), (page) => page.map(summaryOf))),
}

const get: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'inspect',
  run(call) {
    const session = sessionOf(call)
    const { id, clientAddress, clientName, startDate } = summaryOf(session)
    const [error] = session.refusals
    return jsonResponse(call.c, {
      id,
      clientAddress,
      clientName,
      errorType: null,
      startDate,
      error: error ?? null,
      warnings: [],
    })
  },
}

const log: Omit<Route, 'path'> = {
  method: 'GET',
  access: 'inspect',
  run: (call) =>
    contentResponse(call.c, new Content('text/plain; charset=utf-8', `${transcript(sessionOf(call)).join('\n')}\n`)),
}

const removeAll: Omit<Route, 'path'> = {
  method: 'DELETE',
  access: 'administer',
  run({ api, c }) {
    api.lab.sessionLog.clear()
    return c.body(null, 200)
  },
}

/** The paths of sessions below a base such as `/api/sessions`. */
export const sessionRoutes = (base: string): Route[] => [
  { ...list, path: base },
  { ...removeAll, path: `${base}/:all{\\*}` },
  { ...removeAll, path: base },
  { ...get, path: `${base}/:id` },
  { ...log, path: `${base}/:id/log` },
  ...notOffered('DELETE', [`${base}/:id`], 'the lab deletes sessions only all at once'),
]
