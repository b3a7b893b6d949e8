import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { BACKLOG_OCTETS, type Connection } from '../../../src/net/connection.ts'
import { LineClient } from '../../support/line-client.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ask, greeted } from './support.ts'

describe('a session', () => {
  test('quoted local parts and ASCII domain names stay as the client wrote them', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<"John \\"Q\\" Doe"@xn--bcher-kva.test>')
    await ask(client, 'RCPT TO:<"a b>@c"@xn--bcher-kva.test>')
    await ask(client, 'DATA')
    await ask(client, '.')
    expect((await lab.inbox(undefined))[0]?.entry.envelope).toMatchObject({
      mailFrom: '"John \\"Q\\" Doe"@xn--bcher-kva.test',
      rcptTo: ['"a b>@c"@xn--bcher-kva.test'],
    })
  })

  test('memory stays bounded for a client that never reads', async () => {
    const serve = vi.spyOn(smtp, 'serve')
    onTestFinished(() => serve.mockRestore())
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    client.pause()
    const connection = serve.mock.calls[0]?.[0] as Connection
    for (let i = 0; i < 200; i++) client.send('HELP\r\n'.repeat(5_000))
    const { memory } = lab.lab.intake
    let pending = -1
    const stopped = (): object => {
      const isStill = client.pendingOctets === pending
      pending = client.pendingOctets
      return { ...memory.usage, isStill }
    }
    // A connection whose client does not read holds a read buffer and a backlog of replies.
    await expect
      .poll(stopped, { timeout: 60_000, interval: 200 })
      .toMatchObject({ isStill: true, messages: 0, connections: 64 * 1024 + BACKLOG_OCTETS })
    // All commands have 6 MB; all replies would have 80 MB.
    expect(pending).toBeGreaterThan(1_000_000)
    expect(connection.socket.writableLength).toBeLessThan(1 << 20)
  })

  test.each([
    ['HELO c.test', '', 'SMTP'],
    ['EHLO c.test\r\nAUTH PLAIN AGFsaWNlAHNlY3JldA==', '', 'ESMTPA'],
    ['EHLO c.test', ' SMTPUTF8', 'UTF8SMTP'],
  ])('RFC 3848: after %s, MAIL%s, the message arrives with %s', async (opening, parameters, type) => {
    await using lab = await startMailLab(smtp)
    using client = await LineClient.open(lab.port)
    client.send(`${opening}\r\nMAIL FROM:<a@b.test>${parameters}\r\nRCPT TO:<alice@lab.test>\r\nDATA\r\n`)
    await client.lines((line) => line.startsWith('354 '))
    expect(await ask(client, '.')).toMatch(/^250 /)
    expect((await lab.inbox('alice'))[0]?.raw).toContain(` (Sealpost) with ${type} id `)
  })
})
