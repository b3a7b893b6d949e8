import { describe, expect, test } from 'vitest'
import { bearer, HttpLab } from '../../servers/http/client.ts'

const ADMINISTRATOR = 'token-of-an-administrator'
const http = HttpLab.ofTests({
  access: {
    administrators: ['root'],
    tokens: [
      { name: 'ci', token: ADMINISTRATOR },
      { name: 'watcher', role: 'reader', token: 'token-of-a-reader' },
      { name: 'shop', role: 'tenant', token: 'token-of-a-tenant' },
    ],
  },
  directory: {
    accounts: [
      ...['root', 'alice', 'bob'].map((user) => ({ user, password: `${user}-secret` })),
      { user: 'closed', password: 'secret', state: 'locked' },
    ],
  },
  virtualServers: [{ protocol: 'imap4' }, { protocol: 'http', authentication: ['basic'] }],
})

test('a token acts as its account', async () => {
  const token = await http.lab.accessToken({ user: 'alice' })
  const { status, body } = await http.request('status', { headers: bearer(token) })
  expect([status, body.role]).toEqual([200, 'account'])
  const accounts = await http.request('accounts', { headers: bearer(token) })
  expect(accounts.body.items.map(({ user }: { user: string }) => user)).toEqual(['alice'])
  const root = await http.request('status', { headers: bearer(await http.lab.accessToken({ user: 'root' })) })
  expect(root.body.role).toBe('administrator')
})

test('a token of a locked account logs nobody on', async () => {
  const token = await http.lab.accessToken({ user: 'closed' })
  const { status, body } = await http.request('status', { headers: bearer(token) })
  expect([status, body.detail]).toEqual([403, 'closed: the account is locked'])
  expect(http.lab.sessions().map(({ user }) => user)).not.toContain('closed')
})

describe('RFC 6750 section 3: a refused token', () => {
  test.each([
    ['expired', 'expired 1 minute ago'],
    ['wrong-audience', 'is for https://other-service.invalid, not for https://localhost'],
    ['revoked', 'has been revoked'],
    ['bad-signature', "has a signature that is not its issuer's"],
    ['alg-none', 'is not signed (alg: none)'],
  ] as const)('%s', async (defect, why) => {
    const token = await http.lab.accessToken({ user: 'alice', defect })
    const { status, headers, body } = await http.request('status', { headers: bearer(token) })
    expect([status, body.detail.replace('’', "'")]).toEqual([401, `the access token ${why}`])
    expect(headers.get('www-authenticate')).toMatch(
      `Bearer realm="Sealpost", error="invalid_token", error_description="the access token ${why}"`,
    )
  })

  test('wrong-scope', async () => {
    const token = await http.lab.accessToken({ user: 'alice', scope: 'imap4' })
    const { status, headers } = await http.request('status', { headers: bearer(token) })
    expect(status).toBe(403)
    expect(headers.get('www-authenticate')).toBe(
      'Bearer realm="Sealpost", error="insufficient_scope", error_description="the access token has the scope imap4, but needs the scope http", scope="http"',
    )
  })
})

describe('POST /api/v1/access-tokens', () => {
  const issue = (json: object, token: string) => http.request('access-tokens', { json, headers: bearer(token) })

  test('issues tokens with the claims of RFC 9068', async () => {
    const json = { user: 'bob@lab.test', scope: 'imap4 http', expiresIn: 300, clientId: 'my-client' }
    const { status, body } = await issue(json, ADMINISTRATOR)
    expect([status, body.tokenType, body.user, body.scope]).toEqual([200, 'Bearer', 'bob', ['imap4', 'http']])
    const [header, claims] = body.accessToken
      .split('.')
      .slice(0, 2)
      .map((part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()))
    expect(header).toEqual({ alg: 'RS256', kid: expect.any(String), typ: 'at+jwt' })
    expect(claims).toEqual({
      iss: `https://localhost:${http.lab.server('http').tlsPort}`,
      sub: 'bob',
      aud: 'https://localhost',
      client_id: 'my-client',
      scope: 'imap4 http',
      iat: claims.exp - 300,
      exp: Date.parse(body.expiresAt) / 1000,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    const { status: used } = await http.request('status', { headers: bearer(body.accessToken) })
    expect(used).toBe(200)
  })

  test.each([
    [{}, '/user'],
    [{ user: 'alice', defect: 'stale' }, '/defect'],
    [{ user: 'alice', expiresIn: '10ms' }, '/expiresIn'],
    [{ user: 'alice', expiresIn: 0 }, '/expiresIn'],
    [{ user: 'alice', expiresIn: '36501d' }, '/expiresIn'],
    [{ user: 'alice', algorithm: 'HS256' }, '/algorithm'],
  ])('refuses %j', async (json, pointer) => {
    const { status, body } = await issue(json, ADMINISTRATOR)
    expect([status, body.errors?.map((one: { pointer: string }) => one.pointer)]).toEqual([422, [pointer]])
  })
})

test('a token that is revoked is refused from then on', async () => {
  const token = await http.lab.accessToken({ user: 'alice' })
  expect((await http.request('status', { headers: bearer(token) })).status).toBe(200)
  await http.lab.revokeAccessToken(token)
  expect((await http.request('status', { headers: bearer(token) })).body.detail).toBe(
    'the access token has been revoked',
  )
  await expect(http.lab.revokeAccessToken('abc')).rejects.toThrow(
    'revokeAccessToken: token: is not an access token with a jti',
  )
})

test('a browser that logs on with a token is logged on as long as the token is valid', async () => {
  const token = await http.lab.accessToken({ user: 'alice', expiresIn: '5m' })
  const start = await http.request('session', { method: 'POST', headers: bearer(token), json: {} })
  const cookie = start.headers.get('set-cookie')?.split(';')[0] ?? ''
  const ask = async () => (await http.request('status', { headers: { cookie } })).status
  expect([start.status < 300, await ask()]).toEqual([true, 200])
  await http.lab.clock.advance('6m')
  expect(await ask()).toBe(401)
  await http.lab.clock.reset()

  const again = await http.request('session', { method: 'POST', headers: bearer(token), json: {} })
  const other = again.headers.get('set-cookie')?.split(';')[0] ?? ''
  await http.lab.revokeAccessToken(token)
  expect((await http.request('status', { headers: { cookie: other } })).status).toBe(401)
})
