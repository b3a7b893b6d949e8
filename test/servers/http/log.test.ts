import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { type Answer, basic, bearer, HttpLab } from './client.ts'
import { EventReader } from './event-reader.ts'

const [admin, reader, tenant] = ['admin', 'reader', 'tenant'].map((one) => `${one}-`.repeat(4)) as [
  string,
  string,
  string,
]
const http = HttpLab.ofTests({
  directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  access: {
    tokens: [
      { name: 'ci', token: admin },
      { name: 'watcher', role: 'reader', token: reader },
      { name: 't1', role: 'tenant', token: tenant },
    ],
  },
  virtualServers: [
    { protocol: 'pop3', tlsPort: 'off' },
    { protocol: 'http', authentication: ['basic'] },
  ],
})

/** Opens sessions one after the other. Each causes a line when it has ended. */
async function sessions(count: number): Promise<void> {
  for (let done = 0; done < count; done++) {
    const socket = connect(http.lab.server('pop3').port ?? 0, '127.0.0.1')
    socket.once('data', () => socket.end('QUIT\r\n'))
    await once(socket.resume(), 'close')
  }
}

const lines = (query: string, headers = bearer(reader)): Promise<Answer> => http.request(`log?${query}`, { headers })

it('lists the lines of a filter, newest first and in pages', async () => {
  await sessions(3)
  const query = 'query=POP3%20session&level=info'
  await expect.poll(async () => (await lines(query)).body.total).toBe(3)
  const { body: first } = await lines(`${query}&limit=2`)
  expect(first.items.map(({ facts }: { facts: { session: string } }) => facts.session)).toEqual(['pop3-3', 'pop3-2'])
  // Further lines do not move the pages.
  await sessions(1)
  const { body: second } = await lines(`${query}&limit=2&cursor=${first.next}`)
  expect([second.items.map(({ facts }: { facts: { session: string } }) => facts.session), second.next]).toEqual([
    ['pop3-1'],
    null,
  ])
  expect((await lines(`${query}&level=warn`)).status).toBe(400)
  expect((await lines('query=POP3&level=warn')).body.total).toBe(0)
  expect((await lines(`${query}&since=2999-01-01`)).body.total).toBe(0)
  expect((await lines(`${query}&since=${first.items[1].at}&limit=1`)).body.total).toBeGreaterThanOrEqual(2)
  expect((await lines('since=yesterday')).body.detail).toMatch(/since: yesterday is not a time/)
})

it('is for administrators and readers of the whole lab', async () => {
  expect((await lines('', bearer(admin))).status).toBe(200)
  for (const headers of [bearer(tenant), basic('alice', 'secret')]) {
    expect((await lines('', headers)).body).toMatchObject({ status: 403, detail: /administrators and readers/ })
  }
  expect((await http.request('/t/t1/api/v1/log', { headers: bearer(admin) })).status).toBe(403)
})

it('is an event for those who ask for it, who can resume it', async () => {
  const open = (query: string, headers: Record<string, string>) => EventReader.open(http, query, headers)
  const asking = await open('types=log', bearer(reader))
  const others = [
    await open('', bearer(admin)),
    await open('types=log,lab.reset', bearer(tenant)),
    await open('types=log,lab.reset', basic('alice', 'secret')),
  ]
  await sessions(2)
  const isOf = (data: { facts: { server?: string } }): boolean => data.facts.server === http.lab.server('pop3').name
  const line = await asking.next('log', isOf)
  expect(line).toEqual({
    id: expect.stringMatching(/^\d+$/),
    at: expect.stringMatching(/^\d{4}-.*Z$/),
    level: 'info',
    message: expect.stringMatching(/^session ended/),
    facts: expect.objectContaining({ session: expect.stringMatching(/^pop3-/) }),
  })
  await expect.poll(() => asking.received.filter(({ data }) => isOf(data)).length).toBe(2)
  const [{ id = '' } = {}, later] = asking.received.filter(({ data }) => isOf(data))
  const resumed = await open('types=log', { ...bearer(reader), 'Last-Event-ID': id })
  expect(await resumed.next('log', isOf)).toEqual(later?.data)
  await http.request('reset', { json: {}, headers: bearer(admin) })
  for (const other of others) {
    await other.next('lab.reset')
    expect(other.received.map(({ event }) => event)).not.toContain('log')
  }
  for (const one of [asking, resumed, ...others]) one.close()
})
