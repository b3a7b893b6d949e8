import { request } from 'node:http'
import { connect } from 'node:tls'
import { beforeAll, describe, expect, it } from 'vitest'
import { basic, bearer, HttpLab } from './client.ts'

const [ci, reader, tenant] = ['ci-ci-ci-ci-ci-ci', 'reader-reader-reader', 'tenant-tenant-tenant'] as const
const http = HttpLab.ofTests({
  hostname: 'lab.test',
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'bob', password: 'secret' },
      { user: 't1-eve', password: 'secret' },
    ],
  },
  access: {
    administrators: ['alice'],
    tokens: [
      { name: 'ci', token: ci },
      { name: 'watcher', role: 'reader', token: reader },
      { name: 't1', role: 'tenant', token: tenant },
    ],
  },
  virtualServers: [
    { protocol: 'http', authentication: ['basic'], hosts: ['mail.example.test'] },
    { protocol: 'http', name: 'open' },
    { protocol: 'http', name: 'strict', requireSecureChannel: true },
    { protocol: 'http', name: 'over-tls', authentication: ['basic-over-tls'] },
  ],
})
beforeAll(async () => {
  for (const to of ['alice', 'bob', 't1-eve'])
    await http.lab.deliver({ to: `${to}@lab.test`, subject: `To ${to}` }, { to })
})

/** Asks a virtual server for the status of the lab over TLS. Returns the answer as text. */
async function askOverTls(server: string): Promise<string> {
  const { tlsPort: port } = http.lab.server(server)
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca: http.lab.ca })
  socket.write('GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

const found = async (headers: Record<string, string>): Promise<string[]> =>
  (await http.request('messages', { headers })).body.items.map(({ subject }: { subject: string }) => subject)

describe('callers', () => {
  it('without credentials are told how to log on', async () => {
    const { status, headers, body } = await http.request('status')
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toMatch(/^Bearer .*, Basic /)
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body.detail).toMatch(/send a token/)
  })

  it('are not asked for a password that would cross the network in clear text', async () => {
    const { port } = http.lab.server('over-tls')
    const { status, headers } = await fetch(`http://127.0.0.1:${port}/api/v1/status`)
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="Sealpost"'])
    expect(await askOverTls('over-tls')).toMatch(/^HTTP\/1\.1 401 [\s\S]*www-authenticate: Bearer .*, Basic realm=/i)
  })

  it('see what their role allows', async () => {
    const all = ['To t1-eve', 'To bob', 'To alice']
    expect(await found(bearer(ci))).toEqual(all)
    expect(await found(bearer(reader))).toEqual(all)
    expect(await found(basic('alice', 'secret'))).toEqual(all)
    expect(await found(basic('bob', 'secret'))).toEqual(['To bob'])
    expect(await found(bearer(tenant))).toEqual(['To t1-eve'])
    const [{ id }] = (await http.request('messages?account=bob', { headers: bearer(ci) })).body.items
    for (const headers of [bearer(tenant), basic('t1-eve', 'secret')]) {
      expect((await http.request(`messages/${id}`, { headers })).status).toBe(404)
      expect((await http.request(`messages/${id}`, { method: 'DELETE', headers })).status).toBe(404)
    }
  })

  it('change what their role allows', async () => {
    const statusOf = async (headers: Record<string, string>): Promise<number> =>
      (await http.request('newsgroups', { json: { name: `t1.a${Math.random().toString(36).slice(2)}` }, headers }))
        .status
    expect(await statusOf(bearer(reader))).toBe(403)
    expect(await statusOf(bearer(tenant))).toBe(201)
    expect((await http.request('reset', { json: {}, headers: bearer(tenant) })).status).toBe(403)
    expect(
      (await http.request('newsgroups', { json: { name: 'lab.other' }, headers: bearer(tenant) })).body.detail,
    ).toMatch(/t1\.lab\.other/)
    expect((await http.request('messages', { json: { to: ['bob'] }, headers: bearer(tenant) })).status).toBe(403)
  })

  it('below /t/TENANT see only the data of the tenant, and may not be another tenant', async () => {
    const { body } = await http.request('/t/t1/api/v1/messages', { headers: bearer(ci) })
    expect(body.items).toMatchObject([{ subject: 'To t1-eve' }])
    expect((await http.request('/t/t2/api/v1/messages', { headers: bearer(tenant) })).status).toBe(403)
  })

  it('with a wrong token or password are refused', async () => {
    for (const headers of [bearer('wrong'), basic('alice', 'wrong'), { authorization: 'Digest x' }]) {
      expect((await http.request('status', { headers })).status).toBe(401)
    }
  })
})

/** Sends a request with any header fields, which `fetch` does not allow. */
const raw = (
  path: string,
  headers: Record<string, string>,
  method = 'GET',
  body = '',
): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const sent = request({ port: http.lab.server('open').port, host: '127.0.0.1', path, headers, method }, (answer) => {
      answer.setEncoding('utf8')
      let text = ''
      answer.on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })

describe('a page of another site', () => {
  const json = { 'content-type': 'application/json' }

  it('cannot reach the lab by a name of its own (DNS rebinding)', async () => {
    expect((await raw('/api/v1/status', { host: 'evil.example' })).status).toBe(421)
    for (const host of ['test', 'internal', 'local'].map((name) => `${name}.example`)) {
      expect((await raw('/api/v1/status', { host })).status, host).toBe(421)
    }
    const ofContainers = ['mailpit:8025', 'app.localhost', 'host.docker.internal', 'mail.shop.svc.cluster.local']
    for (const host of [...ofContainers, 'localhost:8025', '127.0.0.1', '[::1]:80', 'LAB.test', 'lab.test.:99']) {
      expect((await raw('/api/v1/status', { host })).status, host).toBe(200)
    }
  })

  it('cannot change anything', async () => {
    const change = (headers: Record<string, string>, body = '{}'): Promise<{ status: number }> =>
      raw('/api/v1/newsgroups', { host: 'localhost', ...headers }, 'POST', body)
    expect((await change({ ...json, origin: 'https://evil.example' })).status).toBe(403)
    expect((await change({ ...json, origin: 'null' })).status).toBe(403)
    expect((await change({ 'content-type': 'text/plain' })).status).toBe(415)
    expect((await change({ 'content-type': 'application/x-www-form-urlencoded' }, 'a=b')).status).toBe(415)
    expect((await change({ ...json, origin: 'http://localhost' })).status).toBe(422)
    expect((await change({ ...json, origin: 'https://ci.example', ...bearer(ci) })).status).toBe(422)
  })

  it('cannot make a browser load anything, but can link to the lab', async () => {
    const load = (site: string, mode: string): Promise<{ status: number }> =>
      raw('/api/v1/status', { host: 'localhost', 'sec-fetch-site': site, 'sec-fetch-mode': mode })
    expect((await load('cross-site', 'no-cors')).status).toBe(403)
    expect((await load('same-site', 'cors')).status).toBe(403)
    expect((await load('cross-site', 'navigate')).status).toBe(200)
    expect((await load('same-origin', 'cors')).status).toBe(200)
    expect((await load('none', 'navigate')).status).toBe(200)
  })

  it('gets no permission to read', async () => {
    const { headers } = await http.request('status', { headers: { ...bearer(ci), origin: 'https://evil.example' } })
    expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})

describe('a virtual server that requires a secure channel', () => {
  it('refuses clear text and answers over TLS', async () => {
    const { port } = http.lab.server('strict')
    const clear = await fetch(`http://127.0.0.1:${port}/api/v1/status`)
    expect(clear.status).toBe(403)
    expect(await clear.json()).toMatchObject({ type: expect.stringMatching(/secure-channel-required$/) })
    expect(await askOverTls('strict')).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  })
})

describe('the configuration', () => {
  it('must let someone in', async () => {
    await expect(HttpLab.start({ access: { tokens: [{ name: 'x' }] } })).rejects.toThrow(
      /has no value; add token: TEXT or tokenFile: FILE/,
    )
    await expect(HttpLab.start({ access: { tokens: [{ name: 'x', tokenFile: '/missing' }] } })).rejects.toThrow(
      /tokens\[0\]\.tokenFile: cannot read \/missing: no such file/,
    )
  })
})
