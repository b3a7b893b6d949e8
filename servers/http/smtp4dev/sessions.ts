import { seesSession } from '../../../src/api/caller.ts'
import { notFound } from '../../../src/api/problem.ts'
import { describeTranscript } from '../../../src/core/sessions/describe.ts'
import type { SessionRecord } from '../../../src/core/sessions/types.ts'
import { timeText } from '../../../src/core/time/time-text.ts'
import { administers, jsonResponse, notOffered, pathParameter, type Route, type RouteCall } from '../routes.ts'
import { textResponse } from '../tool-mail.ts'
import { sessionGuid } from './ids.ts'
import { pagedList } from './paging.ts'

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

function get(call: RouteCall): Response {
  const session = sessionOf(call)
  const { id, clientAddress, clientName, startDate } = summaryOf(session)
  const error = session.refusals[0] ?? null
  return jsonResponse(call.c, { id, clientAddress, clientName, errorType: null, startDate, error, warnings: [] })
}

function removeAll({ api, c }: RouteCall): Response {
  api.lab.sessionLog.clear()
  return c.body(null, 200)
}

const inspects = (path: string, run: Route['run']): Route => ({ method: 'GET', path, access: 'inspect', run })

/** Creates the routes of sessions below a base such as `/api/sessions`. */
export const sessionRoutes = (base: string): Route[] => [
  inspects(base, async (call) =>
    jsonResponse(call.c, await pagedList(call, sessionsOf(call), (page) => page.map(summaryOf))),
  ),
  administers('DELETE', `${base}/:all{\\*}`, removeAll),
  administers('DELETE', base, removeAll),
  inspects(`${base}/:id`, get),
  inspects(`${base}/:id/log`, (call) => textResponse(call, `${describeTranscript(sessionOf(call)).join('\n')}\n`)),
  ...notOffered('DELETE', [`${base}/:id`], 'the lab deletes sessions only all together'),
]
