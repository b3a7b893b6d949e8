import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { describeTranscript } from '../../../src/core/sessions/describe.ts'
import type { SessionRecord } from '../../../src/core/sessions/types.ts'
import { OutgoingRefused } from '../../../src/transport/outgoing/types.ts'
import type { MailLab } from '../../support/mail-lab.ts'
import { type Host, startHost } from './client/hosts.ts'
import { connectorTo, queued, queueEvent, send, startOutgoingLab } from './support.ts'

const raw = (...fields: string[]): string => `${fields.map((field) => `${field}\r\n`).join('')}\r\nbody\r\n`

const host = await startHost()
const other = await startHost()
afterAll(async () => {
  await host[Symbol.asyncDispose]()
  await other[Symbol.asyncDispose]()
})
beforeEach(() => {
  host.received.length = 0
  other.received.length = 0
})

/** Returns the recipients that a host got, in order. */
const recipientsOf = ({ received }: Host): string[] => received.flatMap(({ to }) => to.map(({ address }) => address))

test('an automatic connector sends mail for other domains in one transaction, and the lab keeps a copy', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port)])
  const sent = queueEvent(lab, 'sent')
  expect(await send(lab, { to: ['carol@example.test', 'dave@elsewhere.test', 'bob@lab.test'] })).toMatch(/^250 /)
  await sent
  expect(recipientsOf(host)).toEqual(['carol@example.test', 'dave@elsewhere.test'])
  expect(host.received).toHaveLength(1)
  // RFC 5321 section 4.4: only the last server adds a Return-Path.
  expect(host.received[0]?.raw).toMatch(/^Received: from client\.test/)
  expect(host.received[0]?.raw).toContain('Subject: hello\r\n\r\nbody\r\n')
  expect(await lab.inbox(undefined)).toHaveLength(2)
  expect(await lab.inbox('bob')).toHaveLength(1)
  expect(queued(lab)).toEqual([])
})

test.each([
  ['no connector', []],
  ['when: release', [connectorTo(1, { when: 'release' })]],
  ['when: never', [connectorTo(1, { when: 'never' })]],
  ['another domain', [connectorTo(1, { domains: ['example.com'] })]],
  ['a denied recipient', [connectorTo(1, { deny: ['*@example.test'], keepCopy: false })]],
  ['a recipient that is not allowed', [connectorTo(1, { allow: ['dev@example.test'], keepCopy: false })]],
])('with %s, mail is captured and nothing is queued', async (_, connectors) => {
  await using lab = await startOutgoingLab(connectors)
  expect(await send(lab, { to: ['carol@example.test'] })).toMatch(/^250 /)
  expect(await lab.inbox(undefined)).toHaveLength(1)
  expect(queued(lab)).toEqual([])
})

test('a message that has come back to the lab again and again is kept, and the session names its path', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port)], { config: { hostname: 'mail.lab.test' } })
  const hop = (by: string): string =>
    `Received: from x (x [192.0.2.1])\r\n\tby ${by} with ESMTP;\r\n\tTue, 1 Dec 2026 12:00:00 +0000`
  const round = [hop('relay.test'), hop('Mail.Lab.test')]
  const sent = queueEvent(lab, 'sent')
  await send(lab, { to: ['carol@example.test'], raw: raw(...Array(4).fill(round).flat(), 'Subject: fourth') })
  await sent
  await send(lab, { to: ['carol@example.test'], raw: raw(...Array(5).fill(round).flat(), 'Subject: fifth') })
  expect(queued(lab)).toEqual([])
  expect(recipientsOf(host)).toEqual(['carol@example.test'])
  expect(describeTranscript(lab.lab.sessionLog.list().at(-1) as SessionRecord).join()).toContain(
    'the message is in a loop and is not sent on: mail.lab.test → relay.test → mail.lab.test',
  )
})

test('keepCopy: false keeps no copy', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port, { keepCopy: false })])
  const sent = queueEvent(lab, 'sent')
  await send(lab, { to: ['carol@example.test'] })
  await sent
  expect(recipientsOf(host)).toEqual(['carol@example.test'])
  expect(await lab.inbox(undefined)).toEqual([])
})

test('mail for the lab itself and for newsgroups stays in the lab', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port)], {
    config: { newsgroups: [{ name: 'lab.talk', addresses: ['talk@lists.test'] }], directory: { unknown: 'capture' } },
  })
  await send(lab, {
    to: ['bob@lab.test', 'nobody@lab.test', 'talk@lists.test'],
    raw: raw('From: alice@lab.test', 'Subject: x', 'Message-ID: <1@lab.test>'),
  })
  expect(queued(lab)).toEqual([])
  expect(await lab.inbox('bob')).toHaveLength(1)
})

test('the most specific domain decides', async () => {
  await using lab = await startOutgoingLab([
    connectorTo(1, { name: 'All', when: 'release' }),
    connectorTo(1, { name: 'Below', domains: ['*.example.test'], when: 'release' }),
    connectorTo(host.port, { name: 'Exact', domains: ['EU.example.test'] }),
    connectorTo(other.port, { name: 'Far below', domains: ['*.eu.example.test'] }),
  ])
  const sent = queueEvent(lab, 'sent', 2)
  await send(lab, {
    to: ['a@x.test', 'b@us.example.test', 'c@eu.Example.test', 'd@de.eu.example.test', 'e@example.test'],
  })
  await sent
  expect(recipientsOf(host)).toEqual(['c@eu.Example.test'])
  expect(recipientsOf(other)).toEqual(['d@de.eu.example.test'])
})

describe('filters', () => {
  let lab: MailLab
  beforeAll(async () => {
    const filtered = {
      from: { from: ['*@shop.test'] },
      to: { to: ['vip-*@example.test'] },
      header: { header: { Subject: 'Order *', 'X-Kind': '*test*' } },
      account: { account: ['Alice'] },
    }
    lab = await startOutgoingLab([
      ...Object.entries(filtered).map(([name, filters]) => connectorTo(host.port, { name, filters })),
      connectorTo(other.port, { name: 'Rest' }),
    ])
  })
  afterAll(() => lab[Symbol.asyncDispose]())

  test.each([
    ['from', { from: 'Sales@Shop.test' }],
    ['to', { to: ['VIP-1@example.test'] }],
    ['header, decoded', { raw: raw('Subject: =?utf-8?q?Order_7?=', 'X-Kind: a test of it') }],
    ['account', { logOn: true }],
  ])('%s', async (_, mail) => {
    const sent = queueEvent(lab, 'sent')
    expect(await send(lab, { to: ['carol@example.test'], ...mail })).toMatch(/^250 /)
    await sent
    expect(host.received).toHaveLength(1)
    expect(other.received).toEqual([])
  })

  test.each([
    ['another sender', { from: 'sales@shop.test.evil.test' }],
    ['the null reverse-path', { from: '' }],
    ['one of two header fields', { raw: raw('Subject: Order 7') }],
    ['a header field of the body', { raw: `${raw('X: y')}Subject: Order 7\r\nX-Kind: test\r\n` }],
  ])('%s goes to the next connector', async (_, mail) => {
    const sent = queueEvent(lab, 'sent')
    await send(lab, { to: ['carol@example.test'], ...mail })
    await sent
    expect(other.received).toHaveLength(1)
    expect(host.received).toEqual([])
  })
})

test('relay: deny refuses strangers, and lets clients that have logged on through to connectors', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port, { domains: ['example.test'] })], {
    server: { relay: 'deny', authentication: ['anonymous', 'basic'] },
  })
  expect(await send(lab, { to: ['carol@example.test'] })).toMatch(/^550 5\.7\.1/)
  const sent = queueEvent(lab, 'sent')
  expect(await send(lab, { to: ['carol@example.test', 'dave@elsewhere.test'], logOn: true })).toMatch(/^250 /)
  await sent
  expect(recipientsOf(host)).toEqual(['carol@example.test'])
  expect((await lab.inbox(undefined)).map(({ entry }) => entry.envelope?.rcptTo)).toHaveLength(2)
})

test('rewrite replaces recipients and sender, and names the recipients in a field', async () => {
  const rewrite = { to: 'dev@safe.test', from: 'lab@safe.test' }
  await using lab = await startOutgoingLab([connectorTo(host.port, { rewrite, allow: ['*@safe.test'] })])
  const sent = queueEvent(lab, 'sent')
  await send(lab, { to: ['carol@example.test', 'dave@elsewhere.test'] })
  await sent
  expect(host.received).toMatchObject([{ from: 'lab@safe.test', to: [{ address: 'dev@safe.test' }] }])
  expect(host.received[0]?.raw).toMatch(
    /^X-Sealpost-Original-To: carol@example\.test,\r\n\tdave@elsewhere\.test\r\nReceived: /,
  )
})

test('other hosts do not see Bcc', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port)])
  const sent = queueEvent(lab, 'sent')
  await send(lab, { to: ['carol@example.test'], raw: raw('Bcc: carol@example.test', 'Subject: hush') })
  await sent
  expect(host.received[0]?.raw).not.toContain('Bcc')
  expect((await lab.inbox(undefined))[0]?.raw).toContain('Bcc: carol@example.test')
})

test('lab.deliver sends, too', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port)])
  const sent = queueEvent(lab, 'sent')
  const copies = await lab.lab.deliver({
    from: 'a@lab.test',
    to: ['carol@example.test'],
    raw: Buffer.from(raw('A: b')),
  })
  await sent
  expect(copies.map(({ folder }) => folder.owner)).toEqual(['captured:'])
  expect(recipientsOf(host)).toEqual(['carol@example.test'])
})

describe('release', () => {
  let lab: MailLab
  beforeAll(async () => {
    lab = await startOutgoingLab([
      connectorTo(other.port, { name: 'Never', domains: ['never.test'], when: 'never' }),
      connectorTo(host.port, { name: 'Out', domains: ['*.test'], when: 'release', deny: ['boss@*'] }),
    ])
  })
  afterAll(() => lab[Symbol.asyncDispose]())

  const add = (to: string, connector?: string) =>
    lab.lab.outgoing.queue.add({
      raw: Buffer.from(`Return-Path: <x@y.test>\r\n${raw('Subject: kept')}`),
      envelope: { mailFrom: 'alice@lab.test', recipients: [{ address: to }] },
      ...(connector !== undefined && { connector }),
    })

  test('sends a message on request', async () => {
    const sent = queueEvent(lab, 'sent')
    const [entry] = await add('carol@example.test')
    expect(entry).toMatchObject({
      connector: 'Out',
      destination: `127.0.0.1:${host.port}`,
      mailFrom: 'alice@lab.test',
      subject: 'kept',
      attempts: 0,
      recipients: [{ address: 'carol@example.test', kind: 'waiting' }],
    })
    await sent
    expect(host.received[0]?.raw).toBe(raw('Subject: kept'))
  })

  test('sends to an address of the lab only by a named connector', async () => {
    await expect(add('bob@lab.test')).rejects.toThrow('bob@lab.test is an address of the lab itself')
    const sent = queueEvent(lab, 'sent')
    await add('bob@lab.test', 'out')
    await sent
    expect(recipientsOf(host)).toEqual(['bob@lab.test'])
  })

  test.each([
    ['boss@example.test', undefined, 'the connector Out sends nothing to boss@example.test (deny: boss@*)'],
    ['a@never.test', undefined, 'the connector Never sends no mail (when: never)'],
    ['a@example.com', undefined, 'no connector takes mail for a@example.com'],
    ['a@example.test', 'Other', 'the configuration has no connector Other'],
  ])('of mail for %s by %s is refused', async (to, connector, why) => {
    const refused = add(to, connector)
    await expect(refused).rejects.toThrow(OutgoingRefused)
    await expect(refused).rejects.toThrow(why)
    expect(queued(lab)).toEqual([])
  })
})

test('forward rules send further copies of mail for mailboxes of the lab', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port, { when: 'release' })], {
    config: {
      forwardRules: [
        { filters: { to: ['bob@lab.test'], header: { Subject: '*urgent*' } }, to: ['dev@example.test'] },
        {
          filters: { to: ['*@lab.test'], header: { Subject: '*urgent*' } },
          to: ['DEV@example.test', 'ops@example.test'],
        },
      ],
    },
  })
  await send(lab, { to: ['bob@lab.test'], raw: raw('Subject: later') })
  await send(lab, { to: ['carol@example.test'], raw: raw('Subject: urgent') })
  const sent = queueEvent(lab, 'sent')
  await send(lab, { to: ['bob@lab.test', 'alice@lab.test'], raw: raw('Subject: Urgent!') })
  await sent
  expect(recipientsOf(host).map((address) => address.toLowerCase())).toEqual(['dev@example.test', 'ops@example.test'])
  expect(await lab.inbox('bob')).toHaveLength(2)
})

test('forward rules send nothing by a connector with when: never', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port, { when: 'never' })], {
    config: { forwardRules: [{ filters: { to: ['bob@lab.test'] }, to: ['dev@example.test'] }] },
  })
  expect(await send(lab, { to: ['bob@lab.test'] })).toMatch(/^250 /)
  expect(await lab.inbox('bob')).toHaveLength(1)
  expect(queued(lab)).toEqual([])
  expect(host.received).toEqual([])
})

test('a message that runs in a circle is captured, not sent', async () => {
  await using lab = await startOutgoingLab([connectorTo(host.port)])
  // RFC 5321 section 6.3
  const hops = (count: number) => Array.from({ length: count }, (_, hop) => `Received: from ${hop}.test by x.test`)
  const sent = queueEvent(lab, 'sent')
  await send(lab, { to: ['carol@example.test'], raw: raw(...hops(100), 'Subject: circle') })
  await send(lab, { to: ['carol@example.test'], raw: raw(...hops(98), 'Subject: long way') })
  await sent
  expect(host.received).toMatchObject([{ raw: expect.stringContaining('long way') }])
  expect(queued(lab)).toEqual([])
  expect(await lab.inbox(undefined)).toHaveLength(2)
})

test.each([
  ['the connector for the domain', {}],
  ['a connector by name', { connector: 'Partner' }],
])('a message that runs in a circle is not forwarded by %s', async (_, more) => {
  await using lab = await startOutgoingLab([connectorTo(1, { name: 'Partner' })], {
    config: { forwardRules: [{ filters: { to: ['bob@lab.test'] }, to: ['dev@example.test'], ...more }] },
  })
  // RFC 5321 section 6.3
  const received = Array.from({ length: 100 }, (_, hop) => `Received: from ${hop}.test by ${hop + 1}.test`)
  expect(await send(lab, { to: ['bob@lab.test'], raw: raw(...received, 'Subject: x') })).toMatch(/^250 /)
  expect(await lab.inbox('bob')).toHaveLength(1)
  expect(queued(lab)).toEqual([])
})
