import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { BACKLOG_OCTETS, type Connection } from '../../../src/net/connection.ts'
import { LineClient } from '../../support/line-client.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ask, greeted, startData } from './support.ts'

describe('a session', () => {
  test('the greeting comes at once, even to a client that sends first', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    expect(await ask(client, 'NOOP')).toBe('250 2.0.0 OK')
  })

  test('commands that only other servers know are not recognized', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    for (const name of ['WIZ x', 'SHELL', 'KILL', 'XCLIENT NAME=x', 'XFORWARD NAME=x']) {
      expect(await ask(client, name)).toBe('500 5.5.2 Error: command not recognized')
    }
  })

  test('replies have enhanced codes, except 3yz', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    await client.play(`C: MAIL FROM:<a@b.test>
      S: 250 2.1.0 Accepted
      C: RCPT TO:<nobody@lab.test>
      S: 550 5.1.1 No mailbox for nobody@lab.test
      C: RCPT TO:<alice@lab.test>
      S: 250 2.1.5 Accepted
      C: DATA
      S: 354 End data with <CR><LF>.<CR><LF>`)
  })

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

  test('EHLO discards the chunks of an unfinished message', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test>')
    await ask(client, 'RCPT TO:<alice@lab.test>')
    await ask(client, 'BDAT 3\r\nx')
    await ask(client, 'EHLO again')
    await startData(client)
    expect(await ask(client, '.')).toMatch(/^250 /)
  })

  test('commands pipelined after QUIT are not answered', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    client.send('QUIT\r\nNOOP\r\nMAIL FROM:<a@b.test>\r\n')
    expect(await client.rest()).toEqual(['221 2.0.0 Bye'])
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

  test('RSET takes no argument, NOOP takes any', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    await client.play('C: RSET now\nS: 501 5.5.4 *\nC: NOOP whatever\nS: 250 2.0.0 *')
  })
})
