import { createHash, createHmac } from 'node:crypto'
import { afterAll, describe, expect, test } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import { LineClient } from '../../support/line-client.ts'
import { ScramClient } from '../../support/scram-client.ts'

const APP = 'abcd efgh ijkl mnop'
const states = ['locked', 'disabled', 'password-expired', 'must-change-password'] as const

const lab = await startLab({
  directory: {
    accounts: [
      ...states.map((state) => ({
        user: state,
        password: 'secret',
        state,
        appPasswords: [{ name: 'phone', password: APP }],
      })),
      {
        user: 'carol',
        password: 'secret',
        twoFactor: true,
        appPasswords: [
          { name: 'phone', password: APP },
          { name: 'laptop', password: 'qrst' },
        ],
      },
      { user: 'alice', password: 'secret' },
      { user: 'bob', password: 'geheim', delegates: ['alice', 'locked'] },
      { user: 'closed', password: 'secret', state: 'locked', delegates: ['alice'] },
    ],
  },
  virtualServers: [
    ...(['smtp', 'pop3', 'imap4', 'nntp'] as const).map((protocol) => ({
      protocol,
      authentication: ['anonymous' as const, 'basic' as const, 'ntlm' as const, 'digest-md5' as const],
    })),
    { protocol: 'http', authentication: ['basic'] },
  ],
})
afterAll(() => lab.stop())

type MailProtocol = 'smtp' | 'pop3' | 'imap4' | 'nntp'
const b64 = (text: string): string => Buffer.from(text).toString('base64')

/** How each protocol carries a SASL exchange: what begins it, and what a challenge and an empty response look like. */
const dialects: Record<MailProtocol, { auth: string; challenge: string; empty: string }> = {
  smtp: { auth: 'AUTH', challenge: '334 ', empty: '' },
  pop3: { auth: 'AUTH', challenge: '+ ', empty: '' },
  imap4: { auth: 'a AUTHENTICATE', challenge: '+ ', empty: '' },
  nntp: { auth: 'AUTHINFO SASL', challenge: '383 ', empty: '=' },
}

async function open(protocol: MailProtocol): Promise<LineClient> {
  const client = await LineClient.greeted(lab.server(protocol).port)
  if (protocol === 'smtp') {
    client.send('EHLO client.test\r\n')
    await client.lines((line) => line.startsWith('250 '))
  }
  return client
}

/** Logs on by SASL. Returns the last reply. */
async function sasl(protocol: MailProtocol, mechanism: string, answers: (string | ((challenge: string) => string))[]) {
  const { auth, challenge, empty } = dialects[protocol]
  const client = await open(protocol)
  client.send(`${auth} ${mechanism}\r\n`)
  for (;;) {
    const line = (await client.line()) ?? ''
    const answer = line.startsWith(challenge) ? answers.shift() : undefined
    if (answer === undefined) {
      client.destroy()
      return line
    }
    const asked = Buffer.from(line.slice(challenge.length), 'base64').toString()
    client.send(`${b64(typeof answer === 'string' ? answer : answer(asked)) || empty}\r\n`)
  }
}

const plain = (protocol: MailProtocol, user: string, password: string, authzid = '') =>
  sasl(protocol, 'PLAIN', [`${authzid}\0${user}\0${password}`])

const scram = (protocol: MailProtocol, user: string, password: string, gs2 = 'n,,') => {
  const client = new ScramClient(user, password, { gs2 })
  return sasl(protocol, 'SCRAM-SHA-256', [client.first(), (first) => client.final(first), ''])
}

const cram = (protocol: MailProtocol, user: string, password: string) =>
  sasl(protocol, 'CRAM-MD5', [(challenge) => `${user} ${createHmac('md5', password).update(challenge).digest('hex')}`])

/** The log-on command of each protocol that is older than SASL. */
async function byCommand(protocol: MailProtocol, user: string, password: string): Promise<string | undefined> {
  const client = await open(protocol)
  const lines: Record<MailProtocol, string[]> = {
    smtp: ['AUTH LOGIN', b64(user), b64(password)],
    pop3: [`USER ${user}`, `PASS ${password}`],
    imap4: [`a LOGIN ${user} "${password}"`],
    nntp: [`AUTHINFO USER ${user}`, `AUTHINFO PASS ${password}`],
  }
  let reply: string | undefined
  for (const line of lines[protocol]) {
    client.send(`${line}\r\n`)
    reply = await client.line()
  }
  client.destroy()
  return reply
}

const notes = (): string[] =>
  (lab.sessions().at(-1)?.transcript ?? []).flatMap((entry) => (entry.kind === 'note' ? [entry.text] : []))

const refusals: Record<MailProtocol, Record<(typeof states)[number] | 'carol', string>> = {
  // RFC 4954 section 6, RFC 5248
  smtp: {
    locked: '454 4.7.0 Authentication failed: the account is locked',
    disabled: '525 5.7.13 Authentication failed: the account is disabled',
    'password-expired': '535 5.7.8 Authentication failed: the password has expired',
    'must-change-password': '432 4.7.12 Authentication failed: the password must be changed',
    carol: '534 5.7.9 Authentication failed: Application-specific password required',
  },
  // RFC 3206
  pop3: {
    locked: '-ERR [SYS/TEMP] Logon failure: the account is locked.',
    disabled: '-ERR [SYS/PERM] Logon failure: the account is disabled.',
    'password-expired': '-ERR [AUTH] Logon failure: the password has expired.',
    'must-change-password': '-ERR [AUTH] Logon failure: the password must be changed.',
    carol: '-ERR [AUTH] Logon failure: Application-specific password required.',
  },
  // RFC 5530
  imap4: {
    locked: 'a NO [CONTACTADMIN] Logon failure: the account is locked.',
    disabled: 'a NO [CONTACTADMIN] Logon failure: the account is disabled.',
    'password-expired': 'a NO [EXPIRED] Logon failure: the password has expired.',
    'must-change-password': 'a NO [EXPIRED] Logon failure: the password must be changed.',
    carol: 'a NO [ALERT] Logon failure: Application-specific password required.',
  },
  // RFC 4643
  nntp: {
    locked: '481 Authentication failed: the account is locked',
    disabled: '502 Authentication failed: the account is disabled',
    'password-expired': '481 Authentication failed: the password has expired',
    'must-change-password': '481 Authentication failed: the password must be changed',
    carol: '481 Authentication failed: Application-specific password required',
  },
}
const accepted: Record<MailProtocol, RegExp> = { smtp: /^235 /, pop3: /^\+OK/, imap4: /^a OK/, nntp: /^28[13] / }

describe.each(['smtp', 'pop3', 'imap4', 'nntp'] as const)('%s', (protocol) => {
  test.each([...states, 'carol'] as const)('refuses the right password of %s with its own code', async (user) => {
    const expected = refusals[protocol][user]
    for (const logOn of [byCommand, plain, scram]) {
      expect(await logOn(protocol, user, 'secret')).toBe(expected)
      expect(lab.sessions().at(-1)?.refusals).toEqual([expect.any(String)])
    }
  })

  test('answers a wrong password as for any other account', async () => {
    for (const logOn of [byCommand, plain, scram, cram]) {
      const replies = new Set<string | undefined>()
      for (const user of ['locked', 'carol', 'alice', 'nobody']) replies.add(await logOn(protocol, user, 'wrong'))
      expect([...replies]).toEqual([expect.stringContaining('unknown user name or bad password')])
    }
  })

  test('an app password logs on by every mechanism, and the session names it', async () => {
    for (const logOn of [byCommand, plain, scram, cram]) {
      expect(await logOn(protocol, 'carol', APP)).toMatch(accepted[protocol])
      expect(lab.sessions().at(-1)?.user).toBe('carol')
      expect(notes()).toContain('logged on with the app password "phone"')
    }
    expect(await plain(protocol, 'carol', 'qrst')).toMatch(accepted[protocol])
    expect(notes()).toContain('logged on with the app password "laptop"')
    expect(await plain(protocol, 'password-expired', APP)).toMatch(accepted[protocol])
    expect(await plain(protocol, 'locked', APP)).toBe(refusals[protocol].locked)
  })

  test('a delegate acts for another account, others do not', async () => {
    for (const reply of [
      await plain(protocol, 'alice', 'secret', 'bob'),
      await scram(protocol, 'alice', 'secret', 'n,a=bob,'),
    ]) {
      expect(reply).toMatch(accepted[protocol])
      expect(lab.sessions().at(-1)?.user).toBe('bob')
      expect(notes()).toContain('alice acts for bob')
    }
    const refused = await plain(protocol, 'bob', 'geheim', 'alice')
    expect(refused).toContain('not authorized to act as another')
    if (protocol === 'imap4') expect(refused).toMatch(/^a NO \[AUTHORIZATIONFAILED\] /)
    expect(await plain(protocol, 'alice', 'secret', 'nobody')).toBe(refused)
    expect(await plain(protocol, 'alice', 'wrong', 'bob')).toContain('unknown user name or bad password')
    // Neither account may be locked.
    expect(await plain(protocol, 'locked', 'secret', 'bob')).toBe(refusals[protocol].locked)
    expect(await plain(protocol, 'alice', 'secret', 'closed')).toBe(refusals[protocol].locked)
  })
})

test('APOP proves an app password', async () => {
  using client = await LineClient.open(lab.server('pop3').port)
  const [timestamp = ''] = /<.*>/.exec((await client.line()) ?? '') ?? []
  const digest = (password: string): string =>
    createHash('md5')
      .update(timestamp + password)
      .digest('hex')
  client.send(`APOP carol ${digest('secret')}\r\n`)
  expect(await client.line()).toBe(refusals.pop3.carol)
  client.send(`APOP carol ${digest('qrst')}\r\n`)
  expect(await client.line()).toMatch(/^\+OK/)
})

describe('http', () => {
  const call = async (user: string, password: string): Promise<{ status: number; detail: string }> => {
    const url = `http://127.0.0.1:${lab.server('http').port}/api/v1/messages`
    const answer = await fetch(url, { headers: { Authorization: `Basic ${b64(`${user}:${password}`)}` } })
    const { detail = '' } = (await answer.json()) as { detail?: string }
    return { status: answer.status, detail }
  }

  test('refuses accounts by their state, and takes the password where programs need an app password', async () => {
    expect(await call('locked', 'secret')).toMatchObject({ status: 403, detail: expect.stringContaining('is locked') })
    expect((await call('locked', 'wrong')).status).toBe(401)
    expect((await call('password-expired', 'secret')).status).toBe(403)
    expect((await call('carol', 'secret')).status).toBe(200)
  })
})

test('a change while the lab runs counts for the next log-on, until it is taken back', async () => {
  expect(await plain('imap4', 'alice', 'secret')).toMatch(/^a OK/)
  await lab.changeAccount('alice', { state: 'locked' })
  expect(await plain('imap4', 'alice', 'secret')).toBe(refusals.imap4.locked)
  await lab.reload()
  expect(await plain('imap4', 'alice', 'secret')).toBe(refusals.imap4.locked)
  await lab.changeAccount('alice', {
    state: undefined,
    twoFactor: true,
    appPasswords: [{ name: 'new', password: 'once' }],
  })
  expect(lab.credentials('alice')).toEqual({ user: 'alice', pass: 'once' })
  expect(await scram('imap4', 'alice', 'once')).toMatch(/^a OK/)
  await lab.changeAccount('alice')
  expect(await scram('imap4', 'alice', 'secret')).toMatch(/^a OK/)
  expect(await scram('imap4', 'alice', 'once')).toMatch(/^a NO/)
})

test('accounts of an open directory can be changed too', async () => {
  await using open = await startLab()
  await open.changeAccount('dora', { state: 'disabled' })
  using client = await LineClient.greeted(open.server('imap4').port)
  client.send('a LOGIN dora x\r\nb LOGIN emil x\r\n')
  expect(await client.line()).toMatch(/^a NO \[CONTACTADMIN\]/)
  expect(await client.line()).toMatch(/^b OK/)
})
