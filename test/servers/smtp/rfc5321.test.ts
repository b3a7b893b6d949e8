import { afterAll, describe, expect, test } from 'vitest'
import { smtp } from '../../../servers/smtp/session.ts'
import { LineClient } from '../../support/line-client.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ask, ehlo, greeted, withoutTrace } from './support.ts'

const MAIL = 'MAIL FROM:<a@b.test>'
const RCPT = 'RCPT TO:<alice@lab.test>'
const AUTH = 'AUTH PLAIN AGFsaWNlAHNlY3JldA=='

const lab = await startMailLab(smtp, { mode: 'open' })
afterAll(() => lab[Symbol.asyncDispose]())

async function connected(): Promise<LineClient> {
  const client = await LineClient.greeted(lab.port)
  return client
}

async function after(...commands: readonly string[]): Promise<LineClient> {
  const client = await greeted(lab)
  for (const command of commands) expect(await ask(client, command), command).toMatch(/^2/)
  return client
}

/** The states of a session: how to enter each, and a command whose answer identifies the state. */
const states = {
  fresh: { enter: connected, probe: RCPT, answer: /^503 5\.5\.1 .*HELO/ },
  greeted: { enter: () => after(), probe: MAIL, answer: /^250 2\.1\.0 / },
  mail: { enter: () => after(MAIL), probe: RCPT, answer: /^250 2\.1\.5 / },
  rcpt: { enter: () => after(MAIL, RCPT), probe: 'DATA', answer: /^354 / },
  chunks: { enter: () => after(MAIL, RCPT, 'BDAT 3\r\nx'), probe: 'BDAT 0 LAST', answer: /^250 2\.0\.0 OK/ },
  tls: {
    async enter() {
      const client = await after(MAIL, RCPT, 'STARTTLS')
      await client.startTls(lab.ca)
      return client
    },
    probe: MAIL,
    answer: /^503 5\.5\.1 .*HELO/,
  },
  loggedOn: { enter: () => after(AUTH), probe: AUTH, answer: /^503 5\.5\.1 .*already authenticated/ },
} as const

/** The reply code to each command in each of the states above, in order. RFC 5321 sections 4.1.4 and 4.3.2. */
const order: readonly (readonly [string, string])[] = [
  ['EHLO x', '250 250 250 250 250 250 250'],
  ['HELO x', '250 250 250 250 250 250 250'],
  ['EHLO', '501 501 501 501 501 501 501'],
  ['HELO', '501 501 501 501 501 501 501'],
  ['EHLO two words', '501 501 501 501 501 501 501'],
  ['NOOP', '250 250 250 250 250 250 250'],
  ['NOOP any words', '250 250 250 250 250 250 250'],
  ['HELP', '214 214 214 214 214 214 214'],
  ['HELP MAIL', '214 214 214 214 214 214 214'],
  ['VRFY alice', '252 252 252 252 252 252 252'],
  ['VRFY', '501 501 501 501 501 501 501'],
  ['EXPN list', '502 502 502 502 502 502 502'],
  ['TURN', '502 502 502 502 502 502 502'],
  ['SEND FROM:<a@b.test>', '502 502 502 502 502 502 502'],
  ['RSET', '250 250 250 250 250 250 250'],
  ['RSET x', '501 501 501 501 501 501 501'],
  ['QUIT', '221 221 221 221 221 221 221'],
  ['QUIT x', '501 501 501 501 501 501 501'],
  [MAIL, '503 250 503 503 503 503 250'],
  ['MAIL FROM:<>', '503 250 503 503 503 503 250'],
  ['MAIL FROM:<nobody@@b.test>', '503 501 501 501 503 503 501'],
  [RCPT, '503 503 250 250 503 503 503'],
  ['RCPT TO:<alice>', '503 501 501 501 503 503 501'],
  ['DATA', '503 503 503 354 503 503 503'],
  ['DATA x', '501 501 501 501 503 501 501'],
  ['BDAT 3\r\nx', '503 503 503 250 250 503 503'],
  ['BDAT 3 LAST\r\nx', '503 503 503 250 250 503 503'],
  [AUTH, '503 235 503 503 503 503 503'],
  ['STARTTLS', '220 220 220 220 503 503 220'],
  ['STARTTLS x', '501 501 501 501 503 501 501'],
  ['XYZZY', '500 500 500 500 500 500 500'],
  ['LHLO x', '500 500 500 500 500 500 500'],
  ['XCLIENT ADDR=192.0.2.1', '500 500 500 500 500 500 500'],
  ['XFORWARD NAME=x', '500 500 500 500 500 500 500'],
  ['', '500 500 500 500 500 500 500'],
  [' NOOP', '500 500 500 500 500 500 500'],
]

/** The replies with an enhanced status code of their own. RFC 2034, RFC 5248. */
const enhanced: Readonly<Record<string, RegExp>> = {
  '221': /^221 2\.0\.0 /,
  '252': /^252 2\.5\.2 /,
  '500': /^500 5\.5\.2 /,
  '501': /^501 5\.(?:1\.[37]|5\.4) /,
  '502': /^502 5\.5\.1 /,
  '503': /^503 5\.5\.1 /,
}

describe.each(Object.entries(states))('commands and their order: %s', (name, { enter, probe, answer }) => {
  const column = Object.keys(states).indexOf(name)

  test.each(order.map(([command, codes]) => [command, codes.split(' ')[column] as string] as const))(
    '%j: %s',
    async (command, code) => {
      using client = await enter()
      expect(await ask(client, command)).toMatch(enhanced[code] ?? new RegExp(`^${code}`))
      // A rejected command does not change the state, but a rejected chunk ends its transaction.
      const endsTransaction = command.startsWith('BDAT') && name === 'mail'
      if (code.startsWith('5') && !endsTransaction) expect(await ask(client, probe)).toMatch(answer)
    },
  )
})

describe.each(['mail', 'rcpt', 'chunks'] as const)('commands that end a transaction: %s', (name) => {
  test.each(['RSET', 'EHLO x', 'HELO x'])('%s', async (command) => {
    using client = await states[name].enter()
    expect(await ask(client, command)).toMatch(/^250 /)
    for (const next of [RCPT, 'DATA', 'BDAT 0 LAST']) expect(await ask(client, next)).toMatch(/^503 5\.5\.1 /)
    expect(await ask(client, MAIL)).toMatch(/^250 /)
  })
})

test('section 4.5.3.1.10: 1,000 recipients in one segment are accepted, and the 1,001st gets 452', async () => {
  using client = await greeted(lab)
  const names = Array.from({ length: 1_001 }, (_, i) => `many${i}@elsewhere.test`)
  client.send(`${MAIL}\r\n${names.map((name) => `RCPT TO:<${name}>\r\n`).join('')}DATA\r\n`)
  const replies = await client.lines((line) => line.startsWith('354 '))
  expect(replies.filter((line) => line.startsWith('250 2.1.5 '))).toHaveLength(1_000)
  expect(replies.at(-2)).toMatch(/^452 4\.5\.3 /)
  expect(await ask(client, 'Subject: many\r\n\r\n.')).toMatch(/^250 2\.0\.0 OK/)
  const kept = (await lab.inbox(undefined)).filter(({ raw }) => withoutTrace(raw) === 'Subject: many\r\n\r\n')
  expect(kept.map(({ entry }) => entry.envelope?.rcptTo)).toEqual([names.slice(0, 1_000)])
})

test('STARTTLS discards the transaction that was open before it', async () => {
  using client = await states.tls.enter()
  expect(await ask(client, RCPT)).toMatch(/^503 /)
  await ehlo(client)
  expect(await ask(client, 'DATA')).toMatch(/^503 /)
})
