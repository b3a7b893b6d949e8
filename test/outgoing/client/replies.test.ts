import { expect, it } from 'vitest'
import { startHost } from './hosts.ts'
import { hopTo, MESSAGE, Sender } from './sender.ts'

it('sends a message, and records the session with its transcript', async () => {
  await using host = await startHost()
  await using sender = new Sender()
  const result = await sender.send([hopTo(host.port)])
  expect(result).toMatchObject({
    session: 'smtp-1',
    recipients: [{ address: 'b@example.test', kind: 'sent', code: 250, text: '250 queued', remoteHost: 'localhost' }],
  })
  expect(host.received).toMatchObject([{ from: 'a@lab.test', raw: MESSAGE }])
  console.log(sender.transcript)
})
