import { describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import { LineClient } from '../../support/line-client.ts'
import { ask, reply } from './support.ts'

const accounts = [
  { user: 'alice', password: 'secret' },
  { user: 'bob', password: 'secret', quota: { size: 400 } },
  { user: 'carol', password: 'secret' },
]
const settings = {
  directory: { accounts },
  virtualServers: [{ protocol: 'lmtp' as const, port: 0, tlsPort: 0 }],
}

type Lab = Awaited<ReturnType<typeof startLab>>

async function greeted(lab: Lab): Promise<LineClient> {
  const client = await LineClient.greeted(lab.server('lmtp').port as number)
  await ask(client, 'LHLO client.test')
  return client
}

/** Opens a transaction with these recipients, and sends a message after DATA. Returns the replies to it. */
async function send(client: LineClient, recipients: readonly string[], text = 'hello'): Promise<string[]> {
  await ask(client, 'MAIL FROM:<a@b.test>')
  for (const one of recipients) expect(await ask(client, `RCPT TO:<${one}>`)).toMatch(/^250 /)
  expect(await ask(client, 'DATA')).toMatch(/^354 /)
  client.send(`Subject: LMTP\r\n\r\n${text}\r\n.\r\n`)
  return repliesTo(client, recipients.length)
}

async function repliesTo(client: LineClient, count: number): Promise<string[]> {
  const replies: string[] = []
  while (replies.length < count) replies.push(...(await reply(client)))
  // Nothing more follows.
  expect(await ask(client, 'NOOP')).toBe('250 2.0.0 OK')
  return replies
}

const subjects = (lab: Lab, user: string): Promise<number> => lab.messages(user).then(({ length }) => length)

describe('LMTP (RFC 2033)', () => {
  it('greets, answers LHLO with the extensions, and refuses EHLO and HELO (section 4.1)', async () => {
    await using lab = await startLab(settings)
    const client = await LineClient.open(lab.server('lmtp').port as number)
    expect(await reply(client)).toEqual([expect.stringMatching(/^220 \S+ LMTP /)])
    expect(await ask(client, 'MAIL FROM:<>')).toBe('503 5.5.1 Error: send LHLO first')
    expect(await ask(client, 'EHLO client.test')).toMatch(/^500 /)
    expect(await ask(client, 'HELO client.test')).toMatch(/^500 /)
    client.send('LHLO client.test\r\n')
    const extensions = (await reply(client)).map((line) => line.slice(4))
    for (const name of ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'CHUNKING', 'ENHANCEDSTATUSCODES', 'DSN', 'STARTTLS'])
      expect(extensions.some((line) => line.split(' ')[0] === name)).toBe(true)
    client.destroy()
  })

  it('is unknown to SMTP, which refuses LHLO', async () => {
    await using lab = await startLab({ virtualServers: [{ protocol: 'smtp', port: 0 }] })
    const client = await LineClient.greeted(lab.server('smtp').port as number)
    expect(await ask(client, 'LHLO client.test')).toMatch(/^500 /)
    client.destroy()
  })

  it('replies for each recipient after the content, in the order of RCPT (section 4.2)', async () => {
    await using lab = await startLab(settings)
    const client = await greeted(lab)
    const replies = await send(client, ['carol@lab.test', 'alice@lab.test', 'ALICE@lab.test', 'else@where.test'])
    expect(replies).toEqual([
      expect.stringMatching(/^250 2\.1\.5 <carol@lab\.test> OK: queued as /),
      expect.stringMatching(/^250 2\.1\.5 <alice@lab\.test> /),
      expect.stringMatching(/^250 2\.1\.5 <ALICE@lab\.test> /),
      expect.stringMatching(/^250 2\.1\.5 <else@where\.test> /),
    ])
    const [mail, ...others] = await lab.messages('alice')
    expect(others).toEqual([])
    expect(mail?.raw.toString()).toMatch(/^Received: from client\.test .*\r\n\tby \S+ \(Sealpost\) with LMTP id /m)
    expect(await subjects(lab, 'carol')).toBe(1)
    client.destroy()
  })

  it('delivers to the others if one mailbox is full', async () => {
    await using lab = await startLab(settings)
    const client = await greeted(lab)
    const replies = await send(client, ['alice@lab.test', 'bob@lab.test', 'carol@lab.test'], 'x'.repeat(500))
    expect(replies.map((line) => line.slice(0, 9))).toEqual(['250 2.1.5', '552 5.2.2', '250 2.1.5'])
    expect(replies[1]).toMatch(/<bob@lab\.test>/)
    for (const [user, count] of Object.entries({ alice: 1, bob: 0, carol: 1 }))
      expect([user, await subjects(lab, user)]).toEqual([user, count])
    client.destroy()
  })

  it('fails for one recipient of three by a fault, and loses the reply of another', async () => {
    await using lab = await startLab(settings)
    const at = (matching: string) => ({ protocol: 'lmtp', on: 'end-of-data', matching }) as const
    lab.faults.add({ when: at('<bob@'), do: { reply: '451 4.2.0 Not now', stored: false } })
    lab.faults.add({ when: at('<carol@'), do: { reply: '451 4.4.2 Lost', stored: true } })
    const client = await greeted(lab)
    expect(await send(client, ['alice@lab.test', 'bob@lab.test', 'carol@lab.test'])).toEqual([
      expect.stringMatching(/^250 2\.1\.5 <alice/),
      '451 4.2.0 Not now',
      '451 4.4.2 Lost',
    ])
    for (const [user, count] of Object.entries({ alice: 1, bob: 0, carol: 1 }))
      expect([user, await subjects(lab, user)]).toEqual([user, count])
    client.destroy()
  })

  it('refuses a message that is too large for each recipient, and DATA without a recipient once', async () => {
    await using lab = await startLab({
      ...settings,
      virtualServers: [{ protocol: 'lmtp', port: 0, limits: { messageSize: '1KB' } }],
    })
    const client = await greeted(lab)
    const replies = await send(client, ['alice@lab.test', 'carol@lab.test'], 'x\r\n'.repeat(1000))
    expect(replies).toEqual([
      expect.stringMatching(/^552 5\.3\.4 <alice@lab\.test> /),
      expect.stringMatching(/^552 5\.3\.4 <carol@lab\.test> /),
    ])
    await ask(client, 'MAIL FROM:<a@b.test>')
    expect(await ask(client, 'RCPT TO:<nobody@lab.test>')).toMatch(/^550 5\.1\.1/)
    expect(await ask(client, 'DATA')).toMatch(/^503 /)
    client.destroy()
  })

  it('counts repeated recipients, because each gets a reply', async () => {
    await using lab = await startLab({
      ...settings,
      virtualServers: [{ protocol: 'lmtp', port: 0, limits: { recipients: 2 } }],
    })
    const client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test>')
    for (const code of ['250', '250', '452'])
      expect((await ask(client, 'RCPT TO:<alice@lab.test>')).slice(0, 3)).toBe(code)
    client.destroy()
  })

  it('takes chunks: one reply for each chunk, and for each recipient after the last (section 4.3)', async () => {
    await using lab = await startLab(settings)
    const client = await greeted(lab)
    const commands = ['MAIL FROM:<a@b.test>', 'RCPT TO:<alice@lab.test>', 'RCPT TO:<carol@lab.test>']
    client.send(`${commands.join('\r\n')}\r\nBDAT 12\r\nSubject: x\r\nBDAT 4 LAST\r\n\r\ny\n`)
    expect((await repliesTo(client, 6)).map((line) => line.slice(0, 3))).toEqual(Array(6).fill('250'))
    expect(await subjects(lab, 'carol')).toBe(1)
    client.send(`${commands.join('\r\n')}\r\nBDAT 999999999 LAST\r\n`)
    client.destroy()
  })

  it('requires a secure channel where the virtual server does, and names LMTPS in Received', async () => {
    await using lab = await startLab({
      ...settings,
      virtualServers: [{ protocol: 'lmtp', port: 0, tlsPort: 0, requireSecureChannel: true }],
    })
    const client = await greeted(lab)
    expect(await ask(client, 'MAIL FROM:<>')).toMatch(/^530 5\.7\.0 /)
    expect(await ask(client, 'STARTTLS')).toMatch(/^220 /)
    await client.startTls(lab.ca)
    await ask(client, 'LHLO client.test')
    expect(await send(client, ['alice@lab.test'])).toEqual([expect.stringMatching(/^250 /)])
    expect((await lab.messages('alice'))[0]?.raw.toString()).toMatch(/with LMTPS id /)
    client.destroy()
  })

  it('is never served on port 25 (section 5)', async () => {
    const lab = startLab({ virtualServers: [{ protocol: 'lmtp', port: 25 }] })
    await expect(lab).rejects.toThrow(/port: is the port of SMTP, where LMTP must not be served; write .* 24/)
  })
})
