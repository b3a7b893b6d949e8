import { describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { LineClient } from '../../support/line-client.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ask, ehlo, greeted, startData } from './support.ts'

describe('the end of a session', () => {
  test('an idle client gets 421 and is disconnected', async () => {
    await using lab = await startMailLab(smtp, { idleTimeoutMs: 300 })
    const client = await greeted(lab)
    await client.play('S: 421 4.4.2 localhost *\nS: (end)')
  })

  test('so is a client that stops in the middle of a message, and nothing of it is kept', async () => {
    await using lab = await startMailLab(smtp, { idleTimeoutMs: 300 })
    const client = await greeted(lab)
    await startData(client)
    client.send('Subject: half\r\n')
    await client.play('S: 421 4.4.2 localhost *\nS: (end)')
    expect(await lab.inbox('alice')).toEqual([])
  })

  test('a lab that stops tells its clients', async () => {
    await using lab = await startMailLab(smtp)
    const client = await greeted(lab)
    const stopped = lab.stop()
    await client.play('S: 421 4.3.2 localhost Server is shutting down\nS: (end)')
    await stopped
  })

  test('a client over the connection limit gets 421', async () => {
    await using lab = await startMailLab(smtp, { limits: { connections: 1 } })
    using _first = await greeted(lab)
    const second = await LineClient.open(lab.port)
    await second.play('S: 421 4.3.2 *too many connections*\nS: (end)')
  })

  test('messagesPerConnection: MAIL beyond the limit ends the session', async () => {
    await using lab = await startMailLab(smtp, { limits: { messagesPerConnection: 2 } })
    const client = await greeted(lab)
    for (let i = 0; i < 2; i++) {
      await startData(client)
      expect(await ask(client, '.')).toMatch(/^250 /)
    }
    await client.play('C: MAIL FROM:<a@b.test>\nS: 421 4.7.0 *\nS: (end)')
    expect(await lab.inbox('alice')).toHaveLength(2)
  })

  test('RFC 9422: EHLO announces the configured limits, and recipients in more domains get 452', async () => {
    const limits = { messagesPerConnection: 3, recipients: 50, recipientDomains: 2 } as const
    await using lab = await startMailLab(smtp, { limits })
    using client = await LineClient.greeted(lab.port)
    expect(await ehlo(client)).toContain('250-LIMITS MAILMAX=3 RCPTMAX=50 RCPTDOMAINMAX=2')
    await client.play(`C: MAIL FROM:<a@b.test>
      S: 250 *
      C: RCPT TO:<alice@lab.test>
      S: 250 *
      C: RCPT TO:<nobody@lab.test>
      S: 550 *
      C: RCPT TO:<x@one.test>
      S: 250 *
      C: RSET
      S: 250 *
      C: MAIL FROM:<a@b.test>
      S: 250 *
      C: RCPT TO:<x@two.test>
      S: 452 4.5.3 Error: too many domains, the limit is 2 per connection
      C: RCPT TO:<y@ONE.test>
      S: 250 *`)
  })

  test('a line over the limit is rejected once, and the session goes on', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    client.send(`NOOP ${'x'.repeat(300_000)}\r\nNOOP\r\n`)
    await client.play('S: 500 5.5.6 *\nS: 250*')
  })

  test('an HTTP request from a browser ends the session', async () => {
    await using lab = await startMailLab(smtp)
    const client = await LineClient.open(lab.port)
    client.send('POST / HTTP/1.1\r\nHost: localhost\r\n\r\nMAIL FROM:<a@b.test>\r\n')
    await client.play('S: 220 *\nS: 421 4.7.0 *\nS: (end)')
  })
})

test('the transcript shows both directions, with message octets as a count', async () => {
  await using lab = await startMailLab(smtp)
  const client = await greeted(lab)
  await startData(client)
  await ask(client, 'Subject: x\r\n\r\nthe body\r\n.')
  await client.play('C: QUIT\nS: 221*\nS: (end)')
  await expect.poll(() => lab.sessions()[0]?.endedAt).toBeDefined()
  const shown = lab.sessions()[0]?.transcript.map((entry) => {
    if (entry.kind === 'line') return `${entry.direction} ${entry.text}`
    return entry.kind === 'octets' ? `${entry.direction} ${entry.octets} octets` : entry.text
  })
  expect(shown?.filter((line) => !line.startsWith('out 250-'))).toEqual([
    'out 220 localhost ESMTP Sealpost',
    'in EHLO client.test',
    'out 250 HELP',
    'in MAIL FROM:<a@b.test>',
    'out 250 2.1.0 Accepted',
    'in RCPT TO:<alice@lab.test>',
    'out 250 2.1.5 Accepted',
    'in DATA',
    'out 354 End data with <CR><LF>.<CR><LF>',
    'in 24 octets',
    'out 250 2.0.0 OK: queued as smtp-1.1',
    'in QUIT',
    'out 221 2.0.0 Bye',
  ])
})
