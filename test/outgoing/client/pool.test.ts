import { expect, it } from 'vitest'
import type { AttemptResult } from '../../../src/outgoing/types.ts'
import { startTaker } from './hosts.ts'
import { hopTo, MESSAGE, oneAtATime, Sender } from './sender.ts'

it('a message that waited for a connection counts towards the limit', async () => {
  await using sender = new Sender()
  const send = (): Promise<AttemptResult> => sender.send([hopTo(host.port)], {}, MESSAGE, oneAtATime())
  let third: Promise<AttemptResult> | undefined
  await using host = await startTaker((line, connection) => {
    // The message that waits gets a new connection.
    if (line.startsWith('MAIL') && connection === 1) return 'close'
    if (line.startsWith('EHLO') && connection === 2) third = send()
    return undefined
  })
  const [first, second] = await Promise.all([send(), send()])
  expect(first.recipients).toMatchObject([{ kind: 'deferred' }])
  expect(second.recipients).toMatchObject([{ kind: 'sent' }])
  expect((await third)?.recipients).toMatchObject([{ kind: 'sent' }])
  expect(host.connections).toBe(2)
})
