import { z } from 'zod'
import { Wakeup } from '../core/async/wakeup.ts'
import { duration } from '../core/config/schema/values.ts'
import { attemptsBesides, describeUnfinished, mayStillSend, untilRead } from '../core/sessions/sent.ts'
import type { SessionRecord } from '../core/sessions/types.ts'
import { abortAfter } from '../core/time/abort-after.ts'
import { isSliceOver, nextSlice } from '../core/time/time-slice.ts'
import { seesSession } from './caller.ts'
import type { IndexedMessage } from './messages/message-index.ts'
import { type MessageSummary, summarize } from './messages/summary.ts'
import { type Call, defineOperation } from './operation.ts'
import { ApiProblem } from './problem.ts'
import { refusedSession } from './sessions.ts'
import { MAX_LISTED, MAX_WAIT_MS, messageConditions, waitReport, waitTest } from './wait.ts'

const input = z.strictObject({
  ...messageConditions,
  timeout: duration
    .refine((ms) => ms <= MAX_WAIT_MS, 'is longer than 5 minutes, the longest wait; wait again instead')
    .prefault('2s')
    .describe('Longest wait for clients that are about to send.'),
})

const assertNothingSent = defineOperation('assertNothingSent', 'POST /assert-nothing-sent', {
  readsMessages: true,
  summary:
    'Check that no mail was sent since the start or the last reset. Waits until no client is about to send. Refused mail counts as sent, unless there are conditions.',
  access: 'read',
  input,
  problems: ['something-sent', 'wait-timeout'],
  async run(call) {
    const { api, caller } = call
    const { timeout, ...wanted } = call.input
    const lostRights = (await call.standing?.()) ?? (() => undefined)
    const { matches } = waitTest({ ...call, input: wanted })
    await untilSettled(call)
    const problem = lostRights()
    if (problem) throw problem
    // A message to several recipients is one.
    const found = new Map<string, IndexedMessage>()
    for (const message of api.arrivals.unread(undefined, {}, () => false)) {
      if (!found.has(message.entry.blob) && (await matches(message))) found.set(message.entry.blob, message)
      if (isSliceOver()) await nextSlice()
    }
    const messages = [...found.values()]
    const sessions = messages.map(({ entry }) => entry.envelope?.session)
    const isAny = Object.keys(wanted).length === 0
    const attempts = isAny ? attemptsBesides(sessions, seenSessions(call)) : []
    if (messages.length === 0 && attempts.length === 0) return
    const arrived: MessageSummary[] = []
    for (const message of messages.slice(0, MAX_LISTED)) {
      const facts = await api.reader.facts(message)
      if (facts) arrived.push(summarize(message, facts, { api, caller }))
    }
    const what = isAny
      ? 'mail'
      : `message with ${Object.entries(wanted)
          .map(([key, value]) => `${key} ${JSON.stringify(value)}`)
          .join(', ')}`
    const detail = `expected that no ${what} was sent; messages delivered: ${messages.length}, sessions that began mail that was not delivered: ${attempts.length}`
    const happened = { arrived, attempts: attempts.slice(0, MAX_LISTED) }
    throw new ApiProblem('something-sent', detail, { report: waitReport(detail, happened), ...happened })
  },
})

const seenSessions = ({ api, caller }: Call<unknown>): SessionRecord[] =>
  api.lab.sessionLog.list().filter((record) => seesSession(caller, record))

/** Resolves when no client is about to send. @throws ApiProblem that names the unfinished sessions, or `stopping` */
async function untilSettled(call: Call<z.output<typeof input>>): Promise<void> {
  const { api, signal } = call
  const { timeout } = call.input
  const wakeup = new Wakeup()
  const unwatch = api.lab.sessionLog.observe(wakeup.wake)
  using limit = abortAfter(timeout, signal, api.stopping)
  limit.signal.addEventListener('abort', wakeup.wake)
  try {
    for (;;) {
      await untilRead()
      const unfinished = seenSessions(call).filter(mayStillSend)
      if (unfinished.length === 0) return
      if (api.stopping.aborted) throw new ApiProblem('stopping', 'the lab is stopping; ask again once it has started')
      if (limit.signal.aborted) {
        const detail = `cannot say whether mail is sent: clients were still connected after ${timeout} ms. Close them, or wait for the code under test`
        const sessions = unfinished
          .slice(0, MAX_LISTED)
          .map((record) => ({ ...refusedSession(api, record), summary: describeUnfinished(record) }))
        throw new ApiProblem('wait-timeout', detail, { report: waitReport(detail, { sessions }), sessions })
      }
      await wakeup.sleep()
    }
  } finally {
    unwatch()
  }
}

export const nothingSentOperations = [assertNothingSent] as const
