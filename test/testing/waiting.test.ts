import { once } from 'node:events'
import { connect } from 'node:net'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { startLab, type TestLab } from '../../src/testing/index.ts'
import { expect, test } from '../../src/testing/runners/vitest.ts'
import { defaultTimeoutMs } from '../../src/testing/waits/time-limit.ts'
import { LineClient } from '../support/line-client.ts'

const soon = { timeout: 30 }

/** Returns the error of a promise that must reject. */
const errorOf = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => {
      throw new Error('it resolved')
    },
    (error: Error) => error,
  )

async function send(lab: TestLab, to: string, subject = 'hello'): Promise<void> {
  const transport = createTransport(lab.nodemailer('shop'))
  await transport.sendMail({ from: 'shop@lab.test', to, subject, text: 'words' })
}

test('the error of a wait shows what arrived, the nearest first, and how each differs', async () => {
  await using lab = await startLab()
  await lab.deliver({ subject: 'Invoice 7', text: 'pay' }, 'carol')
  await lab.deliver({ subject: 'Welcom', text: 'hi' }, { to: 'bob', from: 'shop@lab.test' })
  const { message } = await errorOf(lab.waitForMessage({ to: 'bob', subject: /welcome/i }, soon))
  expect(message.split('\n').slice(0, 4)).toEqual([
    'no message with to "bob", subject /welcome/i within 30 ms',
    'messages that arrived:',
    '  from <shop@lab.test> to <bob@lab.test>: "Welcom"; subject is "Welcom"',
    '  from <> to <carol@lab.test>: "Invoice 7"; to is <carol@lab.test>, subject is "Invoice 7"',
  ])
})

test('the error of a wait shows failed log-ons and handshakes, and messages that a wait has taken', async () => {
  await using lab = await startLab({ directory: { accounts: [{ user: 'bob', password: 'right' }] } })
  await expect(createTransport(lab.nodemailer({ user: 'bob', pass: 'wrong' })).verify()).rejects.toThrow()
  const { ca: _, ...untrusting } = lab.nodemailer('bob').tls
  await expect(createTransport({ ...lab.nodemailer('bob'), tls: untrusting }).verify()).rejects.toThrow()
  await expect.poll(() => lab.sessions().filter(({ endedAt }) => endedAt !== undefined).length).toBe(2)
  await lab.deliver({ subject: 'taken' }, 'bob')
  await lab.waitForMessage('bob')
  const { message } = await errorOf(lab.waitForMessage('bob', soon))
  expect(message).toContain('"taken"; an earlier wait has already returned it')
  expect(message).toContain('refused: 535')
  expect(message).toMatch(/handshake failed|closed the connection right after the handshake|unknown ca/i)
  await lab.reset()
  expect((await errorOf(lab.waitForMessage({}, soon))).message).toContain('sessions: none, no client has connected')
})

test('errors of waits point at the line of the test', async ({ lab }) => {
  const calls: (() => Promise<unknown>)[] = [
    () => lab.waitForMessage({ subject: 'never' }, soon),
    () => lab.waitForMessages(2, { subject: 'never' }, soon),
    () => lab.receives({ subject: 'never' }, soon),
    () => lab.waitForSession('nobody', soon),
    () => lab.waitForMessage({ subjct: 'x' } as never),
  ]
  for (const call of calls) {
    const { stack = '' } = await errorOf(call())
    expect(/\n\s+at (.*)/.exec(stack)?.[1]).toContain('waiting.test.ts')
  }
})

test('a wait ends before the test does, so that its error is seen', { timeout: 800 }, async ({ lab }) => {
  await expect(lab.waitForMessage({ subject: 'never' })).rejects.toMatchObject({ name: 'WaitTimeout' })
})

test('the default of a wait is 2,000 ms, or most of the time that the test has left', () => {
  const state = Object.getOwnPropertyDescriptor(globalThis, '__vitest_worker__')
  const within = (current: object | undefined): number => {
    Object.defineProperty(globalThis, '__vitest_worker__', { value: { current }, configurable: true })
    return defaultTimeoutMs(10_000)
  }
  const script = process.argv[1] ?? ''
  const running = { type: 'test', timeout: 5_000, result: { state: 'run', startTime: 10_000 } }
  try {
    expect(within(running)).toBe(2_000)
    expect(within({ ...running, result: { state: 'run', startTime: 6_500 } })).toBe(1_200)
    expect(within({ ...running, result: { state: 'run', startTime: 5_100 } })).toBe(500)
    expect(within({ ...running, timeout: 600 })).toBe(480)
    expect(within({ ...running, timeout: Number.POSITIVE_INFINITY })).toBe(2_000)
    expect(within({ ...running, timeout: 0 })).toBe(2_000)
    expect(within({ ...running, concurrent: true })).toBe(2_000)
    expect(within({ type: 'suite' })).toBe(2_000)
    const jest = Symbol('JEST_STATE_SYMBOL')
    const global = globalThis as Record<symbol, unknown>
    global[jest] = { testTimeout: 5_000, currentlyRunningTest: { startedAt: 6_500 } }
    expect(within(undefined)).toBe(1_200)
    delete global[jest]
    expect(within(undefined)).toBe(2_000)
    // Mocha's own default is 2,000 ms, and it does not show the test that runs.
    process.argv[1] = '/app/node_modules/.bin/mocha'
    expect(within(undefined)).toBe(1_500)
  } finally {
    process.argv[1] = script
    if (state) Object.defineProperty(globalThis, '__vitest_worker__', state)
    else Reflect.deleteProperty(globalThis, '__vitest_worker__')
  }
})

test('mail to a plus address is found by it, in a lab and in a tenant', async ({ lab, tenant }) => {
  await send(lab, tenant.address('alice+x1'))
  expect((await tenant.waitForMessage({ to: 'alice+x1' })).user).toBe(tenant.user('alice'))
  expect(await tenant.messages({ to: 'alice' })).toHaveLength(1)
  expect(await tenant.messages({ to: 'alice+x2' })).toEqual([])
  await lab.deliver({ subject: 'plus' }, 'erin+tag@lab.test')
  expect((await lab.waitForMessage('erin+tag')).subject).toBe('plus')
})

test('a tenant sees no sessions and messages of others in its errors', async () => {
  await using lab = await startLab()
  const [one, two] = [lab.tenant('one'), lab.tenant('two')]
  for (const tenant of [one, two]) {
    const transport = createTransport(tenant.nodemailer('alice'))
    await transport.sendMail({ from: tenant.address('alice'), to: tenant.address('bob'), text: 'words' })
  }
  const anonymous = createTransport(lab.nodemailer())
  await anonymous.sendMail({ from: two.address('alice'), to: two.address('bob'), text: 'words' })
  const { ca: _, ...untrusting } = lab.nodemailer().tls
  await expect(createTransport({ ...lab.nodemailer(), tls: untrusting }).verify()).rejects.toThrow()
  await lab.waitForSession({ protocol: 'smtp', ended: true, matches: ({ id }) => id === 'smtp-4' })
  const { message } = await errorOf(one.waitForMessage('carol', soon))
  expect(message).toContain('one-bob@lab.test')
  expect(message).not.toContain('two-')
  expect(one.sessions().map(({ id }) => id)).toEqual(['smtp-1', 'smtp-4'])
})

test('waitForMessages waits for several, each once', async ({ lab }) => {
  const three = lab.waitForMessages(3, { subject: 'many' })
  for (const name of ['ann', 'ben', 'cat']) await send(lab, `${name}@lab.test`, `many ${name}`)
  expect((await three).map(({ user }) => user)).toEqual(['ann', 'ben', 'cat'])
  await send(lab, 'dan@lab.test', 'many dan')
  await expect(lab.waitForMessages(2, { subject: 'many' }, soon)).rejects.toThrow(
    '1 of 2 messages with subject "many" within 30 ms',
  )
  expect((await lab.waitForMessage({ subject: 'many' })).user).toBe('dan')
  await expect(lab.waitForMessages(0)).rejects.toThrow('count is 0; must be a whole number from 1 up')
})

test('waitForSession resolves while the session is open, and for its refusals and its end', async () => {
  await using lab = await startLab({ directory: { accounts: [{ user: 'bob', password: 'right' }] } })
  const loggedOn = lab.waitForSession({ user: 'bob', protocol: 'imap4' })
  const client = new ImapFlow(lab.imapflow('bob'))
  await client.connect()
  const session = await loggedOn
  expect(session).toMatchObject({ user: 'bob', tls: { version: 'TLSv1.3' } })
  expect(session.endedAt).toBeUndefined()
  const selected = lab.waitForSession({
    matches: ({ transcript }) => transcript.some((entry) => entry.kind === 'line' && / SELECT /.test(entry.text)),
  })
  await client.mailboxOpen('INBOX')
  expect((await selected).id).toBe(session.id)
  const ended = lab.waitForSession({ user: /^bo/, ended: true })
  await client.logout()
  expect((await ended).endedAt).toBeDefined()
  await expect(createTransport(lab.nodemailer({ user: 'bob', pass: 'wrong' })).verify()).rejects.toThrow()
  expect((await lab.waitForSession({ refused: /^535/ })).protocol).toBe('smtp')
  await expect(lab.waitForSession({ protocol: 'nntp', tls: true }, soon)).rejects.toThrow(
    'no session with protocol "nntp", tls true within 30 ms\nsessions:\n',
  )
  const failing = lab.waitForSession({
    matches: () => {
      throw new Error('from the test')
    },
  })
  await expect(failing).rejects.toThrow('from the test')
})

test('events can be read with for await, from the call on, until break, a signal or the end of the lab', async () => {
  const lab = await startLab()
  await lab.deliver({ subject: 'before' }, 'bob')
  const subjects: string[] = []
  const messages = lab.on('message')
  for (const subject of ['one', 'two', 'three']) await lab.deliver({ subject }, ['bob', 'carol'])
  for await (const { subject } of messages) if (subjects.push(subject) === 2) break
  expect(subjects).toEqual(['one', 'two'])
  expect(await messages.next()).toEqual({ value: undefined, done: true })

  const controller = new AbortController()
  const next = lab.on('message', { signal: controller.signal }).next()
  controller.abort(new Error('enough'))
  await expect(next).rejects.toThrow('enough')

  const [sessions, refusals] = [lab.on('session'), lab.on('refusal')]
  const socket = connect(lab.server('pop3').port, '127.0.0.1')
  await once(socket, 'data')
  socket.end('GET / HTTP/1.1\r\n\r\n')
  expect((await refusals.next()).value).toMatchObject({
    reason: 'the client sent an HTTP request',
    session: { protocol: 'pop3' },
  })
  expect((await sessions.next()).value).toMatchObject({ protocol: 'pop3', endCause: expect.any(String) })
  const last = sessions.next()
  await lab.stop()
  expect(await last).toEqual({ value: undefined, done: true })
})

test('events call listeners until the subscription is closed', async ({ lab, tenant }) => {
  const seen: string[] = []
  const controller = new AbortController()
  const subscription = tenant.on('message', ({ subject }) => seen.push(subject))
  tenant.on('message', ({ subject }) => seen.push(`with signal: ${subject}`), { signal: controller.signal })
  const reading = lab.on('message')
  await tenant.deliver({ subject: 'one' }, 'bob')
  await lab.deliver({ subject: 'other' }, 'zoe')
  await reading.next()
  controller.abort()
  await tenant.deliver({ subject: 'two' }, 'bob')
  await reading.next()
  await reading.next()
  subscription.close()
  await tenant.deliver({ subject: 'three' }, 'bob')
  await reading.next()
  expect(seen.toSorted()).toEqual(['one', 'two', 'with signal: one'])
  expect(() => lab.on('mesage' as never)).toThrow('on: no event "mesage"; did you mean message?')
  expect(() => lab.on('message', { sginal: 1 } as never)).toThrow('options.sginal: unknown key; did you mean signal?')
  reading.close()
})

test('assertNothingSent passes if no client sent mail, and waits for clients that are sending', async () => {
  await using lab = await startLab()
  await lab.assertNothingSent()
  const tenant = lab.tenant('quiet')
  const transport = createTransport(lab.nodemailer('shop'))
  const sending = transport.sendMail({ from: 'shop@lab.test', to: 'bob@lab.test', subject: 'late', text: 'words' })
  await lab.waitForSession({ protocol: 'smtp' })
  const { name, message, stack = '' } = await errorOf(lab.assertNothingSent())
  expect(name).toBe('SomethingSent')
  expect(message).toBe(
    'expected that no mail was sent\nmessages that arrived:\n  from <shop@lab.test> to <bob@lab.test>: "late"',
  )
  expect(/\n\s+at (.*)/.exec(stack)?.[1]).toContain('waiting.test.ts')
  await sending
  await tenant.assertNothingSent()
  await lab.assertNothingSent('carol')
  await expect(lab.assertNothingSent('bob')).rejects.toThrow('expected that no message with to "bob" was sent')
})

test('assertNothingSent counts refused mail, and cannot pass while a client may still send', async () => {
  await using lab = await startLab()
  lab.faults.add({ when: { verb: 'RCPT' }, do: { reply: '550 5.1.1 No such user' } })
  await expect(send(lab, 'bob@lab.test')).rejects.toThrow('550')
  await expect(lab.assertNothingSent()).rejects.toThrow(
    /mail that was begun and is in no mailbox:\n {2}smtp-1 as shop: 1/,
  )
  await lab.reset()
  const client = await LineClient.open(lab.server('smtp').port)
  await expect(lab.assertNothingSent({}, soon)).rejects.toThrow(/smtp-2 without log-on: has sent nothing yet/)
  client.send('EHLO x\r\nMAIL FROM:<a@lab.test>\r\n')
  await lab.waitForSession({ protocol: 'smtp', matches: ({ mail }) => mail?.isOpen === true })
  await expect(lab.assertNothingSent({}, soon)).rejects.toThrow(/in the middle of a message/)
  client.send('RSET\r\n')
  await lab.assertNothingSent('bob')
  await expect(lab.assertNothingSent({})).rejects.toThrow(/smtp-2 without log-on: 1/)
  client.send('QUIT\r\n')
  await client.rest()
})

test('a wait that begins after the lab has stopped says so immediately', async () => {
  const lab = await startLab({ virtualServers: [{ protocol: 'smtp' }] })
  const late = { timeout: 60_000 }
  await lab.stop()
  await expect(lab.waitForMessage('bob', late)).rejects.toThrow(
    'the lab was stopped, so a wait for a message cannot succeed',
  )
  await expect(lab.waitForMessages(2, {}, late)).rejects.toThrow('the lab was stopped')
  await expect(lab.waitForSession('bob', late)).rejects.toThrow(
    'the lab was stopped, so a wait for a session cannot succeed',
  )
})

test('the time-out of a tenant lists captured mail that no tenant owns', async () => {
  await using lab = await startLab()
  const [tenant, other] = [lab.tenant('t'), lab.tenant('u')]
  const from = other.address('bob')
  await lab.deliver({ subject: 'to a customer' }, { to: 'kunde@example.test', from: 'shop@example.test' })
  await lab.deliver({ subject: 'of another tenant' }, { to: 'kunde@example.test', from })
  const { message } = await errorOf(tenant.waitForMessage('kunde@example.test', soon))
  expect(message).toContain(
    'captured without a tenant:\n  from <shop@example.test> to <kunde@example.test>: "to a customer"',
  )
  expect(message).not.toContain('of another tenant')
})
