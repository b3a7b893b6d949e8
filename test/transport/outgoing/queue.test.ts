import pino from 'pino'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { openStore } from '../../../src/storage/store/open.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { newFolder } from '../../support/folder.ts'
import type { MailLab } from '../../support/mail-lab.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'
import { startHost } from './client/hosts.ts'
import { connectorTo, queued, queueEvent, send, startOutgoingLab } from './support.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** The host's answer to RCPT, by the local part: a code, or undefined to accept. */
const refusals = new Map<string, number>()
/** Holds the end of messages back until a test lets them go. */
let gate: Promise<void> | undefined
let inData = 0
let mostInData = 0

const host = await startHost({
  onRcptTo({ address }, _session, done) {
    const code = refusals.get(address.split('@')[0] ?? '')
    done(code === undefined ? undefined : Object.assign(new Error('not now'), { responseCode: code }))
  },
  onData(stream, session, done) {
    mostInData = Math.max(mostInData, ++inData)
    const { mailFrom, rcptTo } = session.envelope
    stream.resume().on('end', async () => {
      await gate
      inData--
      host.received.push({
        from: mailFrom === false ? '' : mailFrom.address,
        args: {},
        to: rcptTo.map(({ address, args }) => ({ address, args })),
        user: undefined,
        raw: '',
        isSecure: false,
      })
      done(null, 'queued')
    })
  },
})
afterAll(() => host[Symbol.asyncDispose]())
beforeEach(() => {
  refusals.clear()
  host.received.length = 0
  gate = undefined
  mostInData = 0
})

const recipientsOf = (): string[][] => host.received.map(({ to }) => to.map(({ address }) => address))

/** Moves the clock of a lab forward. */
const advance = ({ lab: { clock } }: MailLab, ms: number): Promise<void> => clock.set({ at: clock.now() + ms })

/** Returns the reports in alice's INBOX, without the fields that differ. */
const reports = async (lab: MailLab): Promise<string[]> => (await lab.inbox('alice')).map(({ raw }) => raw)

/** Waits until alice has as many messages. */
async function reported(lab: MailLab, messages: number): Promise<string[]> {
  await expect.poll(async () => (await lab.inbox('alice')).length).toBe(messages)
  return reports(lab)
}

const schedule = { retry: ['1m', '1h'], giveUpAfter: '4h', delayWarning: 'off' }

test('a deferred message is tried again after its pauses, and says why it waits', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule })])
  refusals.set('carol', 451)
  const first = queueEvent(lab, 'deferred')
  await send(lab, { to: ['carol@example.test'] })
  const { entry, results } = await first
  expect(results).toMatchObject([{ address: 'carol@example.test', kind: 'deferred', code: 451 }])
  expect(entry).toMatchObject({ state: 'deferred', attempts: 1, recipients: [{ kind: 'deferred', code: 451 }] })
  expect(entry.reason).toContain('not now')
  const session = lab.sessions().find(({ id }) => id === entry.lastSession)
  expect(session).toMatchObject({ direction: 'out' })
  const pause = (entry.nextAttemptAt ?? 0) - lab.lab.clock.now()
  expect(pause).toBeGreaterThan(0)
  expect(pause).toBeLessThanOrEqual(1.1 * MINUTE_MS)

  const second = queueEvent(lab, 'deferred')
  await advance(lab, 1.1 * MINUTE_MS)
  expect((await second).entry.attempts).toBe(2)
  await advance(lab, 2 * MINUTE_MS)
  expect(queued(lab)).toMatchObject([{ state: 'deferred', attempts: 2 }])

  refusals.clear()
  const sent = queueEvent(lab, 'sent')
  await advance(lab, 1.1 * HOUR_MS)
  await sent
  expect(recipientsOf()).toEqual([['carol@example.test']])
  expect(queued(lab)).toEqual([])
  expect(await reports(lab)).toEqual([])
})

test('a host that cannot be reached defers, too', async () => {
  await using lab = await startOutgoingLab([connectorTo(1)])
  const deferred = queueEvent(lab, 'deferred')
  await send(lab, { to: ['carol@example.test'] })
  expect((await deferred).entry.reason).toContain('127.0.0.1')
})

test('each recipient is sent to once, and the sender gets a report about those that fail', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule })])
  refusals.set('carol', 451).set('dave', 550)
  const deferred = queueEvent(lab, 'deferred')
  await send(lab, { to: ['carol@example.test', 'dave@example.test', 'erin@example.test'] })
  expect((await deferred).entry.recipients.map(({ kind }) => kind)).toEqual(['deferred', 'failed', 'sent'])
  const [report = ''] = await reported(lab, 1)
  expect(report).toContain('Final-Recipient: rfc822; dave@example.test')
  expect(report).not.toMatch(/Recipient: .*(?:carol|erin)/)
  refusals.clear()
  const end = queueEvent(lab, 'failed')
  await advance(lab, 1.1 * MINUTE_MS)
  await end
  expect(recipientsOf()).toEqual([['erin@example.test'], ['carol@example.test']])
  expect(await reports(lab)).toHaveLength(1)
})

test('a message that is too old fails with a last attempt, and its sender gets a report', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule })])
  refusals.set('carol', 451)
  const deferred = queueEvent(lab, 'deferred')
  await send(lab, { to: ['carol@example.test'] })
  await deferred
  const failed = queueEvent(lab, 'failed')
  await advance(lab, 5 * HOUR_MS)
  expect((await failed).entry).toMatchObject({ attempts: 2, recipients: [{ kind: 'failed', code: 451 }] })
  const [report = ''] = await reported(lab, 1)
  expect(report).toContain('Action: failed')
  expect(report).toContain('Status: 4.4.7')
  expect(queued(lab)).toEqual([])
})

test.each([
  ['NOTIFY=NEVER', { to: ['dave@example.test NOTIFY=NEVER'] }],
  ['the null reverse-path', { to: ['dave@example.test'], from: '' }],
])('no report is sent with %s', async (_, mail) => {
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule })])
  refusals.set('dave', 550)
  const failed = queueEvent(lab, 'failed')
  await send(lab, mail)
  await failed
  expect(await reports(lab)).toEqual([])
  expect(queued(lab)).toEqual([])
})

test('the sender is told of a delay once, and that a host without DSN has the message if NOTIFY asks for it', async () => {
  const late = { ...schedule, retry: ['10h'], giveUpAfter: '2d', delayWarning: '4h' }
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule: late })])
  refusals.set('carol', 451)
  const deferred = queueEvent(lab, 'deferred')
  await send(lab, { to: ['carol@example.test NOTIFY=SUCCESS,DELAY'] })
  await deferred
  await advance(lab, 5 * HOUR_MS)
  const [delay = ''] = await reported(lab, 1)
  expect(delay).toContain('Action: delayed')
  expect(delay).toContain('Will-Retry-Until: ')
  await advance(lab, HOUR_MS)
  refusals.clear()
  const sent = queueEvent(lab, 'sent')
  await advance(lab, 6 * HOUR_MS)
  await sent
  const [, relayed = ''] = await reported(lab, 2)
  expect(relayed).toContain('Action: relayed')
})

describe('by hand', () => {
  let lab: MailLab
  beforeAll(async () => {
    lab = await startOutgoingLab([connectorTo(host.port, { schedule })], { server: { personality: 'exchange2003' } })
  })
  afterAll(() => lab[Symbol.asyncDispose]())
  beforeEach(async () => {
    const { queue } = lab.lab.outgoing
    await queue.delete(queue.list().map(({ id }) => id))
    refusals.set('carol', 451)
    const deferred = queueEvent(lab, 'deferred')
    await send(lab, { to: ['carol@example.test'] })
    await deferred
    refusals.clear()
  })

  test('a held message is not sent until a flush', async () => {
    const { queue } = lab.lab.outgoing
    const held = queueEvent(lab, 'held')
    expect(await queue.hold()).toBe(1)
    expect(await queue.hold()).toBe(0)
    expect((await held).entry).toMatchObject({ state: 'held' })
    await advance(lab, 2 * MINUTE_MS)
    expect(queued(lab)).toMatchObject([{ state: 'held', attempts: 1 }])
    const sent = queueEvent(lab, 'sent')
    expect(await queue.flush()).toBe(1)
    await sent
  })

  test('a flush tries now', async () => {
    const sent = queueEvent(lab, 'sent')
    expect(await lab.lab.outgoing.queue.flush([queued(lab)[0]?.id ?? '', '999'])).toBe(1)
    await sent
    expect(recipientsOf()).toEqual([['carol@example.test']])
  })

  test('ETRN tries the messages for a domain now (RFC 1985 section 5.3)', async () => {
    const sent = queueEvent(lab, 'sent')
    const client = await SmtpSender.open(lab.port)
    expect(await client.ask('ETRN elsewhere.test')).toMatch(/^459 /)
    expect(await client.ask('ETRN Example.test')).toBe('253 2.0.0 OK, 1 pending messages for node Example.test started')
    client.close()
    await sent
  })

  test('a deleted message is neither sent nor reported', async () => {
    const before = (await reports(lab)).length
    const deleted = queueEvent(lab, 'deleted')
    expect(await lab.lab.outgoing.queue.delete([queued(lab)[0]?.id ?? ''])).toBe(1)
    await deleted
    await advance(lab, 2 * MINUTE_MS)
    expect(queued(lab)).toEqual([])
    expect(await reports(lab)).toHaveLength(before)
  })

  test('a message that is given up is reported', async () => {
    const before = (await reports(lab)).length
    expect(await lab.lab.outgoing.queue.bounce([queued(lab)[0]?.id ?? ''])).toBe(1)
    expect((await reported(lab, before + 1)).at(-1)).toContain('the administrator of the lab gave up the message')
    expect(queued(lab)).toEqual([])
  })

  test('the octets of a message can be read', async () => {
    const chunks: Buffer[] = []
    for await (const chunk of lab.lab.outgoing.queue.read(queued(lab)[0]?.id ?? '')) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toMatch(/^Received: [^]*\r\nSubject: hello\r\n\r\nbody\r\n$/)
  })

  test('lab.reset() empties the queue', async () => {
    await lab.lab.reset()
    expect(queued(lab)).toEqual([])
    const sent = queueEvent(lab, 'sent')
    await send(lab, { to: ['dave@example.test'] })
    await sent
    expect(recipientsOf()).toEqual([['dave@example.test']])
  })
})

test('a rate lets further messages wait', async () => {
  const limited = { ...schedule, rate: '2/m' }
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule: limited })])
  const two = queueEvent(lab, 'sent', 2)
  for (const name of ['a', 'b', 'c']) await send(lab, { to: [`${name}@example.test`] })
  await two
  expect(queued(lab)).toMatchObject([{ state: 'waiting', recipients: [{ address: 'c@example.test' }] }])
  const third = queueEvent(lab, 'sent')
  await advance(lab, MINUTE_MS)
  await third
})

test('messages to one destination use as many connections as are allowed, and what they send is not doubled', async () => {
  const limited = { ...schedule, connections: 2 }
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule: limited })])
  let open = (): void => {}
  gate = new Promise((resolve) => {
    open = resolve
  })
  const sent = queueEvent(lab, 'sent', 6)
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  for (const name of names) await send(lab, { to: [`${name}@example.test`] })
  await expect.poll(() => inData).toBe(2)
  expect(queued(lab).filter(({ state }) => state === 'sending')).toHaveLength(2)
  open()
  await sent
  expect(mostInData).toBe(2)
  expect(recipientsOf().flat().sort()).toEqual(names.map((name) => `${name}@example.test`))
})

test('messages survive a reload that removes their connector, and go on when it is back', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule })])
  refusals.set('carol', 451)
  const deferred = queueEvent(lab, 'deferred')
  await send(lab, { to: ['carol@example.test'] })
  await deferred
  refusals.clear()
  const { config } = lab.lab
  await lab.lab.reload({ ...config, outgoing: { ...config.outgoing, connectors: [] } })
  await advance(lab, 2 * MINUTE_MS)
  expect(queued(lab)).toMatchObject([{ attempts: 1, reason: 'the configuration has no connector Out' }])
  const sent = queueEvent(lab, 'sent')
  await lab.lab.reload(config)
  await sent
})

describe.each(['memory', 'lmdb'] as const)('with the store %s', (kind) => {
  const folder = newFolder()
  const log = pino({ level: 'silent' })
  const memory = new MemoryStore({ clock: systemClock })
  const open = async (): Promise<MessageStore> =>
    kind === 'memory' ? memory : openStore({ lmdb: folder }, { log, clock: systemClock })

  test('a stopped lab goes on after its start: with what waits, what is held, and who has the message', async () => {
    const connectors = [connectorTo(host.port, { schedule })]
    refusals.set('carol', 451).set('held', 451)
    const store = await open()
    {
      await using lab = await startOutgoingLab(connectors, { store })
      const both = queueEvent(lab, 'deferred', 2)
      await send(lab, { to: ['carol@example.test', 'erin@example.test'] })
      await send(lab, { to: ['held@example.test'] })
      await both
      await lab.lab.outgoing.queue.hold(
        queued(lab)
          .slice(1)
          .map(({ id }) => id),
      )
    }
    if (kind === 'lmdb') await store[Symbol.asyncDispose]()
    refusals.clear()
    const again = await open()
    {
      await using lab = await startOutgoingLab(connectors, { store: again })
      expect(queued(lab)).toMatchObject([
        { state: 'deferred', attempts: 1, recipients: [{ kind: 'deferred', code: 451 }, { kind: 'sent' }] },
        { state: 'held' },
      ])
      const sent = queueEvent(lab, 'sent')
      await advance(lab, 2 * MINUTE_MS)
      await sent
      expect(recipientsOf()).toEqual([['erin@example.test'], ['carol@example.test']])
      expect(queued(lab)).toMatchObject([{ state: 'held' }])
    }
    await again[Symbol.asyncDispose]()
  })
})

test('a full store refuses new mail with 452, and what is queued is still sent', async () => {
  const store = new MemoryStore({ clock: systemClock, limits: { octets: 200_000 } })
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule })], { store })
  refusals.set('carol', 451)
  const deferred = queueEvent(lab, 'deferred')
  await send(lab, { to: ['carol@example.test'] })
  await deferred
  const large = `Subject: large\r\n\r\n${'x'.repeat(70)}\r\n`.padEnd(150_000, `${'y'.repeat(70)}\r\n`)
  const replies = []
  for (let i = 0; i < 2; i++) replies.push(await send(lab, { to: ['dave@example.test'], raw: `${large}\r\n` }))
  expect(replies.at(-1)).toMatch(/^452 /)
  refusals.clear()
  const sent = queueEvent(lab, 'sent')
  await lab.lab.outgoing.queue.flush()
  await sent
})

test('a lab that stops lets a message that is being sent end', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port, { schedule })])
  let open = (): void => {}
  gate = new Promise((resolve) => {
    open = resolve
  })
  await send(lab, { to: ['carol@example.test'] })
  await expect.poll(() => inData).toBe(1)
  const sent = queueEvent(lab, 'sent')
  const stopped = lab.stop()
  open()
  await sent
  await stopped
})
