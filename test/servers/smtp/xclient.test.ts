import { expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { LineClient } from '../../support/line-client.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'
import { ask, ehlo, greeted, startData } from './support.ts'

const xclient = { from: ['127.0.0.1'] }
const listening = (options: Parameters<typeof startMailLab>[1] = {}) =>
  startMailLab(smtp, { ...options, server: { xclient, ...options.server } })

/** Returns the first Received field, unfolded. */
async function received(lab: MailLab, user: string | undefined): Promise<string> {
  const mails = await lab.inbox(user)
  return /^Received: .*(?:\r\n[ \t].*)*/m.exec(mails.at(-1)?.raw ?? '')?.[0].replace(/\r\n[ \t]+/g, ' ') ?? ''
}

test('XCLIENT: the session begins again as that of the client, in Received fields and the record', async () => {
  await using lab = await listening()
  using client = await LineClient.greeted(lab.port)
  const offered = await ehlo(client)
  expect(offered).toContain('250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT')
  expect(offered).toContain('250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE')
  await client.play(`C: xclient Name=client+2Dhost.test addr=192.0.2.7 PORT=4321 DESTADDR=IPV6:2001:db8::1 DESTPORT=25
    S: 220 localhost ESMTP Sealpost
    C: MAIL FROM:<a@b.test>
    S: 503 *`)
  expect((await ehlo(client))[0]).toBe('250-localhost greets [192.0.2.7]')
  await startData(client)
  expect(await ask(client, 'Subject: x\r\n\r\n.')).toMatch(/^250 /)
  expect(await received(lab, 'alice')).toMatch(
    /^Received: from client\.test \(client-host\.test \[192\.0\.2\.7\]\) by /,
  )
  expect(lab.sessions()[0]).toMatchObject({
    remoteAddress: '192.0.2.7',
    remotePort: 4321,
    proxy: { address: '127.0.0.1' },
  })
  // Attributes of earlier commands stay; an unavailable address is that of the proxy again.
  await client.play('C: XCLIENT ADDR=[UNAVAILABLE] HELO=other.test PROTO=SMTP\nS: 220 *')
  await startData(client)
  expect(await ask(client, 'Subject: x\r\n\r\n.')).toMatch(/^250 /)
  expect(await received(lab, 'alice')).toMatch(
    /^Received: from other\.test \(client-host\.test \[127\.0\.0\.1\]\) by .* with SMTP /,
  )
})

test('XCLIENT under a personality: EHLO offers it, and the greeting has the words of the personality', async () => {
  await using lab = await listening({ server: { personality: 'exchange2003' } })
  using client = await LineClient.greeted(lab.port)
  expect((await ehlo(client)).join()).toContain('250-XCLIENT NAME')
  expect(await ask(client, 'XCLIENT ADDR=192.0.2.7')).toMatch(/^220 .*Microsoft ESMTP/)
  expect((await ehlo(client))[0]).toContain('192.0.2.7')
})

test('XCLIENT LOGIN: the session is that of the account, until the proxy takes it back', async () => {
  await using lab = await listening({ server: { authentication: ['basic'], relay: 'deny' } })
  using client = await greeted(lab)
  await client.play(
    'C: MAIL FROM:<a@b.test>\nS: 530 *\nC: XCLIENT LOGIN=nobody\nS: 535 5.7.8 *\nC: XCLIENT LOGIN=alice\nS: 220 *',
  )
  await ehlo(client)
  await startData(client, 'x@elsewhere.test')
  expect(await ask(client, 'Subject: x\r\n\r\n.')).toMatch(/^250 /)
  expect(await received(lab, undefined)).toContain(' with ESMTPA ')
  expect(lab.sessions()[0]?.user).toBe('alice')
  await client.play('C: XCLIENT LOGIN=[UNAVAILABLE]\nS: 220 *')
  await ehlo(client)
  await client.play('C: MAIL FROM:<a@b.test>\nS: 530 *')
})

test.each([
  ['locked', '454 4.7.0'],
  ['disabled', '525 5.7.13'],
] as const)(
  'XCLIENT LOGIN of an account that is %s is refused, and the session stays as it was',
  async (state, code) => {
    await using lab = await listening({
      server: { authentication: ['basic'] },
      config: { directory: { accounts: [{ user: 'alice', password: 'secret', state }] } },
    })
    using client = await greeted(lab)
    await client.play(`C: XCLIENT LOGIN=alice\nS: ${code} *\nC: MAIL FROM:<a@b.test>\nS: 530 *`)
  },
)

test('XCLIENT: the client counts for the limits, the proxy does not', async () => {
  await using lab = await listening({ limits: { connectionsPerAddress: 1 } })
  const clients = [await greeted(lab), await greeted(lab), await greeted(lab)]
  const [first, second, third] = clients as [LineClient, LineClient, LineClient]
  expect(await ask(first, 'XCLIENT ADDR=192.0.2.7')).toMatch(/^220 /)
  expect(await ask(second, 'XCLIENT ADDR=192.0.2.8')).toMatch(/^220 /)
  await third.play('C: XCLIENT ADDR=192.0.2.7\nS: 421 4.7.0 *\nS: (end)')
  for (const client of clients) client.destroy()
})

test('XFORWARD is recorded in the session, and changes nothing else', async () => {
  await using lab = await listening()
  using client = await greeted(lab)
  await client.play(`C: XFORWARD NAME=sender.test ADDR=IPV6:2001:db8::7 PORT=[UNAVAILABLE] IDENT=4BQ7
    S: 250 2.0.0 OK
    C: XFORWARD PROTO=ESMTP HELO=sender.test SOURCE=REMOTE
    S: 250 2.0.0 OK`)
  await startData(client)
  expect(await ask(client, 'Subject: x\r\n\r\n.')).toMatch(/^250 /)
  expect(await received(lab, 'alice')).toMatch(/^Received: from client\.test \(\[127\.0\.0\.1\]\) by /)
  expect(lab.sessions()[0]).toMatchObject({ remoteAddress: '2001:db8::7', proxy: { address: '127.0.0.1' } })
})

test.each([
  ['XCLIENT', '501 5.5.4'],
  ['XCLIENT ADDR', '501 5.5.4'],
  ['XCLIENT ADDR=mail.test', '501 5.5.4'],
  ['XCLIENT ADDR=192.0.2.7 COLOUR=red', '501 5.5.4'],
  ['XCLIENT NAME=a+0D+0AX:y', '501 5.5.4'],
  ['XCLIENT NAME=a+zz', '501 5.5.4'],
  ['XCLIENT PORT=70000', '501 5.5.4'],
  ['XCLIENT PROTO=HTTP', '501 5.5.4'],
  ['XCLIENT IDENT=x', '501 5.5.4'],
  ['XFORWARD LOGIN=alice', '501 5.5.4'],
  ['XFORWARD SOURCE=x', '501 5.5.4'],
])('%s is refused with %s', async (command, code) => {
  await using lab = await listening()
  using client = await greeted(lab)
  expect(await ask(client, command)).toMatch(new RegExp(`^${code} `))
  expect(lab.sessions()[0]?.remoteAddress).toBe('127.0.0.1')
})

test('both commands are refused during a transaction and from other addresses', async () => {
  await using lab = await listening()
  const client = await greeted(lab)
  await client.play(
    'C: MAIL FROM:<a@b.test>\nS: 250 *\nC: XCLIENT ADDR=192.0.2.7\nS: 503 *\nC: XFORWARD ADDR=192.0.2.7\nS: 503 *',
  )
  client.destroy()
  await using other = await listening({ server: { xclient: { from: ['192.0.2.0/24'] } } })
  using stranger = await LineClient.greeted(other.port)
  expect((await ehlo(stranger)).join()).not.toMatch(/XCLIENT|XFORWARD/)
  await stranger.play('C: XCLIENT ADDR=192.0.2.7\nS: 550 5.7.0 *\nC: XFORWARD ADDR=192.0.2.7\nS: 550 5.7.0 *')
})
