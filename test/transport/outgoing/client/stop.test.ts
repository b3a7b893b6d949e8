import { expect, it } from 'vitest'
import { startTaker } from './hosts.ts'
import { hopTo, MESSAGE, oneAtATime, Sender } from './sender.ts'

const STOPPED = { kind: 'deferred', text: 'the lab is stopping' }

it('a stop during the log-on ends the attempt, and no message goes out', async () => {
  const stop = new AbortController()
  await using host = await startTaker((line) => {
    if (!line.startsWith('AUTH')) return undefined
    stop.abort()
    return null
  }, 'AUTH PLAIN')
  await using sender = new Sender()
  const hop = hopTo(host.port, { tls: 'none', user: 'u', password: 'p' })
  const { recipients } = await sender.send([hop], {}, MESSAGE, {}, { signal: stop.signal })
  expect(recipients).toMatchObject([STOPPED])
  expect(host.lines.filter((line) => line.startsWith('MAIL'))).toEqual([])
})

it('a stop while the message is opened ends the attempt before MAIL', async () => {
  const stop = new AbortController()
  await using host = await startTaker(() => undefined)
  await using sender = new Sender()
  const { recipients } = await sender.send(
    [hopTo(host.port)],
    {},
    MESSAGE,
    {},
    {
      signal: stop.signal,
      async *message() {
        stop.abort()
        yield Buffer.from(MESSAGE)
      },
    },
  )
  expect(recipients).toMatchObject([STOPPED])
  expect(host.lines.filter((line) => line.startsWith('MAIL'))).toEqual([])
})

it('a stop during RSET does not wait for its reply, and keeps the results', async () => {
  const stop = new AbortController()
  await using host = await startTaker((line) => {
    if (line.startsWith('RCPT')) return '550 5.1.1 no such user'
    if (line !== 'RSET') return undefined
    stop.abort()
    return null
  })
  await using sender = new Sender()
  const { recipients } = await sender.send([hopTo(host.port)], {}, MESSAGE, {}, { signal: stop.signal })
  expect(recipients).toMatchObject([{ kind: 'failed', code: 550 }])
})

it('a message that waits for a connection leaves at a stop', async () => {
  const stop = new AbortController()
  const other = new AbortController()
  await using host = await startTaker((line) => {
    if (!line.startsWith('MAIL')) return undefined
    stop.abort()
    return null
  })
  await using sender = new Sender()
  const connector = oneAtATime()
  const first = sender.send([hopTo(host.port)], {}, MESSAGE, connector, { signal: other.signal })
  const second = sender.send([hopTo(host.port)], {}, MESSAGE, connector, { signal: stop.signal })
  expect((await second).recipients).toMatchObject([STOPPED])
  other.abort()
  expect((await first).recipients).toMatchObject([STOPPED])
  expect(host.connections).toBe(1)
})
