import { expect, it } from 'vitest'
import { startHost } from './hosts.ts'
import { hopTo, Sender } from './sender.ts'

it('a recipient that the client cannot send fails, and the others get the message', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  const recipients = [{ address: '"a>b"@example.test' }, { address: 'carol@example.test' }]
  const result = await sender.send([hopTo(host.port)], { recipients })
  expect(result.recipients).toMatchObject([
    { address: '"a>b"@example.test', kind: 'failed', enhancedCode: '5.1.3', text: expect.stringContaining('"a>b"') },
    { address: 'carol@example.test', kind: 'sent' },
  ])
  expect(host.received.map(({ to }) => to.map(({ address }) => address))).toEqual([['carol@example.test']])
})

it('a message from a sender that the client cannot send fails', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  const mailFrom = '"a<b"@lab.test'
  expect(await sender.sendOne(hopTo(host.port), { mailFrom })).toMatchObject({ kind: 'failed', enhancedCode: '5.1.7' })
  expect(host.received).toEqual([])
})

it('a recipient without an address fails', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  for (const address of ['', ' ']) {
    const result = await sender.sendOne(hopTo(host.port), { recipients: [{ address }] })
    expect(result).toMatchObject({ kind: 'failed', enhancedCode: '5.1.3' })
  }
  expect(sender.sessions.list()).toEqual([])
})
