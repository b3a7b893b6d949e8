import { createTransport } from 'nodemailer'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startHost } from '../../transport/outgoing/client/hosts.ts'
import { type Answer, basic, bearer, HttpLab } from './client.ts'
import { EventReader } from './event-reader.ts'

/** The first attempt loads the client, which takes a while on a busy machine. */
const LONG = { timeout: 15_000 }

const CI = 'ci-token-ci-token'
const WATCHER = 'watcher-token-watcher'
const TENANT = 'tenant-token-tenant'
const NAME = 'Default SMTP Connector'
/** The next host's reply to RCPT for an address; absent: 250. */
const refusals = new Map<string, [code: number, text: string]>()

const host = await startHost({
  onRcptTo({ address }, _session, done) {
    const [responseCode, text] = refusals.get(address) ?? []
    done(text === undefined ? null : Object.assign(new Error(text), { responseCode }))
  },
})
const http = await HttpLab.start({
  directory: { accounts: ['alice', 'root'].map((user) => ({ user, password: 'secret' })) },
  access: {
    administrators: ['root'],
    tokens: [
      { name: 'ci', token: CI },
      { name: 'watcher', role: 'reader', token: WATCHER },
      { name: 'one', role: 'tenant', token: TENANT },
    ],
  },
  outgoing: {
    connectors: [
      {
        name: NAME,
        smartHost: { host: '127.0.0.1', port: host.port, tls: 'none' },
        deny: ['ceo@*'],
        schedule: { retry: ['1h'] },
      },
      {
        name: 'Developers',
        domains: ['dev.test'],
        smartHost: { host: '127.0.0.1', port: host.port, tls: 'none' },
        rewrite: { to: 'safe@dev.test', from: 'lab@dev.test' },
        when: 'automatic',
      },
      { name: 'Closed', domains: ['closed.test'], smartHost: { host: '127.0.0.1', port: 9 }, when: 'never' },
      // Nothing listens there.
      { name: 'Nowhere', domains: ['nowhere.test'], smartHost: { host: '127.0.0.1', port: 1 } },
    ],
  },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'http', authentication: ['basic'], limits: { failedLogonDelay: '1ms' } },
  ],
})
afterAll(async () => {
  await http?.[Symbol.asyncDispose]()
  await host?.[Symbol.asyncDispose]()
})
beforeEach(async () => {
  refusals.clear()
  await call('reset', {})
})

const call = (path: string, json?: object, headers = bearer(CI)): Promise<Answer> =>
  http.request(path, { headers, ...(json === undefined ? {} : { json }) })

/** Sends mail to the lab, which captures it. Returns its id. */
async function captured(to: string | string[], more: object = {}): Promise<string> {
  const from = 'alice@lab.test'
  await createTransport(http.lab.nodemailer()).sendMail({ from, to, subject: 'Your code', text: '123456', ...more })
  return (await call('messages?limit=1')).body.items[0].id
}

describe('a released message', () => {
  it('is sent without its Return-Path and Bcc, and stays in the lab', async () => {
    // As it is, because nodemailer leaves Bcc out of the messages that it writes.
    const fields = ['From: alice@lab.test', 'Bcc: auditor@other.test', 'Resent-Bcc: second@other.test', 'Subject: Hush']
    const raw = `${fields.join('\r\n')}\r\n\r\n123456\r\n`
    const id = await captured('customer@example.test', {
      envelope: { from: 'alice@lab.test', to: 'customer@example.test' },
      raw,
    })
    expect((await call(`messages/${id}/raw`)).body).toMatch(/^Return-Path: [^]*^Bcc: auditor@[^]*^Resent-Bcc: second@/m)
    const { status, body } = await call(`messages/${id}/release`, { to: ['customer@example.test'] })
    expect([status, body]).toMatchObject([
      200,
      {
        id,
        from: 'alice@lab.test',
        to: ['customer@example.test'],
        deliveries: [{ connector: NAME, destination: `127.0.0.1:${host.port}`, queueId: expect.any(String) }],
      },
    ])
    const sent = await http.lab.waitForSent('customer@example.test', LONG)
    expect(sent.recipients).toMatchObject([{ kind: 'sent', text: expect.stringContaining('queued') }])
    const received = host.received.at(-1)
    expect(received).toMatchObject({ from: 'alice@lab.test', to: [{ address: 'customer@example.test' }] })
    expect(received?.raw).toMatch(/^Received: /)
    expect(received?.raw).not.toMatch(/^(?:Return-Path|(?:Resent-)?Bcc):/im)
    expect((await call(`messages/${id}`)).status).toBe(200)
    expect((await call(`sessions/${sent.lastSession}`)).body).toMatchObject({ direction: 'out', protocol: 'smtp' })
    const directions = async (direction: string): Promise<unknown[]> =>
      (await call(`sessions?direction=${direction}`)).body.items.map((one: { direction?: string }) => one.direction)
    expect(new Set(await directions('out'))).toEqual(new Set(['out']))
    expect(new Set(await directions('in'))).toEqual(new Set([undefined]))
    expect((await call(`sessions/${sent.lastSession}/handshake`)).body).toMatchObject({
      outcome: 'none',
      explanation: 'the session did not use TLS',
    })
  })

  it('goes to the recipients outside the lab unless others are named', async () => {
    const id = await captured(['alice@lab.test', 'b@example.test', 'c@dev.test'])
    const { body } = await call(`messages/${id}/release`, { dryRun: true })
    expect(body).toMatchObject({
      to: ['b@example.test', 'c@dev.test'],
      deliveries: [
        { connector: NAME, recipients: ['b@example.test'], mailFrom: 'alice@lab.test', queueId: null },
        { connector: 'Developers', recipients: ['safe@dev.test'], mailFrom: 'lab@dev.test', queueId: null },
      ],
    })
  })

  it.each([
    ['ceo@example.test', /deny: ceo@\*/],
    ['x@closed.test', /when: never/],
    ['alice@lab.test', /address of the lab itself/],
  ])('is refused for %s with the rule', async (to, why) => {
    const id = await captured('customer@example.test')
    const { status, body } = await call(`messages/${id}/release`, { to: [to] })
    expect([status, body.detail, body.recipient]).toEqual([409, expect.stringMatching(why), to])
    expect((await call('queue')).body.total).toBe(0)
  })

  it('is refused for a connector that does not exist, and for what is not an address', async () => {
    const id = await captured('customer@example.test')
    expect((await call(`messages/${id}/release`, { connector: 'Other' })).body.detail).toContain('no connector Other')
    expect((await call(`messages/${id}/release`, { to: ['dev'] })).status).toBe(422)
    expect((await call('messages/1.1/release', {})).status).toBe(404)
  })
})

it('releases a search: each message once, and the others although one is refused', async () => {
  await captured('one@example.test', { subject: 'Invoice 1' })
  await captured('ceo@example.test', { subject: 'Invoice 2' })
  await captured('two@example.test', { subject: 'Invoice 3' })
  const { body } = await call('messages/release', { query: 'subject:invoice' })
  expect(body).toMatchObject({ released: [{}, {}], refused: [{ detail: expect.stringContaining('deny') }] })
  for (const to of ['one@example.test', 'two@example.test']) await http.lab.waitForSent(to, LONG)
  expect((await call('messages/release', {})).status).toBe(422)
  expect((await call('messages/release', { ids: ['lost-1'] })).status).toBe(404)
})

describe('the queue', () => {
  /** Releases a message that the next host defers. */
  async function deferred(to: string): Promise<string> {
    refusals.set(to, [451, 'Greylisted'])
    const id = await captured(to)
    await call(`messages/${id}/release`, { to: [to] })
    return (await http.lab.waitForDeferred(to, LONG)).id
  }

  it('shows the last reply, and is filtered, flushed, held and emptied', async () => {
    const id = await deferred('later@example.test')
    const found = (await call('queue?state=deferred&recipient=LATER')).body
    expect(found).toMatchObject({
      total: 1,
      items: [
        {
          id,
          connector: NAME,
          state: 'deferred',
          attempts: 1,
          subject: 'Your code',
          mailFrom: 'alice@lab.test',
          nextAttemptAt: expect.any(String),
          recipients: [{ kind: 'deferred', code: 451, text: expect.stringContaining('Greylisted') }],
        },
      ],
    })
    expect((await call('queue?sender=nobody')).body.total).toBe(0)
    expect((await call(`queue/${id}`)).body).toMatchObject({ id })
    expect((await call('queue/none')).status).toBe(404)

    expect((await call('queue/hold', { ids: [id, 'none'] })).body).toEqual({ messages: 1 })
    expect((await call(`queue/${id}`)).body).toMatchObject({ state: 'held', nextAttemptAt: null })
    expect((await call('queue/unhold', { state: 'held' })).body).toEqual({ messages: 1 })
    await http.lab.waitForDeferred('later@example.test', LONG)
    refusals.clear()
    expect((await call('queue/flush', { all: true })).body).toEqual({ messages: 1 })
    await http.lab.waitForSent('later@example.test', LONG)
    expect((await call('queue')).body.total).toBe(0)
    expect((await call('queue/flush', {})).status).toBe(422)
    expect((await call('queue/delete', { ids: ['none'], state: 'held' })).status).toBe(422)
  })

  it('returns a message to its sender on demand, and deletes one without a report', async () => {
    const [returned, deleted] = [await deferred('one@example.test'), await deferred('two@example.test')]
    refusals.clear()
    expect((await call('queue/delete', { ids: [deleted] })).body).toEqual({ messages: 1 })
    expect((await call('queue/bounce', { ids: [returned] })).body).toEqual({ messages: 1 })
    expect(await http.lab.waitForFailed('one@example.test', LONG)).toMatchObject({ id: returned })
    const report = await http.lab.waitForMessage({ from: 'postmaster', text: 'one@example.test' })
    expect(report.envelope).toEqual({ from: '', to: ['alice@lab.test'] })
    expect((await call('queue')).body.total).toBe(0)
  })
})

describe('connectors', () => {
  it('have counts, the last error and no secrets', async () => {
    refusals.set('no@example.test', [550, 'No such user'])
    const id = await captured('no@example.test')
    const before = (await call('connectors/default-smtp-connector')).body
    await call(`messages/${id}/release`, {})
    const { lastSession } = await http.lab.waitForFailed('no@example.test', LONG)
    const { items } = (await call('connectors')).body
    expect(items.map(({ id }: { id: string }) => id)).toEqual([
      'default-smtp-connector',
      'developers',
      'closed',
      'nowhere',
    ])
    expect(items[0]).toMatchObject({
      failed: before.failed + 1,
      queued: before.queued + 1,
      lastError: { text: expect.stringContaining('No such user'), session: lastSession },
    })
    expect((await call(`connectors/${encodeURIComponent(NAME)}`)).body).toMatchObject({ name: NAME })
    expect((await call('connectors/other')).body.detail).toContain('default-smtp-connector')
  })

  it('are tested without mail', async () => {
    const count = host.received.length
    const { body } = await call('connectors/default-smtp-connector/test', {})
    expect(body).toMatchObject({ ok: true, host: '127.0.0.1', port: host.port, session: expect.any(String) })
    expect(body.steps.map(({ step }: { step: string }) => step)).toEqual(['connect', 'EHLO', 'STARTTLS', 'QUIT'])
    expect(host.received).toHaveLength(count)
    const failed = (await call('connectors/nowhere/test', {})).body
    expect(failed).toMatchObject({
      ok: false,
      steps: [{ step: 'connect', ok: false, text: expect.stringContaining('ECONNREFUSED') }],
    })
  })
})

it('reports what becomes of mail as events and metrics, to those who see the lab', async () => {
  const events = await EventReader.open(http, 'types=queue', bearer(WATCHER))
  await captured('someone@dev.test')
  for (const name of ['queue.queued', 'queue.changed', 'queue.sent']) {
    expect((await events.next(name)).queue.connector).toBe('Developers')
  }
  events.close()
  const metrics = (await http.request('/metrics', { headers: bearer(WATCHER) })).body
  expect(metrics).toMatch(/^sealpost_outgoing_attempts_total\{connector="Developers",result="sent"\} [1-9]/m)
  expect(metrics).toContain('sealpost_outgoing_queue_messages{connector="Developers",state="waiting"} 0')
})

describe('other APIs', () => {
  it('Mailpit releases by the connectors', async () => {
    const id = await captured('customer@example.test')
    const path = `/mailpit/api/v1/message/${id}/release`
    const released = await call(path, { To: ['one@example.test', 'two@example.test'] })
    expect([released.status, released.body]).toEqual([200, 'ok'])
    const { recipients } = await http.lab.waitForSent('one@example.test', LONG)
    expect(recipients).toHaveLength(2)
    expect((await call(path, { To: ['ceo@example.test'] })).status).toBe(409)
    expect((await call('/mailpit/api/v1/webui')).body.MessageRelay).toMatchObject({
      Enabled: true,
      SMTPServer: `127.0.0.1:${host.port}`,
      BlockedRecipients: 'ceo@*',
    })
  })

  it('MailHog releases to the hosts of the connectors only', async () => {
    const id = await captured('customer@example.test')
    const path = `/mailhog/api/v1/messages/${id}/release`
    const at = { Host: '127.0.0.1', Port: `${host.port}` }
    expect((await call(path, { Email: 'mh@example.test', ...at })).status).toBe(200)
    await http.lab.waitForSent('mh@example.test', LONG)
    expect((await call(path, { Name: 'Developers', Email: 'mh@example.test' })).status).toBe(200)
    await http.lab.waitForSent({ to: 'safe@dev.test', connector: 'Developers' }, LONG)
    const elsewhere = await call(path, { Email: 'mh@example.test', Host: 'mail.example.test', Port: '25' })
    expect([elsewhere.status, elsewhere.body.detail]).toEqual([
      409,
      expect.stringContaining('no mail to mail.example.test:25'),
    ])
    // npm's mailhog sends no content type. A page does not get through this way.
    const untyped = (headers: Record<string, string>) =>
      http.request(path, {
        method: 'POST',
        headers: { ...basic('root', 'secret'), ...headers },
        body: Buffer.from(JSON.stringify({ Email: 'mh@example.test', ...at })),
      })
    expect((await untyped({})).status).toBe(200)
    expect((await untyped({ origin: 'http://evil.test' })).status).toBe(403)
    expect((await untyped({ 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await call('/mailhog/api/v2/outgoing-smtp')).body).toMatchObject({ [NAME]: at })
  })
})
