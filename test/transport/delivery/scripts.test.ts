import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { LineClient } from '../../support/line-client.ts'

const account = (user: string, sieve?: string) => ({
  user,
  password: 'secret',
  ...(sieve === undefined ? {} : { sieve }),
})
let lab: TestLab
beforeAll(async () => {
  lab = await startLab({
    directory: {
      accounts: [
        account(
          'alice',
          [
            'require ["fileinto", "mailbox", "imap4flags"];',
            'if header :contains "Subject" "report" {',
            '  fileinto :create :flags "\\\\Seen" "Reports";',
            '} elsif header :contains "Subject" "lost" {',
            '  fileinto "Nowhere";',
            '} elsif header :contains "Subject" "lottery" {',
            '  discard;',
            '}',
          ].join('\n'),
        ),
        account('bob', 'require "reject";\nreject "No mail today.";\n'),
        account('carol'),
        account('dora', 'redirect "emil@lab.test";'),
        account('emil', 'redirect "dora@lab.test";'),
        account('gina'),
        account('fred', 'redirect "nobody@lab.test";'),
        account('vera', 'require "vacation";\nvacation :days 1 "I am away.";\n'),
        account('wim', 'require "vacation";\nvacation :days 1 "I am away, too.";\n'),
      ],
    },
    domain: 'lab.test',
    virtualServers: [
      { protocol: 'smtp', port: 0 },
      { protocol: 'lmtp', port: 0 },
      { protocol: 'managesieve', port: 0, authentication: ['basic'] },
    ],
  })
})
afterAll(() => lab.stop())

const isLast = (line: string): boolean => /^\d{3} /.test(line)

/** Sends a message. Returns the replies to its content. */
async function send(
  protocol: 'smtp' | 'lmtp',
  from: string,
  to: readonly string[],
  subject: string,
): Promise<string[]> {
  const client = await LineClient.greeted(lab.server(protocol).port as number)
  const ask = async (line: string): Promise<void> => {
    client.send(`${line}\r\n`)
    expect((await client.lines(isLast)).at(-1)).toMatch(/^[23]/)
  }
  await ask(`${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} client.test`)
  await ask(`MAIL FROM:<${from}>`)
  for (const one of to) await ask(`RCPT TO:<${one}@lab.test>`)
  await ask('DATA')
  client.send(`From: <${from}>\r\nTo: <${to[0]}@lab.test>\r\nSubject: ${subject}\r\n\r\ntext\r\n.\r\n`)
  const replies: string[] = []
  while (replies.length < (protocol === 'lmtp' ? to.length : 1)) replies.push(...(await client.lines(isLast)))
  client.destroy()
  return replies
}

const subjects = async (user: string): Promise<string[]> =>
  (await lab.messages(user)).map(({ subject }) => subject ?? '')

describe('Sieve scripts at delivery', () => {
  it('file, keep and discard, and say by which line in the session', async () => {
    expect(await send('smtp', 'a@b.test', ['alice'], 'report 1')).toEqual([expect.stringMatching(/^250 /)])
    expect(await send('lmtp', 'a@b.test', ['alice', 'carol'], 'lottery')).toHaveLength(2)
    await send('smtp', 'a@b.test', ['alice'], 'lost')
    const found = await lab.messages('alice')
    expect(found.map(({ subject, folder }) => [folder, subject]).sort()).toEqual([
      ['INBOX', 'lost'],
      ['Reports', 'report 1'],
    ])
    expect(await subjects('carol')).toEqual(['lottery'])
    expect(JSON.stringify(lab.sessions())).toMatch(/alice: filed into Reports by line 3/)
  })

  it('reject by the reply where the protocol can, else by a report', async () => {
    expect(await send('smtp', 'carol@lab.test', ['bob'], 'no')).toEqual(['550 5.7.1 No mail today.'])
    expect(await send('lmtp', 'carol@lab.test', ['bob', 'carol'], 'each')).toEqual([
      '550 5.7.1 <bob@lab.test> No mail today.',
      expect.stringMatching(/^250 /),
    ])
    expect(await send('smtp', 'carol@lab.test', ['carol', 'bob'], 'one of two')).toEqual([
      expect.stringMatching(/^250 /),
    ])
    const own = await subjects('carol')
    expect(own.filter((subject) => subject === 'each' || subject === 'one of two')).toHaveLength(2)
    expect(own.length).toBe(4)
    expect(await subjects('bob')).toEqual([])
  })

  it('never redirect in a loop', async () => {
    await send('smtp', 'a@b.test', ['dora'], 'round')
    expect(await subjects('dora')).toEqual(['round'])
    expect(await subjects('emil')).toEqual([])
  })

  it('keep what cannot be redirected', async () => {
    await send('smtp', 'a@b.test', ['fred'], 'stuck')
    const [kept] = await lab.messages('fred')
    expect(String(kept?.raw)).toMatch(/^Return-Path: <a@b\.test>\r\nReceived: [^]*\r\n\r\ntext\r\n$/)
    expect(JSON.stringify(lab.sessions())).toContain(
      'fred: the message to nobody@lab.test was not sent: No mailbox for nobody@lab.test',
    )
  })

  it('run as soon as ManageSieve has activated them, and no longer than that', async () => {
    const client = await LineClient.open(lab.server('managesieve').port as number)
    const ask = async (command: string): Promise<void> => {
      client.send(`${command}\r\n`)
      expect((await client.lines((line) => /^(?:OK|NO|BYE)\b/.test(line))).at(-1)).toMatch(/^OK/)
    }
    await client.lines((line) => line.startsWith('OK'))
    await ask(`AUTHENTICATE "PLAIN" "${Buffer.from('\0gina\0secret').toString('base64')}"`)
    await ask('PUTSCRIPT "none" "discard;"')
    await send('smtp', 'a@b.test', ['gina'], 'before')
    await ask('SETACTIVE "none"')
    await send('smtp', 'a@b.test', ['gina'], 'lost')
    await ask('SETACTIVE ""')
    await send('smtp', 'a@b.test', ['gina'], 'after')
    expect(await subjects('gina')).toEqual(['before', 'after'])
    client.destroy()
  })

  it('answer a sender once, and no answer of another script (RFC 5230)', async () => {
    await send('smtp', 'wim@lab.test', ['vera'], 'one')
    await send('smtp', 'wim@lab.test', ['vera'], 'two')
    expect(await subjects('vera')).toEqual(['one', 'two'])
    expect(await subjects('wim')).toHaveLength(1)
  })
})
