import { once } from 'node:events'
import { connect } from 'node:tls'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { basic, bearer, HttpLab } from './client.ts'

vi.mock('../../../src/core/time/real-timers.ts', async (original) => {
  const { lateTimers } = await import('../../support/late-timers.ts')
  return lateTimers('setInterval', 'clearInterval', 'now')(original)
})

const [admin, reader, tenant] = ['admin-admin-admin', 'reader-reader-reader', 'tenant-tenant-tenant'] as const
let http: HttpLab

beforeAll(async () => {
  // The test ends the intervals.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  http = await HttpLab.start({
    certificates: { store: 'memory', key: 'p256' },
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    access: {
      tokens: [
        { name: 'ci', token: admin },
        { name: 'watcher', role: 'reader', token: reader },
        { name: 't1', role: 'tenant', token: tenant },
      ],
    },
    virtualServers: [
      { protocol: 'smtp', tlsPort: 0 },
      { protocol: 'http', authentication: ['basic'] },
    ],
  })
})
afterAll(async () => {
  await http[Symbol.asyncDispose]()
  vi.useRealTimers()
})

const read = async (query = '') => (await http.request(`statistics${query}`, { headers: bearer(reader) })).body
const endIntervals = (count: number): unknown => vi.advanceTimersByTime(count * 10_000)

/** Waits until the interval that has not ended has these counts. */
async function untilNow(counts: object): Promise<void> {
  while (!Object.entries(counts).every(([name, count]) => count === JSON.stringify(lastNow[name])))
    lastNow = (await read()).now
}
let lastNow: Record<string, unknown> = {}

it('the interval that has not ended counts immediately; when it ends, another begins', async () => {
  const transport = createTransport(http.lab.nodemailer('alice'))
  await transport.sendMail({ from: 'alice@lab.test', to: ['alice@lab.test', 'x@example.com'], text: 'Hello' })
  transport.close()
  await untilNow({ messages: '{"mail":1,"captured":1}', completedHandshakes: '{"smtp":1}' })

  // This client does not trust the lab.
  const client = connect({ host: '127.0.0.1', port: http.lab.server('smtp').tlsPort, servername: 'localhost' })
  await once(client, 'error')
  await untilNow({ refusedSessions: '{"smtp":1}', failedHandshakes: '{"smtp":1}' })
  expect(lastNow.connections).toMatchObject({ smtp: 2 })
  expect((await read()).samples).toEqual([])

  endIntervals(1)
  const { intervalMs, samples, now } = await read()
  expect(intervalMs).toBe(10_000)
  expect(samples).toHaveLength(1)
  expect(samples[0]).toMatchObject({ messages: { mail: 1, captured: 1 }, refusedSessions: { smtp: 1 } })
  expect(samples[0].openConnections).toEqual({ http: expect.any(Number) })
  expect(now).toMatchObject({ messages: {}, refusedSessions: {}, failedHandshakes: {} })
  for (const { memory, eventLoopDelay } of [samples[0], now]) {
    expect(memory.residentOctets).toBeGreaterThan(memory.heapOctets)
    expect(memory.clientOctets).toBeGreaterThan(0)
    expect(eventLoopDelay.maxMs).toBeGreaterThanOrEqual(eventLoopDelay.meanMs)
  }
})

it('an hour is kept, and the samples after one can be read alone', async () => {
  endIntervals(400)
  const { samples } = await read()
  expect(samples).toHaveLength(360)
  expect(Date.parse(samples.at(-1).at) - Date.parse(samples[0].at)).toBe(359 * 10_000)
  const since = encodeURIComponent(samples.at(-3).at)
  expect((await read(`?since=${since}`)).samples).toEqual(samples.slice(-2))
  expect((await read('?since=yesterday')).status).toBe(400)
})

it('the clock of the lab does not move the times of the samples', async () => {
  await http.request('clock', { method: 'PATCH', json: { advance: '40d' }, headers: bearer(admin) })
  endIntervals(1)
  const { samples } = await read()
  expect(Date.parse(samples.at(-1).at) - Date.parse(samples.at(-2).at)).toBe(10_000)
  const { startedAt, uptimeMs, version, time } = (await http.request('status', { headers: bearer(reader) })).body
  expect(uptimeMs).toBe(Date.now() - Date.parse(startedAt))
  expect(uptimeMs).toBe(402 * 10_000)
  expect(Date.parse(time) - Date.now()).toBe(40 * 86_400_000)
  expect(version).toMatch(/^\d+\.\d+\.\d+/)
  await http.request('clock', { method: 'PATCH', json: { reset: true }, headers: bearer(admin) })
})

it.each(['statistics', 'health'])('administrators and readers read %s, others do not', async (path) => {
  for (const token of [admin, reader]) {
    expect((await http.request(path, { headers: bearer(token) })).status).toBe(200)
  }
  for (const headers of [bearer(tenant), basic('alice', 'secret')]) {
    expect((await http.request(path, { headers })).status).toBe(403)
  }
  expect((await http.request(`/t/t1/api/v1/${path}`, { headers: bearer(admin) })).status).toBe(403)
})
