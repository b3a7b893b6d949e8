import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/index.ts'
import { ask, greeted } from '../../servers/smtp/support.ts'
import { startMailLab } from '../../support/mail-lab.ts'

const START = Date.UTC(2026, 10, 25, 12)
const DAY_MS = 86_400_000

const config: LabInput = {
  directory: {
    unknown: 'capture',
    accounts: [
      {
        user: 'alice',
        password: 'x',
        addresses: ['alice@lab.test', 'a@lab.test'],
        outOfOffice: { text: 'Back on Monday.\nCall Zoë.', external: 'Away.' },
      },
      { user: 'bob', password: 'x' },
      {
        user: 'carol',
        password: 'x',
        outOfOffice: {
          text: 'Away.',
          subject: 'Außer Haus',
          external: 'off',
          from: '2026-11-26T00:00:00Z',
          until: '2026-11-27T01:00:00+01:00',
        },
      },
    ],
  },
}

const lab = await startMailLab({ protocol: 'smtp' }, { config })
const client = await greeted(lab)
await lab.lab.clock.set({ at: START, frozen: true })

afterEach(async () => {
  await lab.lab.reset()
  await lab.lab.clock.set({ at: START, frozen: true })
})
afterAll(async () => {
  client.destroy()
  await lab[Symbol.asyncDispose]()
})

interface Mail {
  readonly from?: string
  readonly to?: string
  readonly header?: string
}

async function send({ from = 'bob@lab.test', to = 'alice@lab.test', header = `To: ${to}\r\n` }: Mail): Promise<void> {
  const parameters = /[^\x00-\x7f]/.test(from) ? ' SMTPUTF8' : ''
  for (const command of [`MAIL FROM:<${from}>${parameters}`, `RCPT TO:<${to}>`])
    expect(await ask(client, command)).toMatch(/^250 /)
  await ask(client, 'DATA')
  expect(await ask(client, `Subject: lunch?\r\nMessage-ID: <2@lab.test>\r\n${header}\r\nhello\r\n.`)).toMatch(/^250 /)
}

const replies = async (user?: string): Promise<string[]> =>
  (await lab.inbox(user)).map(({ raw }) => raw).filter((raw) => raw.includes('\r\nAuto-Submitted: auto-replied\r\n'))

test('RFC 3834 section 3: the whole reply', async () => {
  await send({ header: 'To: Alice <ALICE@lab.test>\r\nReferences: <1@lab.test>\r\n' })
  const [reply = '', ...others] = await replies('bob')
  expect(others).toEqual([])
  expect(
    Buffer.from(reply, 'latin1')
      .toString()
      .replace(/auto-[0-9a-f]{24}/, 'auto-ID')
      .split('\r\n'),
  ).toEqual([
    'Return-Path: <>',
    'From: <alice@lab.test>',
    'To: <bob@lab.test>',
    'Subject: Auto: lunch?',
    'Date: Wed, 25 Nov 2026 12:00:00 +0000',
    'Message-ID: <auto-ID@localhost>',
    'In-Reply-To: <2@lab.test>',
    'References: <1@lab.test> <2@lab.test>',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    'Back on Monday.',
    'Call Zoë.',
    '',
  ])
})

test('RFC 3834 section 2: a sender gets one reply in seven days', async () => {
  await send({})
  await send({ from: 'BOB@lab.test' })
  await lab.lab.clock.set({ at: START + 7 * DAY_MS - 1 })
  await send({})
  expect(await replies('bob')).toHaveLength(1)
  await lab.lab.clock.set({ at: START + 7 * DAY_MS })
  await send({})
  expect(await replies('bob')).toHaveLength(2)
})

test('senders of other domains get another text, or none', async () => {
  await send({ from: 'app@example.test' })
  expect(await replies()).toEqual([expect.stringContaining('\r\n\r\nAway.\r\n')])
  await lab.lab.clock.set({ at: Date.UTC(2026, 10, 26) })
  await send({ from: 'other@example.test', to: 'carol@lab.test' })
  expect(await replies()).toHaveLength(1)
})

test('the replies begin and end at the times of the settings', async () => {
  const times = [Date.UTC(2026, 10, 26) - 1, Date.UTC(2026, 10, 27), Date.UTC(2026, 10, 26)]
  for (const at of times) {
    await lab.lab.clock.set({ at })
    await send({ to: 'carol@lab.test' })
  }
  const [reply, ...others] = await replies('bob')
  expect(others).toEqual([])
  expect(reply).toContain('\r\nSubject: =?UTF-8?Q?Au=C3=9Fer?= Haus\r\nDate: Thu, 26 Nov 2026 00:00:00 +0000\r\n')
})

describe('no reply to', () => {
  test.each<[string, Mail]>([
    ['the null return path', { from: '' }],
    ['mailer-daemon', { from: 'MAILER-DAEMON@lab.test' }],
    ['the owner of a list', { from: 'owner-talk@lab.test' }],
    ['the requests of a list', { from: 'talk-request@lab.test' }],
    ['noreply', { from: 'noreply@lab.test' }],
    ['no-reply', { from: 'no-reply-42@lab.test' }],
    ['the account itself', { from: 'a+me@lab.test' }],
    ['automatic mail', { header: 'To: alice@lab.test\r\nAuto-Submitted: auto-generated (cron)\r\n' }],
    ['a mailing list', { header: 'To: alice@lab.test\r\nList-Id: <talk.lab.test>\r\n' }],
    ['bulk mail', { header: 'To: alice@lab.test\r\nPrecedence: bulk\r\n' }],
    ['X-Auto-Response-Suppress: OOF', { header: 'To: alice@lab.test\r\nX-Auto-Response-Suppress: DR, OOF\r\n' }],
    ['X-Auto-Response-Suppress: All', { header: 'To: alice@lab.test\r\nX-Auto-Response-Suppress: All\r\n' }],
    ['mail that names other recipients', { header: 'To: team@lab.test\r\n' }],
  ])('%s', async (_, mail) => {
    await send(mail)
    expect([...(await replies('bob')), ...(await replies('alice')), ...(await replies())]).toEqual([])
    expect(await lab.inbox('alice')).toHaveLength(1)
  })
})

describe('a reply to', () => {
  test.each<[string, Mail]>([
    ['Auto-Submitted: no', { header: 'To: alice@lab.test\r\nAuto-Submitted: no\r\n' }],
    [
      'X-Auto-Response-Suppress: AutoReply',
      { header: 'To: alice@lab.test\r\nX-Auto-Response-Suppress: AutoReply\r\n' },
    ],
    ['Cc', { header: 'To: team@lab.test\r\nCc: x@y.test, alice+x@lab.test\r\n' }],
    ['another address of the account', { to: 'a@lab.test' }],
  ])('%s', async (_, mail) => {
    await send(mail)
    expect(await replies('bob')).toHaveLength(1)
  })
})

test('mail that a test delivers without SMTP is answered too', async () => {
  const raw = Buffer.from('To: alice@lab.test\r\nSubject: x\r\n\r\n')
  await lab.lab.deliver({ from: 'bob@lab.test', to: ['alice@lab.test'], raw })
  expect(await replies('bob')).toHaveLength(1)
})

test('lab.changeAccount sets the reply of an account', async () => {
  await using own = await startLab({
    directory: { accounts: [{ user: 'alice' }, { user: 'bob' }].map((one) => ({ ...one, password: 'x' })) },
    virtualServers: [{ protocol: 'smtp' }],
  })
  const replyTo = async (): Promise<string | undefined> => {
    await own.deliver({ subject: 'x' }, { from: 'bob@lab.test', to: 'alice' })
    return (await own.messages('bob')).at(-1)?.subject
  }
  expect(await replyTo()).toBeUndefined()
  await own.changeAccount('alice', { outOfOffice: { text: 'Away.', subject: 'I am away', repeatAfter: '1h' } })
  expect(await replyTo()).toBe('I am away')
  await own.changeAccount('alice')
  await own.clock.advance('2h')
  await replyTo()
  expect(await own.messages('bob')).toHaveLength(1)
})

test('RFC 6532 section 3.2: the address of an internationalized sender is written as it is', async () => {
  await send({ from: Buffer.from('jürgen@other.test').toString('latin1') })
  const [reply = ''] = await replies(undefined)
  expect(Buffer.from(reply, 'latin1').toString()).toContain('\r\nTo: <jürgen@other.test>\r\n')
})

test('a reply that cannot be sent is not remembered as sent', async () => {
  const accounts = [{ user: 'alice', password: 'x', outOfOffice: { text: 'Away.' } }]
  const settings = { directory: { mode: 'listed' as const, unknown: 'refuse' as const, accounts } }
  await using strict = await startMailLab({ protocol: 'smtp' }, { config: settings })
  const ghost = async (): Promise<void> => {
    using own = await greeted(strict)
    for (const command of ['MAIL FROM:<ghost@lab.test>', 'RCPT TO:<alice@lab.test>', 'DATA']) {
      expect(await ask(own, command)).toMatch(/^[23]5/)
    }
    expect(await ask(own, 'To: alice@lab.test\r\n\r\nhello\r\n.')).toMatch(/^250 /)
  }
  await ghost()
  await strict.lab.reload({
    ...strict.lab.config,
    directory: {
      ...strict.lab.config.directory,
      accounts: [...strict.lab.config.directory.accounts, { user: 'ghost', password: 'x' }],
    },
  } as never)
  await ghost()
  expect((await strict.inbox('ghost')).map(({ raw }) => raw)).toEqual([expect.stringContaining('Away.')])
})
