import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { describe, expect, it, test } from 'vitest'
import {
  type FaultCommand,
  type FaultFunction,
  type FaultInput,
  startLab,
  type TestLab,
} from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'

async function send(lab: TestLab, to: string, text = 'words'): Promise<number | undefined> {
  const transport = createTransport(lab.nodemailer('shop'))
  try {
    return Number((await transport.sendMail({ from: 'shop@lab.test', to, text })).response.slice(0, 3))
  } catch (error) {
    return (error as { responseCode?: number }).responseCode
  }
}

test('a function answers some commands, and lets others pass', async () => {
  await using lab = await startLab()
  const users = new Set<string | undefined>()
  const fault = lab.faults.add({
    when: { verb: 'RCPT' },
    do: ({ argument }, session) => {
      users.add(session.user)
      return argument.includes('<bob') ? '450 4.2.1 Mailbox busy' : undefined
    },
  })
  expect([await send(lab, 'bob@lab.test'), await send(lab, 'eve@lab.test')]).toEqual([450, 250])
  expect(fault.hits).toBe(1)
  expect(users).toEqual(new Set(['shop']))
})

test('times counts what the function decides, and it may be asynchronous', async () => {
  await using lab = await startLab()
  let calls = 0
  const fault = lab.faults.add({
    when: { protocol: 'smtp' },
    do: async ({ verb }) => {
      calls++
      await lab.messages()
      return verb === 'MAIL' ? { delay: 1, reply: '451 4.3.0 Later' } : undefined
    },
    times: 1,
  })
  expect([await send(lab, 'bob@lab.test'), await send(lab, 'bob@lab.test')]).toEqual([451, 250])
  expect(fault.hits).toBe(1)
  expect(calls).toBeGreaterThan(3)
  expect((await fault.hit()).session.user).toBe('shop')
})

test('after the content, a function sees the message: a spam filter', async () => {
  await using lab = await startLab()
  lab.faults.add({
    when: { on: 'end-of-data' },
    do: function spam({ content }) {
      return content?.includes('XJS*C4JDBQADN1') ? '550 5.7.1 Spam' : undefined
    },
  })
  expect([await send(lab, 'bob@lab.test', 'XJS*C4JDBQADN1'), await send(lab, 'bob@lab.test', 'ham')]).toEqual([
    550, 250,
  ])
  expect(await lab.messages()).toHaveLength(1)
  expect(JSON.stringify(lab.sessions()[0]?.transcript)).toContain('fault: spam')
})

test('imapflow: a function decides about APPEND by its content', async () => {
  await using lab = await startLab()
  lab.faults.add({
    when: { on: 'end-of-data', protocol: 'imap4' },
    do: ({ verb, content }) => (verb === 'APPEND' && content?.includes('no') ? 'NO [CANNOT] Not this one' : undefined),
  })
  const client = new ImapFlow(lab.imapflow('bob'))
  await client.connect()
  await expect(client.append('INBOX', 'Subject: no\r\n\r\n')).rejects.toMatchObject({ serverResponseCode: 'CANNOT' })
  expect(await client.append('INBOX', 'Subject: yes\r\n\r\n')).toMatchObject({ uid: 1 })
  await client.logout()
})

test.skipIf(!needs('curl'))('curl: a function replaces the greeting once', async () => {
  await using lab = await startLab()
  let connections = 0
  const fault = lab.faults.add({
    when: { on: 'connect', protocol: 'pop3' },
    do: () => (++connections === 1 ? '-ERR [SYS/TEMP] Closed' : undefined),
  })
  const url = `pop3://127.0.0.1:${lab.server('pop3').port}/`
  const fetch = async (): Promise<number> => (await runProgram('curl', ['-sS', '-u', 'bob:x', url])).status
  expect([await fetch(), await fetch()]).toEqual([8, 0])
  expect(fault.hits).toBe(1)
})

test('the command is split as its protocol does', async () => {
  await using lab = await startLab()
  const seen: FaultCommand[] = []
  lab.faults.add({ do: (command) => void seen.push(command) })
  const imap = await LineClient.open(lab.server('imap4').port)
  imap.send('a1 uid fetch 1:* flags\r\na2 logout\r\n')
  await imap.rest()
  const nntp = await LineClient.open(lab.server('nntp').port)
  nntp.send('list newsgroups lab.*\r\ngroup Straße\r\nquit\r\n')
  await nntp.rest()
  expect(seen.map(({ verb, argument }) => [verb, argument])).toEqual([
    ['UID FETCH', '1:* flags'],
    ['LOGOUT', ''],
    ['LIST NEWSGROUPS', 'lab.*'],
    ['GROUP', expect.stringMatching(/^Stra/)],
    ['QUIT', ''],
  ])
})

describe('a function that fails', () => {
  it.each([
    [
      'throws',
      () => {
        throw new Error('oops')
      },
      'oops',
    ],
    ['decides a wrong reply', () => 'later', /^do\.reply: is "later": not a reply; write for example "451 4\.3\.0/],
    ['decides an impossible action', () => ({ abortHandshake: 1 }), /^do\.abortHandshake: .*not possible on command/],
  ] as readonly (readonly [string, FaultFunction, string | RegExp])[])(
    '%s: the client gets an error, and hit() rejects with the reason',
    async (_, decide, why) => {
      await using lab = await startLab()
      const fault = lab.faults.add({ name: 'mine', when: { verb: 'MAIL' }, do: decide, times: 1 })
      const hit = fault.hit()
      hit.catch(() => {})
      expect(await send(lab, 'bob@lab.test')).toBe(451)
      await expect(hit).rejects.toThrow(why)
      expect(fault.hits).toBe(0)
      expect(JSON.stringify(lab.sessions()[0]?.transcript)).toContain('fault: mine failed: ')
      expect(await send(lab, 'bob@lab.test')).toBe(250)
    },
  )

  it.each([
    [
      { when: { on: 'handshake' }, do: () => undefined },
      'when.on: is "handshake": a function is possible on connect, command, end-of-data',
    ],
    [{ when: { verb: 'RCTP' }, do: () => undefined }, /when\.verb: is "RCTP": not a command; did you mean RCPT/],
    [{ wen: {}, do: () => undefined }, 'wen: unknown key; did you mean when?'],
  ] as readonly (readonly [FaultInput, string | RegExp])[])('cannot be added: %j', async (fault, message) => {
    await using lab = await startLab()
    expect(() => lab.faults.add(fault)).toThrow(message)
  })
})
