import { describe, expect, it } from 'vitest'
import { HttpLab } from '../../servers/http/client.ts'
import { Agent, eras } from './client.ts'

const http = HttpLab.ofTests()

/** Before the next comment line of a stream, which comes every 15 seconds, shows the lab that a client has gone. */
const SOON = { timeout: 12_000 }

const httpSessions = () => http.lab.sessions().filter(({ protocol }) => protocol === 'http')

/** Returns the lines of a session with their times. */
const linesOf = ({ transcript }: ReturnType<typeof httpSessions>[number]) =>
  transcript.flatMap((one) => (one.kind === 'line' ? [one] : []))

/** Counts the messages of clients that need no answer, such as the cancellation of a call before 2026. */
const notifications = (): number =>
  httpSessions().flatMap((session) => linesOf(session).filter(({ text }) => text === 'HTTP/1.1 202')).length

/** Returns the session with the latest request. */
function latestSession(): string {
  const sent = httpSessions().flatMap((session) =>
    linesOf(session).flatMap(({ direction, at }) => (direction === 'in' ? [{ id: session.id, at }] : [])),
  )
  return sent.toSorted((a, b) => b.at - a.at)[0]?.id ?? ''
}

describe.each(eras)('calls that take time: %s', (era) => {
  it('report progress, and end when the client cancels them', async () => {
    await using agent = await Agent.of(http, { era })
    const abort = new AbortController()
    let reported = (): void => {}
    const progress = new Promise<void>((resolve) => {
      reported = resolve
    })
    const before = notifications()
    const call = agent.call(
      'wait_for_message',
      { subject: `after ${era}`, timeout: '5m' },
      { signal: abort.signal, onprogress: () => reported() },
    )
    const refused = expect(call).rejects.toThrow(/abort/i)
    await progress
    const session = latestSession()
    abort.abort()
    await refused
    if (era === 'legacy') await expect.poll(notifications).toBeGreaterThan(before)
    else await expect.poll(() => http.lab.sessions().find(({ id }) => id === session)?.endedAt, SOON).toBeDefined()
    // The wait that was cancelled does not take the message.
    await http.lab.deliver({ subject: `After ${era}` }, { to: 'alice' })
    const found = await agent.data('wait_for_message', { subject: `after ${era}`, timeout: '10s' })
    expect(found.subject).toBe(`After ${era}`)
  })

  it('run at the same time', async () => {
    await using agent = await Agent.of(http, { era })
    const subjects = ['one', 'two', 'three'].map((word) => `${word} ${era}`)
    const waits = subjects.map((subject) => agent.data('wait_for_message', { subject, timeout: '1m' }))
    for (const subject of subjects.toReversed()) await http.lab.deliver({ subject }, { to: 'alice' })
    expect((await Promise.all(waits)).map(({ subject }) => subject)).toEqual(subjects)
  })
})
