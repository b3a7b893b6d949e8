import { expect, it } from 'vitest'
import { startTaker } from './hosts.ts'
import { hopTo, Sender } from './sender.ts'

/** Starts a host without TLS that offers XOAUTH2. */
const startXoauth2 = () =>
  startTaker((line) => (line.startsWith('AUTH') ? '235 2.7.0 welcome' : undefined), 'AUTH XOAUTH2')

it('does not send an access token in clear text', async () => {
  await using host = await startXoauth2()
  await using sender = new Sender()
  const hop = hopTo(host.port, { tls: 'may', user: 'bob', accessToken: 'ya29.secret' })
  expect(await sender.sendOne(hop)).toMatchObject({
    kind: 'deferred',
    enhancedCode: '4.7.8',
    text: expect.stringMatching(/offers no TLS, and the access token is not sent in clear text/),
  })
  expect(host.lines.filter((line) => line.startsWith('AUTH'))).toEqual([])
})

it('sends an access token in clear text if TLS is switched off', async () => {
  await using host = await startXoauth2()
  await using sender = new Sender()
  const hop = hopTo(host.port, { tls: 'none', user: 'bob', accessToken: 'ya29.secret' })
  expect(await sender.sendOne(hop)).toMatchObject({ kind: 'sent' })
})

it('takes no other reply than 235 for a log-on', async () => {
  await using host = await startTaker((line) => (line.startsWith('AUTH') ? '250 2.0.0 OK' : undefined), 'AUTH PLAIN')
  await using sender = new Sender()
  const hop = hopTo(host.port, { tls: 'none', user: 'bob', password: 'secret' })
  expect(await sender.sendOne(hop)).toMatchObject({
    kind: 'deferred',
    enhancedCode: '4.7.8',
    text: expect.stringMatching(/: 250 2.0.0 OK$/),
  })
  expect(host.lines.filter((line) => line.startsWith('MAIL'))).toEqual([])
})
