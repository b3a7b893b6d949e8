import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/index.ts'
import type { TestLab } from '../../../../src/testing/test-lab.ts'
import { isLong } from '../../../support/long.ts'
import { AuthorizationClient, codeVerifier } from './authorization-client.ts'

const issuer = 'https://login.example.com'
const robot = { client_id: 'robot', client_secret: 'robots-secret' }
const clients = [{ clientId: robot.client_id, clientSecret: robot.client_secret, user: 'alice' }]
const directory = { accounts: [{ user: 'alice', password: 'alices-secret' }] }
const limits = { failedLogonDelay: '1ms' as const }

let lab: TestLab
let client: AuthorizationClient
beforeAll(async () => {
  lab = await startLab({
    directory,
    oauth2: { issuer, clients },
    virtualServers: [
      { protocol: 'http', limits, forwarded: { from: ['127.0.0.1'] } },
      { protocol: 'http', name: 'only-tls', limits, requireSecureChannel: true },
      { protocol: 'http', name: 'no-clear-passwords', limits, authentication: ['basic-over-tls'] },
    ],
  })
})
afterAll(() => lab.stop())
beforeEach(() => {
  client = at('Default HTTP Virtual Server')
})
const at = (server: string) => new AuthorizationClient(`http://127.0.0.1:${lab.server(server).port}`)
const codeRequest = () =>
  new URLSearchParams({
    client_id: 'sealpost',
    response_type: 'code',
    redirect_uri: 'http://127.0.0.1/',
    ...codeVerifier().challenge,
  })

describe('behind a proxy', () => {
  const proxied = {
    'x-forwarded-for': '192.0.2.7',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'login.example.com',
  }

  it('the endpoints are where the client is, and the issuer stays', async () => {
    const { body } = await client.send('/.well-known/openid-configuration', undefined, proxied)
    expect([body.issuer, body.token_endpoint]).toEqual([issuer, `${issuer}/oauth2/token`])
    const direct = (await client.send('/.well-known/openid-configuration')).body
    expect([direct.issuer, direct.token_endpoint]).toEqual([issuer, `${client.base}/oauth2/token`])
  })

  it('cookies are for https only', async () => {
    const { headers } = await client.send(`/oauth2/authorize?${codeRequest()}`, undefined, proxied)
    const cookies = headers.getSetCookie()
    expect(cookies.length).toBeGreaterThan(0)
    for (const cookie of cookies) expect(cookie).toMatch(/; secure.*; httponly/i)
  })

  it('fields of a proxy that is not listed have no effect', async () => {
    const other = at('no-clear-passwords')
    const { body } = await other.send('/.well-known/openid-configuration', undefined, proxied)
    expect(body.token_endpoint).toBe(`${other.base}/oauth2/token`)
  })
})

it('names that are not the lab’s are refused, the issuer’s is not', async () => {
  const named = (host: string) =>
    client.send('/oauth2/jwks', undefined, { 'x-forwarded-for': '192.0.2.7', 'x-forwarded-host': host })
  expect((await named('login.example.com')).status).toBe(200)
  expect((await named('evil.example.com')).status).toBe(421)
})

it('passwords and tokens wait for TLS where the virtual server demands it', async () => {
  expect((await at('only-tls').token({ grant_type: 'client_credentials', ...robot })).status).toBe(403)
  const other = at('no-clear-passwords')
  const { answer, at: url } = await other.follow(`/oauth2/authorize?${codeRequest()}`)
  expect(answer.body).toContain('This lab accepts passwords only over TLS.')
  expect(answer.body).not.toContain('type="password"')
  const form = { user: 'alice', password: 'alices-secret', action: 'log-on' }
  expect((await other.send(url, form)).status).toBe(403)
})

it('malformed requests are refused, and none makes the lab fail', async () => {
  const challenge = 'x'.repeat(43)
  const requests: [path: string, form?: Record<string, string>, headers?: Record<string, string>][] = [
    ['/oauth2/authorize?%'],
    ['/oauth2/authorize?client_id=__proto__&response_type=code'],
    ['/oauth2/authorize?client_id=sealpost&client_id=sealpost'],
    [`/oauth2/authorize?${codeRequest()}&max_age=-1&scope=openid&claims={&id_token_hint=x.y.z`],
    [`/oauth2/authorize?client_id=sealpost&response_type=code&request=a.b.c&code_challenge=${challenge}`],
    ['/oauth2/authorize/unknown?client_id=sealpost&request_uri=urn:x'],
    ['/oauth2/device/unknown'],
    ['/oauth2/log-on/unknown'],
    ['/oauth2/token', { grant_type: '__proto__', client_id: 'sealpost' }],
    ['/oauth2/token', { grant_type: 'refresh_token', client_id: 'sealpost', refresh_token: 'constructor' }],
    ['/oauth2/token', { grant_type: 'client_credentials', ...robot, scope: '\0'.repeat(900) }],
    ['/oauth2/token', { grant_type: 'client_credentials' }, { authorization: 'Basic !!!' }],
    ['/oauth2/par', { client_id: 'sealpost', '\0': '' }],
    ['/oauth2/introspect', { token: 'a.b.c' }],
    ['/oauth2/userinfo', {}, { authorization: 'Bearer a.b.c' }],
  ]
  for (const [path, form, headers] of requests) {
    const { status } = await client.send(path, form, headers)
    // 303: the client is told.
    expect([303, 400, 401], path).toContain(status)
  }
  const { status, headers } = await client.send('/oauth2/device', { xsrf: 'unknown', user_code: 'x' })
  expect([status, headers.get('location')]).toEqual([303, '/oauth2/device'])
  expect((await client.token({ grant_type: 'client_credentials', ...robot })).status).toBe(200)
})

it.skipIf(!isLong)('strangers who fill the memory of the lab displace each other, and no tokens', async () => {
  const { body: tokens } = await client.token({ grant_type: 'client_credentials', ...robot })
  const start = async () => (await client.send('/oauth2/device_authorization', { client_id: 'sealpost' })).body
  const [first, second] = [await start(), await start()]
  for (let batch = 0; batch < 20; batch++) await Promise.all(Array.from({ length: 25 }, start))
  const poll = async ({ device_code }: { device_code: string }): Promise<string> => {
    const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: 'sealpost' }
    return (await client.token({ ...grant, device_code })).body.error
  }
  expect([await poll(first), await poll(second)]).toEqual(['invalid_grant', 'invalid_grant'])
  expect(await poll(await start())).toBe('authorization_pending')
  const { body } = await client.send('/oauth2/introspect', { token: tokens.access_token, ...robot })
  expect(body.active).toBe(true)
})
