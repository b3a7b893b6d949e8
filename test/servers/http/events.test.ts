import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterEach, expect, it } from 'vitest'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { basic, bearer, HttpLab } from './client.ts'
import { EventReader, type Received } from './event-reader.ts'

const [admin, tenant] = ['admin-admin-admin', 'tenant-tenant-tenant'] as const
const config: LabInput = {
  certificates: { store: 'memory', key: 'p256' },
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 't1-eve', password: 'secret' },
    ],
  },
  access: {
    tokens: [
      { name: 'ci', token: admin },
      { name: 't1', role: 'tenant', token: tenant },
    ],
  },
  virtualServers: [
    { protocol: 'smtp', tlsPort: 0 },
    { protocol: 'pop3', tlsPort: 'off' },
    { protocol: 'http', authentication: ['basic'] },
  ],
}

const readers: EventReader[] = []
let http: HttpLab

async function open(lab: HttpLab, query: string, headers: Record<string, string>): Promise<EventReader> {
  const reader = await EventReader.open(lab, query, headers)
  readers.push(reader)
  return reader
}

afterEach(async () => {
  for (const reader of readers.splice(0)) reader.close()
  await http[Symbol.asyncDispose]()
})

/** Logs on by POP3. Resolves with the open socket. */
async function logOn(port: number, user: string): Promise<Socket> {
  const socket = createConnection(port, '127.0.0.1').setEncoding('utf8')
  await once(socket, 'data')
  for (const line of [`USER ${user}`, 'PASS secret']) {
    socket.write(`${line}\r\n`)
    await once(socket, 'data')
  }
  return socket
}

it('tells who sees the lab of each session from its start to its end, and an account only of its own', async () => {
  http = await HttpLab.start(config)
  const [all, alice, ofTenant] = await Promise.all([
    open(http, 'types=session', bearer(admin)),
    open(http, 'types=session', basic('alice', 'secret')),
    open(http, 'types=session', bearer(tenant)),
  ])
  const sockets = [
    await logOn(http.lab.server('pop3').port, 'alice'),
    await logOn(http.lab.server('pop3').port, 't1-eve'),
  ]
  const opened = await all.next('session.opened', ({ session }) => session.protocol === 'pop3')
  expect(opened).toMatchObject({ id: opened.session.id, at: expect.stringMatching(/^\d{4}-.*Z$/) })
  for (const socket of sockets) socket.end('QUIT\r\n')
  const isOf = (user: string) => (data: Received['data']) => data.session.user === user
  expect((await all.next('session.closed', isOf('alice'))).id).toBe(opened.id)
  await all.next('session.closed', isOf('t1-eve'))
  expect(await alice.next('session.closed', isOf('alice'))).toMatchObject({ session: { protocol: 'pop3' } })
  await ofTenant.next('session.closed', isOf('t1-eve'))
  for (const [reader, user] of [
    [alice, 'alice'],
    [ofTenant, 't1-eve'],
  ] as const) {
    expect(new Set(reader.received.map(({ data }) => data.session.user))).toEqual(new Set([user]))
    expect(reader.received.map(({ event }) => event)).not.toContain('session.opened')
  }
})

it('tells an administrator of one tenant only, if asked so', async () => {
  http = await HttpLab.start(config)
  const [ofTenant, all] = await Promise.all([
    open(http, 'types=session&tenant=t1', bearer(admin)),
    open(http, 'types=session', bearer(admin)),
  ])
  const { port } = http.lab.server('pop3')
  for (const user of ['alice', 't1-eve']) (await logOn(port, user)).end('QUIT\r\n')
  const isOfEve = ({ session }: Received['data']): boolean => session.user === 't1-eve'
  for (const reader of [ofTenant, all]) await reader.next('session.closed', isOfEve)
  expect(new Set(ofTenant.received.map(({ data }) => data.session.user))).toEqual(new Set(['t1-eve']))
  const refused = await http.request('events?tenant=t2', { headers: bearer(tenant) })
  expect([refused.status, refused.body.detail]).toEqual([403, 't1 is not the tenant t2'])
})

it('tells of faults those who see the session', async () => {
  http = await HttpLab.start({
    ...config,
    testing: { faults: [{ name: 'busy', when: { protocol: 'pop3', verb: 'STAT' }, do: { reply: '-ERR busy' } }] },
  })
  const alice = await open(http, 'types=fault.hit', basic('alice', 'secret'))
  const ofTenant = await open(http, 'types=fault,lab.reset', bearer(tenant))
  const socket = await logOn(http.lab.server('pop3').port, 'alice')
  socket.write('STAT\r\n')
  expect(await alice.next('fault.hit')).toMatchObject({ fault: 'busy', session: { user: 'alice', protocol: 'pop3' } })
  socket.end()
  await http.request('reset', { json: {}, headers: bearer(admin) })
  await ofTenant.next('lab.reset')
  expect(ofTenant.received.map(({ event }) => event)).toEqual(['lab.reset'])
})

it('tells of another certificate, of the virtual server that serves it', async () => {
  http = await HttpLab.start(config)
  const all = await open(http, 'types=certificate', bearer(tenant))
  const { name: virtualServer, tlsPort, certificate: previous } = http.lab.server('smtp')
  await http.lab.certificates.issue({ for: virtualServer, key: 'p256' })
  const { at: _, ...changed } = await all.next('certificate.changed')
  expect(changed).toMatchObject({ virtualServer, previous })
  expect(changed.certificate.thumbprint).not.toBe(previous?.thumbprint)
  const socket = connectTls({ port: tlsPort, host: '127.0.0.1', servername: 'localhost', ca: http.lab.ca })
  await once(socket, 'secureConnect')
  expect(socket.getPeerX509Certificate()?.fingerprint.replaceAll(':', '')).toBe(changed.certificate.thumbprint)
  socket.destroy()
})

it('tells of a request that waits for approval those who see the lab', async () => {
  http = await HttpLab.start(config)
  const all = await open(http, 'types=request', bearer(admin))
  const alice = await open(http, 'types=request,lab.reset', basic('alice', 'secret'))
  await http.lab.authorities.createRoot({ name: 'By Hand', type: 'standalone' })
  const { pem } = await http.lab.certificates.request({ for: 'smtp' })
  await http.lab.authorities.submit(Buffer.from(pem), 'By Hand')
  expect(await all.next('request.queued')).toMatchObject({
    request: { id: 1, authority: 'By Hand', subject: 'CN=localhost' },
  })
  await http.request('reset', { json: {}, headers: bearer(admin) })
  await alice.next('lab.reset')
  expect(alice.received.map(({ event }) => event)).toEqual(['lab.reset'])
})

it('tells of another configuration, once it is in use', async () => {
  http = await HttpLab.start(config)
  const all = await open(http, 'types=configuration', bearer(admin))
  await http.lab.reload(config)
  expect(await all.next('configuration.reloaded')).toMatchObject({
    virtualServers: ['smtp', 'pop3', 'http'].map((protocol) => http.lab.server(protocol).name),
  })
})
