import { rmSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Console } from '../../../servers/http/console.ts'
import { newFolder } from '../../support/folder.ts'
import { basic, bearer, HttpLab } from './client.ts'

const ci = 'ci-ci-ci-ci-ci-ci'
const http = HttpLab.ofTests({
  hostname: 'lab.test',
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  access: { administrators: ['alice'], tokens: [{ name: 'ci', token: ci }] },
  virtualServers: [{ protocol: 'http', authentication: ['basic'], limits: { failedLogonDelay: '1ms' } }],
})

const page = { accept: 'text/html,application/xhtml+xml' }

describe('the console', () => {
  it.each([
    ['/', './'],
    ['/mail', './'],
    ['/mail/abc.1?q=is:unread', '../'],
    ['/a/b/c', '../../'],
    ['/t/one/', './'],
    ['/t/one/mail/x', '../'],
  ])('is at %s, with the path to its base', async (path, base) => {
    const { status, headers, body } = await http.request(path, { headers: page })
    expect([status, headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(body).toContain(`<base href="${base}" />`)
  })

  it('runs its own scripts only, and loads nothing from elsewhere', async () => {
    const { headers, body } = await http.request('/', { headers: page })
    const policy = headers.get('content-security-policy')
    expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /)
    expect(policy).toContain("frame-src 'self'")
    expect(body).not.toMatch(/(?:src|href)="(?:\w+:)?\/\/|<script>|style=/)
  })

  it('has files whose names change with their content, compressed, for ever', async () => {
    const { body } = await http.request('/', { headers: page })
    const [, script = ''] = /src="\.\/(assets\/[^"]+\.js)"/.exec(body) ?? []
    const response = await fetch(`${http.base}/${script}`, { headers: { 'accept-encoding': 'gzip' } })
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(response.headers.get('content-encoding')).toBe('gzip')
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const plain = await fetch(`${http.base}/t/one/${script}`, { headers: { 'accept-encoding': 'identity' } })
    expect(await plain.text()).toBe(await response.text())
  })

  it('is sent again only if it has changed', async () => {
    const { headers } = await http.request('/', { headers: page })
    expect(headers.get('cache-control')).toBe('no-cache')
    const again = await http.request('/', { headers: { ...page, 'if-none-match': headers.get('etag') as string } })
    expect(again.status).toBe(304)
  })

  it.each(['/api/v1/none', '/assets/none.js', '/mailpit/none', '/mail', '/../package.json'])(
    'leaves %s to the API if no page is asked for',
    async (path) => {
      const { headers } = await http.request(path, { headers: bearer(ci) })
      expect(headers.get('content-type')).toBe('application/problem+json')
    },
  )

  it('that is not built says how to build it', async () => {
    const folder = newFolder()
    const asked = { path: '/mail/x', accept: 'text/html', acceptEncoding: '', ifNoneMatch: undefined }
    const answer = new Console(join(folder, 'none')).answer(asked)
    rmSync(folder, { recursive: true })
    expect(answer?.status).toBe(503)
    expect(await answer?.text()).toMatch(/npm run build.*href="\.\.\/api\/docs"/s)
  })
})

const cookieOf = (headers: Headers): string => headers.get('set-cookie')?.split(';')[0] ?? ''
const logOn = (headers: Record<string, string>) => http.request('session', { method: 'POST', headers })

describe('a browser', () => {
  it('logs on with an account or a token, and then has its rights', async () => {
    for (const [credentials, role] of [
      [basic('bob', 'secret'), 'account'],
      [basic('alice', 'secret'), 'administrator'],
      [bearer(ci), 'administrator'],
    ] as const) {
      const { status, headers, body } = await logOn(credentials)
      expect([status, body.role]).toEqual([201, role])
      expect(headers.get('set-cookie')).toMatch(
        /^sealpost-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/,
      )
      expect((await http.request('session', { headers: { cookie: cookieOf(headers) } })).body).toEqual(body)
    }
  })

  it('gets a cookie for TLS only over TLS', async () => {
    const { tlsPort, address } = http.lab.server('http')
    const field = await new Promise((resolve, reject) => {
      const options = { host: address, port: tlsPort, servername: 'lab.test', ca: http.lab.ca, path: '/api/v1/session' }
      request({ ...options, method: 'POST', headers: bearer(ci) }, (response) => {
        response.resume().on('end', () => resolve(response.headers['set-cookie']?.[0]))
      })
        .on('error', reject)
        .end()
    })
    expect(field).toMatch(/^__Host-sealpost-\d+=.*; Secure; /)
  })

  it('logs off', async () => {
    const cookie = cookieOf((await logOn(basic('bob', 'secret'))).headers)
    const { status, headers } = await http.request('session', { method: 'DELETE', headers: { cookie } })
    expect([status, headers.get('set-cookie')]).toEqual([204, expect.stringMatching(/^sealpost-\d+=; .*Max-Age=0$/)])
    expect((await http.request('status', { headers: { cookie } })).status).toBe(401)
  })

  it('with a wrong password or cookie is asked to log on, without a dialog of the browser', async () => {
    const wrong = await logOn({ ...basic('bob', 'wrong'), 'sealpost-console': '1' })
    expect([wrong.status, wrong.headers.get('set-cookie')]).toEqual([401, null])
    expect(wrong.headers.get('www-authenticate')).not.toContain('Basic')
    const forged = await http.request('status', {
      headers: { cookie: cookieOf((await logOn(bearer(ci))).headers).replace(/.$/, '!') },
    })
    expect(forged.status).toBe(401)
  })

  it('is not logged on any longer without its account or tenant', async () => {
    const { name, token } = (await http.request('tenants', { json: {}, headers: bearer(ci) })).body
    const cookie = cookieOf((await logOn(bearer(token))).headers)
    expect((await http.request('session', { headers: { cookie } })).body).toMatchObject({
      role: 'tenant',
      tenant: name,
    })
    await http.request(`tenants/${name}`, { method: 'DELETE', headers: bearer(ci) })
    expect((await http.request('session', { headers: { cookie } })).status).toBe(401)
  })

  it('changes nothing for a page of another site', async () => {
    const cookie = cookieOf((await logOn(basic('alice', 'secret'))).headers)
    const reset = (headers: Record<string, string>) =>
      http.request('reset', { json: {}, headers: { cookie, ...headers } })
    expect((await reset({ origin: 'http://evil.test' })).status).toBe(403)
    expect((await reset({ origin: 'http://evil.test', 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    expect((await reset({ origin: http.base })).status).toBe(204)
    // A proxy that ends TLS: the browser sees https, the lab does not.
    expect((await reset({ origin: 'https://127.0.0.1', 'sec-fetch-site': 'same-origin' })).status).toBe(204)
  })
})
