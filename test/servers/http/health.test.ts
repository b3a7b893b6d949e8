import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect, it } from 'vitest'
import { HttpLab } from './client.ts'

const start = (input: Parameters<typeof HttpLab.start>[0] = {}) =>
  HttpLab.start({
    certificates: { store: 'memory', key: 'p256' },
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'smtp', tlsPort: 0 }, { protocol: 'http' }],
    ...input,
  })

const healthOf = async (http: HttpLab) => (await http.request('health')).body

it('nothing of a new lab needs attention', async () => {
  await using http = await start()
  const health = await healthOf(http)
  expect(health).toMatchObject({ ok: true, requests: { waiting: 0 }, sessions: { refused: 0, latest: null } })
  expect(health.ports).toEqual({ ok: true, open: 4, closed: [] })
  expect(health.certificates.next.virtualServer).toMatch(/Virtual Server$/)
  expect(health.store).toMatchObject({ kind: 'memory', messages: 0 })
  expect(health.memory.limitOctets).toBeGreaterThan(health.memory.usedOctets)
})

it('a virtual server that clients cannot reach needs attention', async () => {
  await using http = await start()
  await http.lab.server('smtp').refuse()
  expect(await healthOf(http)).toMatchObject({
    ok: false,
    ports: { ok: false, closed: ['Default SMTP Virtual Server'] },
  })
  await http.lab.server('smtp').restore()
  expect(await healthOf(http)).toMatchObject({ ok: true, ports: { ok: true, closed: [] } })
})

it('a full store needs attention', async () => {
  await using http = await start({ store: { memory: '300KiB' } })
  const { store: empty } = await healthOf(http)
  const body = `Subject: Large\r\n\r\n${'x'.repeat(285 * 1024)}`
  await http.request('messages/import?to=alice', { body, headers: { 'content-type': 'message/rfc822' } })
  const { ok, store } = await healthOf(http)
  expect(ok).toBe(false)
  expect(store).toMatchObject({ ok: false, messages: 1 })
  expect(store.usedOctets - empty.usedOctets).toBeGreaterThan(280 * 1024)
  expect(store.usedOctets + store.freeOctets).toBe(300 * 1024)
})

it('a store with as many messages as it may have needs attention, unless it deletes old ones', async () => {
  for (const [whenFull, isOk] of [
    ['refuse', false],
    ['drop-oldest', true],
  ] as const) {
    await using http = await start({ store: { memory: 'auto', messages: 1, whenFull } })
    expect((await healthOf(http)).store.ok).toBe(true)
    const headers = { 'content-type': 'message/rfc822' }
    await http.request('messages/import?to=alice', { body: 'Subject: Only one\r\n\r\n', headers })
    expect((await healthOf(http)).store).toMatchObject({ ok: isOk, messages: 1 })
  }
})

it('a certificate that has expired needs attention', async () => {
  await using http = await start({
    virtualServers: [{ protocol: 'smtp', name: 'Old', certificate: { defect: 'expired' } }, { protocol: 'http' }],
  })
  const { ok, certificates } = await healthOf(http)
  expect(ok).toBe(false)
  expect(certificates.ok).toBe(false)
  expect(certificates.expiring).toHaveLength(1)
  expect(certificates.next).toEqual(certificates.expiring[0])
  expect(certificates.next).toMatchObject({ virtualServer: 'Old' })
  expect(Date.parse(certificates.next.expiresAt)).toBeLessThan(Date.now())
})

it('a request that waits for an approval needs attention', async () => {
  await using http = await start()
  await http.request('authorities', { json: { name: 'Test CA', key: 'p256', type: 'standalone' } })
  await http.request('certificates', { json: { for: 'smtp', key: 'p256', authority: 'Test CA' } })
  expect(await healthOf(http)).toMatchObject({ ok: false, requests: { ok: false, waiting: 1 } })
  const [{ id }] = (await http.request('authorities/requests')).body.items
  await http.request(`authorities/requests/${id}`, { json: { decision: 'deny' } })
  expect(await healthOf(http)).toMatchObject({ ok: true, requests: { ok: true, waiting: 0 } })
})

it('a refused session needs attention, for ten minutes', async () => {
  await using http = await start()
  const client = connect({ host: '127.0.0.1', port: http.lab.server('smtp').tlsPort, servername: 'localhost' })
  await once(client, 'error')
  await expect.poll(async () => (await healthOf(http)).sessions.refused).toBe(1)
  const { ok, sessions } = await healthOf(http)
  expect(ok).toBe(false)
  expect(sessions.latest).toMatchObject({ virtualServer: 'Default SMTP Virtual Server' })
  expect(sessions.latest.why).toMatch(/trust the certificate/)
  expect((await http.request(`sessions/${sessions.latest.id}`)).status).toBe(200)
  await http.request('clock', { method: 'PATCH', json: { advance: '11m' } })
  expect(await healthOf(http)).toMatchObject({ ok: true, sessions: { refused: 0, latest: null } })
})
