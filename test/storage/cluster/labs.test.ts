import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../../servers/http/client.ts'
import { LineClient } from '../../support/line-client.ts'
import { isLong } from '../../support/long.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'
import { type Host, startHost } from '../../transport/outgoing/client/hosts.ts'

const TOKEN = 'cluster-token-cluster'
const WAIT = { timeout: 60_000, interval: 20 }

/** Two labs of one process are two nodes: they share nothing but the database. */
// In this order: the last tests reset the labs, and end one.
describe.skipIf(!needsPostgres())('two nodes of a lab', { shuffle: false }, () => {
  let host: Host
  let hook: Server
  const events: string[] = []
  let labs: HttpLab[] = []
  const clients: LineClient[] = []

  beforeAll(async () => {
    host = await startHost()
    hook = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      const { type, data } = JSON.parse(body)
      events.push(`${type} ${data.message?.subject ?? ''}`)
      response.writeHead(204).end()
    }).listen(0, '127.0.0.1')
    await once(hook, 'listening')
    const { url, schema } = await freshDatabase()
    const start = (node: string) =>
      HttpLab.start({
        store: { postgres: url, pool: 4 },
        cluster: { name: schema, node },
        directory: { accounts: [{ user: 'alice', password: 'secret' }] },
        access: { tokens: [{ name: 'ci', token: TOKEN }] },
        outgoing: {
          connectors: [
            { name: 'Out', when: 'automatic', smartHost: { host: '127.0.0.1', port: host.port, tls: 'none' } },
            { name: 'By hand', domains: ['hand.test'], smartHost: { host: '127.0.0.1', port: host.port, tls: 'none' } },
            // Nothing listens there.
            {
              name: 'Nowhere',
              when: 'automatic',
              domains: ['nowhere.test'],
              smartHost: { host: '127.0.0.1', port: 1 },
            },
          ],
        },
        webhooks: [
          {
            url: `http://127.0.0.1:${(hook.address() as AddressInfo).port}/`,
            events: ['message.received', 'lab.reset'],
            secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAAAAAA',
          },
        ],
        virtualServers: [{ protocol: 'smtp' }, { protocol: 'pop3' }, { protocol: 'http' }],
      })
    labs = [await start('one'), await start('two')]
  })
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
  })
  afterAll(async () => {
    for (const lab of labs.toReversed()) await lab[Symbol.asyncDispose]()
    await host?.[Symbol.asyncDispose]()
    hook?.close()
  })

  const lab = (at: number): HttpLab => labs[at] as HttpLab
  const call = async (at: number, path: string, json?: object) =>
    (await lab(at).request(path, { headers: bearer(TOKEN), ...(json && { json }) })).body
  const portOf = (at: number, protocol: 'smtp' | 'pop3'): number => lab(at).lab.server(protocol).port ?? 0

  async function send(at: number, to: string, subject: string): Promise<string> {
    const sender = await SmtpSender.open(portOf(at, 'smtp'))
    const reply = await sender.send(`Subject: ${subject}\r\n\r\nHello\r\n`, { from: 'alice@lab.test', to: [to] })
    sender.close()
    return reply
  }

  async function pop3(at: number): Promise<{ readonly client: LineClient; readonly reply: string | undefined }> {
    const client = await LineClient.open(portOf(at, 'pop3'))
    clients.push(client)
    await client.line()
    client.send('USER alice\r\nPASS secret\r\n')
    await client.line()
    return { client, reply: await client.line() }
  }

  /** Returns the index of the node that does the work of a role. */
  async function leaderOf(role: string): Promise<number> {
    const leader = async (): Promise<string | undefined> =>
      (await call(0, 'cluster')).nodes.find(({ roles }: { roles: string[] }) => roles.includes(role))?.name
    await expect.poll(leader, WAIT).toBeDefined()
    return (await leader()) === 'one' ? 0 : 1
  }

  it('are listed by both, with the work that each does', async () => {
    await expect.poll(async () => (await call(1, 'cluster')).unled, WAIT).toEqual([])
    const { shared, node, nodes } = await call(1, 'cluster')
    expect([shared, node]).toEqual([true, 'two'])
    expect(nodes).toMatchObject([
      { name: 'one', state: 'ready', addresses: [expect.stringMatching(/^127\.0\.0\.1:\d+$/)] },
      { name: 'two', state: 'ready' },
    ])
    const work = nodes.flatMap(({ roles }: { roles: string[] }) => roles).sort()
    expect(work).toEqual([
      'acme',
      'daily-reports',
      'feeds',
      'jmap-push',
      'outgoing',
      'reports',
      'retention',
      'webhooks',
    ])
    expect((await call(0, 'health')).cluster).toEqual({ ok: true, ready: 2, lost: [], unled: [] })
  })

  it('list the sessions of both, and read each from the other', async () => {
    await send(0, 'alice@lab.test', 'to one')
    await send(1, 'alice@lab.test', 'to two')
    const ofClients = 'sessions?protocol=smtp&direction=in'
    const list = async (at: number) => (await call(at, ofClients)).items
    await expect.poll(async () => (await list(0)).length, WAIT).toBe(2)
    const items: { id: string; node: string }[] = await list(1)
    expect(items.map(({ node }) => node)).toEqual(['two', 'one'])
    const [two = '', one = ''] = items.map(({ id }) => id)
    expect([two, one]).toEqual([expect.stringMatching(/^smtp-\d+~two$/), expect.stringMatching(/^smtp-\d+~one$/)])
    const first = await call(0, `${ofClients}&limit=1`)
    expect(first).toMatchObject({ total: 2, items: [{ node: 'two' }] })
    const second = await call(1, `${ofClients}&limit=1&cursor=${first.next}`)
    expect(second).toMatchObject({ next: null, items: [{ node: 'one' }] })
    expect(await call(1, `sessions/${one}?format=text`)).toMatch(/^\S+ smtp-\d+~one, [^]*C: MAIL FROM/)
    expect(await call(0, `sessions/${two}/handshake`)).toMatchObject({ session: two, outcome: 'none' })
    expect(await call(0, 'sessions/smtp-9999~two')).toMatchObject({ status: 404 })
    expect((await call(0, 'sessions/smtp-9~three')).detail).toContain('the node three does not run')
  })

  it('let one session at a time open a maildrop. RFC 1939 section 4, RFC 2449 section 8.1.2', async () => {
    const { client, reply } = await pop3(0)
    expect(reply).toMatch(/^\+OK/)
    expect((await pop3(1)).reply).toMatch(/^-ERR \[IN-USE\] /)
    client.send('QUIT\r\n')
    expect(await client.line()).toMatch(/^\+OK/)
    // The reply to QUIT says that the maildrop is unlocked.
    expect((await pop3(1)).reply).toMatch(/^\+OK/)
  })

  it('tell together what happened to a message', async () => {
    await send(0, 'alice@lab.test', 'a history')
    const [{ id }] = (await call(1, 'messages?query=subject:%22a%20history%22')).items
    const { client } = await pop3(1)
    client.send('LIST\r\n')
    const rows = await client.lines((line) => line === '.')
    client.send(`RETR ${rows.length - 2}\r\nQUIT\r\n`)
    await client.rest()
    const happened = async (at: number) =>
      (await call(at, `messages/${id}/history`)).items.map(({ event, session }: { event: string; session: string }) => [
        event,
        session?.replace(/-\d+/, '-N'),
      ])
    const expected = [
      ['delivered', 'smtp-N~one'],
      ['read', 'pop3-N~two'],
    ]
    await expect.poll(() => happened(0), WAIT).toEqual(expected)
    expect(await happened(1)).toEqual(expected)
  })

  it('send mail once, whichever accepts it, and change the queue on either', async () => {
    const leader = await leaderOf('outgoing')
    const follower = 1 - leader
    expect(await send(follower, 'carol@example.test', 'out')).toMatch(/^250 /)
    await expect.poll(() => host.received.length, WAIT).toBe(1)
    await expect.poll(async () => (await call(leader, 'queue')).total, WAIT).toBe(0)
    await expect.poll(() => lab(follower).lab.queue().length, WAIT).toBe(0)
    expect(await call(follower, 'connectors/out')).toMatchObject({ name: 'Out' })
    expect(host.received).toHaveLength(1)
    await send(follower, 'carol@nowhere.test', 'later')
    const states = async (at: number) => (await call(at, 'queue')).items.map(({ state }: { state: string }) => state)
    await expect.poll(() => states(follower), WAIT).toEqual(['deferred'])
    expect(await call(follower, 'queue/hold', { all: true })).toEqual({ messages: 1 })
    expect(await states(leader)).toEqual(['held'])
    // The other node knows what the leader has written down, should it take over.
    await expect
      .poll(
        () =>
          lab(follower)
            .lab.queue()
            .map(({ state }) => state),
        WAIT,
      )
      .toEqual(['held'])
    expect(await call(follower, 'queue/delete', { all: true })).toEqual({ messages: 1 })
    await expect.poll(() => states(leader), WAIT).toEqual([])
    await send(follower, 'dan@hand.test', 'by hand')
    const [captured] = (await call(follower, 'messages?query=subject:%22by%20hand%22')).items
    const released = await call(follower, `messages/${captured.id}/release`, { to: ['dan@hand.test'] })
    expect(released.deliveries).toMatchObject([{ connector: 'By hand', queueId: expect.any(String) }])
    await expect.poll(() => host.received.length, WAIT).toBe(2)
  })

  it('tell webhooks of each message once', async () => {
    await send(0, 'alice@lab.test', 'hook one')
    await send(1, 'alice@lab.test', 'hook two')
    const told = () => events.filter((one) => one.includes('hook')).sort()
    await expect.poll(told, WAIT).toEqual(['message.received hook one', 'message.received hook two'])
    const follower = 1 - (await leaderOf('webhooks'))
    expect((await call(follower, 'webhooks/deliveries')).total).toBe(
      (await call(1 - follower, 'webhooks/deliveries')).total,
    )
  })

  it.skipIf(!isLong)('send the reports that either has scheduled', async () => {
    const follower = 1 - (await leaderOf('reports'))
    const reports = async () => (await call(0, 'messages?query=subject:undelivered')).total
    await send(follower, 'bounce+550@lab.test', 'please bounce')
    await expect.poll(reports, WAIT).toBe(1)
  })

  it('forget their sessions when either is reset', async () => {
    await call(0, 'reset', {})
    // Connections that are kept for further messages stay, and their records begin again.
    const { items } = await call(0, 'sessions?protocol=smtp')
    expect(items.filter((one: { resetAt?: string }) => one.resetAt === undefined)).toEqual([])
    expect((await call(1, 'messages')).items).toEqual([])
    await expect.poll(() => events.filter((one) => one.startsWith('lab.reset')).length, WAIT).toBe(1)
  })

  it('take over the work of the other when it ends', async () => {
    const leader = await leaderOf('outgoing')
    const [left] = labs.splice(1 - leader, 1, lab(1 - leader))
    if (!left) throw new Error('no node is left')
    host.received.length = 0
    await lab(leader)[Symbol.asyncDispose]()
    labs = [left]
    expect(await send(0, 'carol@example.test', 'after')).toMatch(/^250 /)
    await expect.poll(() => host.received.length, WAIT).toBe(1)
    await expect.poll(async () => (await call(0, 'cluster')).unled, WAIT).toEqual([])
    const { nodes } = await call(0, 'cluster')
    expect(nodes.map(({ state }: { state: string }) => state).sort()).toEqual(['gone', 'ready'])
  })
})
