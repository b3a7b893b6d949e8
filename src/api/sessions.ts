import { z } from 'zod'
import { asJson, hasFailed, summary, transcript } from '../sessions/describe.ts'
import { seesSession } from './events/event-data.ts'
import { pageById, pageInput, pageOf } from './lists.ts'
import { Content, defineOperation, type Operation } from './operation.ts'
import { notFound } from './problem.ts'

const session = z
  .looseObject({ id: z.string(), protocol: z.string(), virtualServer: z.string(), summary: z.string() })
  .meta({ id: 'Session', description: 'One connection: who, how, TLS facts, refusals.' })

const list = defineOperation({
  name: 'sessions.list',
  method: 'GET',
  path: '/sessions',
  summary: 'List the sessions, the newest first, failed handshakes included.',
  access: 'read',
  input: z.strictObject({
    failed: z.stringbool().default(false).describe('Only sessions with a refusal or an error.'),
    open: z.stringbool().default(false).describe('Only sessions that are open.'),
    protocol: z.string().optional(),
    user: z.string().optional(),
    ...pageInput,
  }),
  output: pageOf(session),
  async run({ api, caller, input }) {
    const { failed, open, protocol, user } = input
    const found = api.lab.sessionLog
      .list()
      .filter(
        (one) =>
          seesSession(caller, one) &&
          (!failed || hasFailed(one)) &&
          (!open || one.endedAt === undefined) &&
          (protocol === undefined || one.protocol === protocol) &&
          (user === undefined || one.user === user),
      )
      .toReversed()
    const { items, ...page } = pageById(found, input)
    const facts = items.map((one) => {
      const { transcript: _, ...rest } = asJson(one) as Record<string, unknown>
      return { ...rest, summary: summary(one) }
    })
    return { items: facts, ...page }
  },
})

const get = defineOperation({
  name: 'sessions.get',
  method: 'GET',
  path: '/sessions/{id}',
  summary: 'Read a session with its transcript.',
  access: 'read',
  input: z.strictObject({ id: z.string(), format: z.enum(['json', 'text']).default('json') }),
  output: session,
  otherOutputs: ['text/plain'],
  async run({ api, caller, input: { id, format } }) {
    const found = api.lab.sessionLog.get(id)
    if (!found || !seesSession(caller, found)) {
      throw notFound(`there is no session ${id}; the lab keeps the latest 1,000, and GET /api/v1/sessions lists them`)
    }
    if (format === 'text') return new Content('text/plain; charset=utf-8', `${transcript(found).join('\n')}\n`)
    return { ...asJson(found), summary: summary(found) }
  },
})

export const sessionOperations: readonly Operation[] = [list, get]
