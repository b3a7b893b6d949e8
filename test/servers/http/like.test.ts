import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, bearer, HttpLab } from './client.ts'
import { exchange } from './raw-client.ts'

const TOKEN = 'change-me-change-me'
const virtualServers = (like: object) => [
  { protocol: 'smtp' as const },
  { protocol: 'http' as const, authentication: ['basic' as const], ...like },
]

/** A path of the tool that everyone may ask for. */
const messages = '/api/v1/messages'

describe('a virtual server in the place of a tool', () => {
  let http: HttpLab
  beforeAll(async () => {
    http = await HttpLab.start({
      access: { tokens: [{ name: 'ci', role: 'administrator', token: TOKEN }] },
      virtualServers: virtualServers({ like: 'mailpit' }),
    })
    await http.lab.deliver({ to: 'alice@lab.test', subject: 'Hello', text: 'Text' }, { to: 'alice' })
  })
  afterAll(() => http[Symbol.asyncDispose]())

  it('has the API of the tool at the root, for callers without credentials and with any', async () => {
    for (const headers of [{}, basic('someone', 'else'), bearer('not-a-token')]) {
      const { status, body } = await http.request(messages, { headers })
      expect([status, body.messages[0].Subject]).toEqual([200, 'Hello'])
    }
    expect((await http.request('/view/latest.txt')).body).toBe('Text')
    expect((await http.request('/livez')).status).toBe(200)
  })

  it('has its own API below /sealpost, and asks for credentials there', async () => {
    expect((await http.request('/sealpost/api/v1/status')).status).toBe(401)
    expect((await http.request('/mailpit/api/v1/messages')).status).toBe(401)
    expect((await http.request('/metrics')).status).toBe(401)
    const headers = bearer(TOKEN)
    expect((await http.request('/sealpost/api/v1/status', { headers })).body.domain).toBe('lab.test')
    const made = await http.request('/sealpost/api/v1/accounts', {
      headers,
      json: { user: 'eve', password: 'secret' },
    })
    expect([made.status, made.headers.get('location')]).toEqual([201, '/sealpost/api/v1/accounts/eve'])
    expect((await http.request('/api/v1/status', { headers })).status).toBe(404)
  })

  it('leads pages to the console below /sealpost', async () => {
    const page = async (path: string) => {
      const answer = await fetch(http.base + path, { redirect: 'manual', headers: { accept: 'text/html' } })
      return [answer.status, answer.headers.get('location')]
    }
    expect(await page('/')).toEqual([302, 'sealpost/'])
    expect(await page('/mail/1?q=x')).toEqual([302, '../sealpost/mail/1?q=x'])
    expect(await page('/view/latest')).toEqual([302, '../sealpost/mail'])
    expect(await page('/view/F1.1')).toEqual([302, '../sealpost/mail/F1.1'])
    expect(await page('/sealpost/')).toEqual([200, null])
    expect(await page('/t/one/')).toEqual([200, null])
    expect(await page('/mail/caf%C3%A9%25')).toEqual([302, '../sealpost/mail/caf%C3%A9%25'])
    expect(await page('/view/x%0D%0AA:%20b')).toEqual([302, '../sealpost/mail/x%0D%0AA:%20b'])
    expect(await page('//other.example/')).toEqual([302, '../../sealpost//other.example/'])
  })

  it('refuses what a page of another site sends', async () => {
    const origin = { origin: 'https://evil.example', 'content-type': 'text/plain' }
    const refused = await http.request(messages, { method: 'DELETE', headers: origin, body: '{}' })
    expect([refused.status, refused.body.type]).toEqual([403, expect.stringMatching(/foreign-origin$/)])
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const site = await http.request(messages, {
      method: 'DELETE',
      headers: { ...form, 'sec-fetch-site': 'same-site' },
      body: '{}',
    })
    expect(site.status).toBe(403)
    // curl -d sends this type, and no page without Origin.
    expect((await http.request(messages, { method: 'PUT', headers: form, body: '{"Read":true}' })).body).toBe('ok')
  })
})

describe('requests without the type of JSON', () => {
  it('are those of fetch in a program and in a page of the lab', async () => {
    await using http = await HttpLab.start({ virtualServers: virtualServers({ like: 'mailpit' }) })
    const message = JSON.stringify({ From: { Email: 'a@b.example' }, To: [{ Email: 'alice@lab.test' }] })
    const send = (headers: Record<string, string>) => http.request('/api/v1/send', { body: message, headers })
    const text = { 'content-type': 'text/plain;charset=UTF-8' }
    expect((await send({})).status).toBe(200)
    expect((await send({ ...text, origin: http.base, 'sec-fetch-site': 'same-origin' })).status).toBe(200)
    expect((await send({ ...text, origin: 'https://evil.example' })).status).toBe(403)
    expect((await send({ ...text, origin: 'null' })).status).toBe(403)
    expect((await send({ ...text, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await send({ 'content-type': 'text/csv' })).status).toBe(415)
    const read = await http.request('/api/v1/messages', { method: 'PUT', body: '{"Read":true}' })
    expect(read.body).toBe('ok')
    expect((await http.request('/api/v1/messages')).body).toMatchObject({ total: 2, unread: 0 })
  })
})

describe('pages of other sites', () => {
  it('use the API of the tool if the configuration names them (CORS)', async () => {
    await using http = await HttpLab.start({
      directory: { accounts: [{ user: 'alice', password: 'secret' }] },
      virtualServers: virtualServers({ like: { tool: 'mailpit', users: ['alice'], cors: ['app.example:3000'] } }),
    })
    const ask = async (origin: string, path = messages, method = 'GET', more = {}) => {
      const headers = { origin, 'sec-fetch-site': 'cross-site', ...basic('alice', 'secret'), ...more }
      const response = await fetch(http.base + path, { method, headers })
      return [response.status, response.headers.get('access-control-allow-origin')]
    }
    const page = 'https://app.example:3000'
    expect(await ask(page)).toEqual([200, page])
    expect(await ask(page, '/api/v1/message/none')).toEqual([404, page])
    expect(await ask('https://app.example')).toEqual([403, null])
    expect(await ask(page, '/sealpost/api/v1/status')).toEqual([403, null])
    // A preflight has no credentials.
    const preflight = await fetch(http.base + messages, { method: 'OPTIONS', headers: { origin: page } })
    expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([204, '*, Authorization'])
    const other = await fetch(http.base + messages, { method: 'OPTIONS', headers: { origin: 'https://other.example' } })
    expect([other.ok, other.headers.get('access-control-allow-origin')]).toEqual([false, null])
  })
})

describe('behind a proxy on the same machine', () => {
  it('a page cannot reach the tool by a name of its own (DNS rebinding)', async () => {
    await using http = await HttpLab.start({
      virtualServers: virtualServers({ like: 'mailpit', forwarded: { from: ['127.0.0.1'] }, hosts: ['mail.example'] }),
    })
    const port = http.lab.server('http').port as number
    const statusFor = async (host: string, forwardedHost: string) => {
      const fields = `Host: ${host}\r\nX-Forwarded-For: 203.0.113.1\r\nX-Forwarded-Host: ${forwardedHost}`
      return (await exchange(port, `GET ${messages} HTTP/1.1\r\n${fields}\r\n\r\n`))?.status
    }
    expect(await statusFor('evil.example', 'localhost')).toBe(421)
    expect(await statusFor('localhost', 'evil.example')).toBe(421)
    expect(await statusFor('127.0.0.1:8025', 'mail.example')).toBe(200)
    expect(await statusFor('mail.example', 'mail.example')).toBe(200)
  })
})

describe('the long form of like', () => {
  let http: HttpLab
  beforeAll(async () => {
    http = await HttpLab.start({
      directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
      virtualServers: virtualServers({ like: { tool: 'mailpit', users: ['alice'], path: '/mail/', label: 'Staging' } }),
    })
    await http.lab.deliver({ to: 'bob@lab.test', subject: 'Hello' }, { to: 'bob' })
  })
  afterAll(() => http[Symbol.asyncDispose]())

  it('limits the API of the tool to its users, who see all mail', async () => {
    expect((await http.request(messages)).status).toBe(401)
    const refused = await http.request(messages, { headers: basic('bob', 'secret') })
    expect([refused.status, refused.body.detail]).toEqual([403, expect.stringMatching(/like\.users/)])
    expect((await http.request(messages, { headers: basic('alice', 'secret') })).body.total).toBe(1)
  })

  it('has everything below the path too', async () => {
    const headers = basic('alice', 'secret')
    expect((await http.request(`/mail${messages}`, { headers })).body.total).toBe(1)
    expect((await http.request('/mail/sealpost/api/v1/status', { headers })).status).toBe(200)
    expect((await http.request('/mail/livez')).body).toBe('ok')
    const page = await fetch(`${http.base}/mail`, { redirect: 'manual' })
    expect(page.headers.get('location')).toBe('./mail/sealpost/')
  })

  it('names the label', async () => {
    const { body } = await http.request('/mail/api/v1/webui', { headers: basic('alice', 'secret') })
    expect(body.Label).toBe('Staging')
  })
})
