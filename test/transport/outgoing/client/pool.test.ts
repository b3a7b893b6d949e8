import { expect, it } from 'vitest'
import type { AttemptResult } from '../../../../src/transport/outgoing/types.ts'
import { startHost, startTaker } from './hosts.ts'
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

it('takes another connection after a hundred messages', async () => {
  await using host = await startTaker(() => undefined)
  await using sender = new Sender()
  for (let sent = 1; sent <= 101; sent++) {
    expect(await sender.sendOne(hopTo(host.port, { tls: 'none' }))).toMatchObject({ kind: 'sent' })
    if (sent === 100) expect(host.connections).toBe(1)
  }
  expect(host.connections).toBe(2)
})

it('sends to at most a hundred recipients in one transaction', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  const recipients = Array.from({ length: 101 }, (_, index) => ({ address: `r${index}@example.test` }))
  const sent = await sender.send([hopTo(host.port)], { recipients })
  expect(new Set(sent.recipients.map(({ kind }) => kind))).toEqual(new Set(['sent']))
  expect(host.received.map(({ to }) => to.length)).toEqual([100, 1])
  expect(host.received.flatMap(({ to }) => to.map(({ address }) => ({ address })))).toEqual(recipients)
})
