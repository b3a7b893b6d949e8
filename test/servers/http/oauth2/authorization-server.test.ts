import { createPublicKey, verify } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/index.ts'
import { AuthorizationClient, codeVerifier, type OAuthAnswer } from './authorization-client.ts'

const password = 'alices-secret'
const callback = 'http://127.0.0.1:53682/callback'
let client: AuthorizationClient

const lab = await startLab({
  directory: {
    accounts: [
      { user: 'alice', password },
      { user: 'bob', password: 'bobs-secret' },
      { user: 'dave', password: 'daves-secret', state: 'locked' },
    ],
  },
  oauth2: {
    clients: [
      { clientId: 'web', clientSecret: 'webs secret+', redirectUris: ['https://app.example.test/callback'] },
      { clientId: 'robot', clientSecret: 'robots-secret', user: 'bob' },
      { clientId: 'app', redirectUris: ['test.example.app:/callback', 'http://127.0.0.1/here'] },
    ],
  },
  virtualServers: [{ protocol: 'http', limits: { failedLogonDelay: '1ms' } }],
})
const base = `http://127.0.0.1:${lab.server('http').port}`
afterAll(() => lab.stop())
beforeEach(() => {
  client = new AuthorizationClient(base)
})

const codeRequest = { client_id: 'sealpost', response_type: 'code', redirect_uri: callback, state: 'of the test' }

/** Gets tokens with an authorization code. */
async function tokensOf(user = 'alice', secret = password, scope = 'openid email imap4'): Promise<OAuthAnswer['body']> {
  const { verifier, challenge } = codeVerifier()
  const { code = '' } = await client.authorize({ ...codeRequest, scope, ...challenge }, user, secret)
  const grant = { grant_type: 'authorization_code', client_id: 'sealpost', code, redirect_uri: callback }
  return (await client.token({ ...grant, code_verifier: verifier })).body
}

const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
const introspect = async (token: string) =>
  (await client.send('/oauth2/introspect', { token, client_id: 'robot', client_secret: 'robots-secret' })).body
const refresh = (refreshToken: string) =>
  client.token({ grant_type: 'refresh_token', client_id: 'sealpost', refresh_token: refreshToken })
const logTexts = (): string[] => lab.sessions().flatMap(({ refusals }) => refusals.map((one) => String(one)))

describe('discovery', () => {
  it('is at both places, and names the issuer and the endpoints', async () => {
    const { body, status } = await client.send('/.well-known/openid-configuration')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      issuer: `https://localhost:${lab.server('http').tlsPort}`,
      authorization_endpoint: `${base}/oauth2/authorize`,
      token_endpoint: `${base}/oauth2/token`,
      device_authorization_endpoint: `${base}/oauth2/device_authorization`,
      pushed_authorization_request_endpoint: `${base}/oauth2/par`,
      introspection_endpoint: `${base}/oauth2/introspect`,
      revocation_endpoint: `${base}/oauth2/revoke`,
      userinfo_endpoint: `${base}/oauth2/userinfo`,
      jwks_uri: `${base}/oauth2/jwks`,
      response_types_supported: ['code'],
      code_challenge_methods_supported: ['S256'],
      scopes_supported: expect.arrayContaining(['openid', 'offline_access', 'smtp', 'pop3', 'imap4', 'nntp']),
      grant_types_supported: [
        'authorization_code',
        'refresh_token',
        'client_credentials',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
    })
    expect((await client.send('/.well-known/oauth-authorization-server')).body).toEqual(body)
  })

  it('leads to the keys that verify access tokens and ID tokens', async () => {
    const { keys } = (await client.send('/oauth2/jwks')).body
    expect(JSON.stringify(keys)).not.toMatch(/"(?:d|p|q|dp|dq|qi)":/)
    const tokens = await tokensOf()
    for (const token of [tokens.access_token, tokens.id_token]) {
      const [header = '', payload = '', signature = ''] = token.split('.')
      const { kid, alg } = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))
      const key = keys.find((one: { kid: string }) => one.kid === kid)
      expect([key.alg, key.use]).toEqual([alg, 'sig'])
      const publicKey = createPublicKey({ key, format: 'jwk' })
      const signed = Buffer.from(`${header}.${payload}`)
      expect(verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true)
    }
  })
})

describe('the authorization code', () => {
  it('gives an access token of the lab, an ID token and a refresh token', async () => {
    const tokens = await tokensOf()
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600, scope: 'openid email imap4' })
    const issuer = `https://localhost:${lab.server('http').tlsPort}`
    expect(claimsOf(tokens.access_token)).toMatchObject({
      iss: issuer,
      sub: 'alice',
      aud: 'https://localhost',
      client_id: 'sealpost',
      scope: 'openid email imap4',
    })
    expect(claimsOf(tokens.id_token)).toMatchObject({ iss: issuer, sub: 'alice', aud: 'sealpost' })
    const authorization = `Bearer ${tokens.access_token}`
    const { body } = await client.send('/oauth2/userinfo', undefined, { authorization })
    expect(body).toEqual({ sub: 'alice', email: 'alice@lab.test', email_verified: true })
  })

  it('comes back with state and issuer, and gives all scopes if none is asked for', async () => {
    const { verifier, challenge } = codeVerifier()
    const back = await client.authorize({ ...codeRequest, ...challenge }, 'alice@lab.test', password)
    expect(back).toMatchObject({ state: 'of the test', iss: `https://localhost:${lab.server('http').tlsPort}` })
    const grant = { grant_type: 'authorization_code', client_id: 'sealpost', redirect_uri: callback }
    const { body } = await client.token({ ...grant, code: back.code ?? '', code_verifier: verifier })
    expect(body.scope).toBe('smtp pop3 imap4 nntp lmtp managesieve http')
    expect(body.id_token).toBeUndefined()
  })

  it('needs PKCE from a public client, with the right verifier', async () => {
    const refused = await client.authorize(codeRequest, 'alice', password)
    expect(refused).toMatchObject({ error: 'invalid_request', state: 'of the test' })
    const { challenge } = codeVerifier()
    const { code = '' } = await client.authorize({ ...codeRequest, ...challenge }, 'alice', password)
    const grant = { grant_type: 'authorization_code', client_id: 'sealpost', code, redirect_uri: callback }
    const { status, body } = await client.token({ ...grant, code_verifier: codeVerifier().verifier })
    expect([status, body.error]).toEqual([400, 'invalid_grant'])
  })

  it('works once; its tokens end when it is used again', async () => {
    const { verifier, challenge } = codeVerifier()
    const { code = '' } = await client.authorize({ ...codeRequest, ...challenge }, 'alice', password)
    const grant = { grant_type: 'authorization_code', client_id: 'sealpost', code, redirect_uri: callback }
    const { body } = await client.token({ ...grant, code_verifier: verifier })
    expect((await introspect(body.access_token)).active).toBe(true)
    expect((await client.token({ ...grant, code_verifier: verifier })).body.error).toBe('invalid_grant')
    expect(await introspect(body.access_token)).toEqual({ active: false })
    expect((await refresh(body.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('goes to the addresses of the client only', async () => {
    const at = async (clientId: string, redirectUri: string): Promise<number> => {
      const { challenge } = codeVerifier()
      const parameters = { ...codeRequest, client_id: clientId, redirect_uri: redirectUri, ...challenge }
      return (await client.follow(`/oauth2/authorize?${new URLSearchParams(parameters)}`)).answer.status
    }
    expect(await at('sealpost', 'http://localhost:1234/any/path?x=y')).toBe(200)
    expect(await at('sealpost', 'http://[::1]:9/')).toBe(200)
    expect(await at('app', 'test.example.app:/callback')).toBe(200)
    expect(await at('app', 'http://127.0.0.1:40000/here')).toBe(200)
    expect(await at('web', 'https://app.example.test/callback')).toBe(200)
    for (const [clientId = '', uri = ''] of [
      ['sealpost', 'https://127.0.0.1/'],
      ['sealpost', 'http://evil.example.test/'],
      ['sealpost', 'http://127.0.0.1.evil.example.test/'],
      ['sealpost', 'http://user@127.0.0.1/'],
      ['app', 'http://127.0.0.1/there'],
      ['app', 'test.example.app:/other'],
      ['web', 'https://app.example.test/callback/more'],
      ['web', 'http://127.0.0.1/callback'],
    ]) {
      expect(await at(clientId, uri), uri).toBe(400)
    }
  })
})

describe('the page for the log-on', () => {
  const open = async () => {
    const { challenge } = codeVerifier()
    const parameters = { ...codeRequest, login_hint: '<b>"alice"', ...challenge }
    return client.follow(`/oauth2/authorize?${new URLSearchParams(parameters)}`)
  }

  it('has no scripts, allows none, and escapes what the client sends', async () => {
    const { answer } = await open()
    expect(answer.body).toContain('value="&lt;b&gt;&quot;alice&quot;"')
    expect(answer.body).not.toMatch(/<script|<b>|\son\w+=/)
    const policy = answer.headers.get('content-security-policy')
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[\w+/]+=*'; form-action 'self' http:\/\/127\.0\.0\.1:53682; /,
    )
    expect(answer.headers.get('x-frame-options')).toBe('DENY')
    expect(answer.headers.get('referrer-policy')).toBe('same-origin')
  })

  it('answers alike to a wrong password and an unknown account, and lets a person try again', async () => {
    const { at } = await open()
    const wrong = await client.send(at, { user: 'alice', password: 'wrong', action: 'log-on' })
    const unknown = await client.send(at, { user: 'nobody', password: 'wrong', action: 'log-on' })
    expect([wrong.status, unknown.status]).toEqual([403, 403])
    expect(wrong.body).toContain('Unknown user name or bad password.')
    expect(unknown.body.replace('value="nobody"', 'value="alice"')).toBe(wrong.body)
    // Only who knows the password learns more.
    const guessed = await client.send(at, { user: 'dave', password: 'wrong', action: 'log-on' })
    expect(guessed.body).toContain('Unknown user name or bad password.')
    const locked = await client.send(at, { user: 'dave', password: 'daves-secret', action: 'log-on' })
    expect([locked.status, locked.body]).toEqual([403, expect.stringContaining('The account is locked.')])
    expect(logTexts()).toContain('log-on for the client sealpost failed: the account is locked')
    const { at: end } = await client.follow(at, { user: 'alice', password, action: 'log-on' })
    expect(new URL(end).searchParams.has('code')).toBe(true)
  })

  it('takes a refusal, which the client is told', async () => {
    const { at } = await open()
    const { at: end } = await client.follow(at, { action: 'deny' })
    expect(new URL(end).searchParams.get('error')).toBe('access_denied')
  })

  it('belongs to one browser and one log-on', async () => {
    const { at } = await open()
    const other = await new AuthorizationClient(base).send(at, { user: 'alice', password, action: 'log-on' })
    expect(other.status).toBe(400)
    await client.follow(at, { user: 'alice', password, action: 'log-on' })
    expect((await client.send(at)).status).toBe(400)
  })

  it('is shown for every log-on, so that another account can follow', async () => {
    expect(claimsOf((await tokensOf()).access_token).sub).toBe('alice')
    expect(claimsOf((await tokensOf('bob', 'bobs-secret')).access_token).sub).toBe('bob')
  })
})

describe('tokens of a client', () => {
  it('are refreshed, and each refresh token works once', async () => {
    const first = await tokensOf()
    const second = (await refresh(first.refresh_token)).body
    expect(second.access_token).not.toBe(first.access_token)
    expect((await introspect(second.access_token)).active).toBe(true)
    expect((await refresh(first.refresh_token)).body.error).toBe('invalid_grant')
    // Somebody has stolen it: all tokens of the log-on end. RFC 9700 section 4.14.2
    expect((await refresh(second.refresh_token)).body.error).toBe('invalid_grant')
    expect(await introspect(second.access_token)).toEqual({ active: false })
    expect(logTexts().join('\n')).toContain('the refresh token was used before')
  })

  it('are had with its own secret, in the body or in the header field, for its account', async () => {
    const grant = { grant_type: 'client_credentials' }
    const inBody = await client.token({ ...grant, client_id: 'robot', client_secret: 'robots-secret' })
    const authorization = `Basic ${Buffer.from('robot:robots-secret').toString('base64')}`
    const inField = await client.token({ ...grant, scope: 'smtp' }, { authorization })
    expect(claimsOf(inBody.body.access_token)).toMatchObject({ sub: 'bob', client_id: 'robot' })
    expect(inField.body.scope).toBe('smtp')
    expect(inField.body.refresh_token).toBeUndefined()
    expect(await introspect(inField.body.access_token)).toMatchObject({
      active: true,
      client_id: 'robot',
      scope: 'smtp',
    })
    const web = `Basic ${Buffer.from('web:webs+secret%2B').toString('base64')}`
    expect((await client.token(grant, { authorization: web })).body.error).toBe('invalid_request')
    const wrong = await client.token({ ...grant, client_id: 'robot', client_secret: 'wrong' })
    expect([wrong.status, wrong.body.error]).toEqual([401, 'invalid_client'])
    expect((await client.token({ ...grant, client_id: 'nobody', client_secret: 'x' })).body).toEqual(wrong.body)
    expect((await client.token({ ...grant, client_id: 'sealpost' })).body.error).toBe('invalid_request')
  })

  it('are introspected, and revoked by their own client', async () => {
    const tokens = await tokensOf()
    expect(await introspect(tokens.access_token)).toMatchObject({
      active: true,
      sub: 'alice',
      client_id: 'sealpost',
      scope: 'openid email imap4',
      token_type: 'Bearer',
      jti: claimsOf(tokens.access_token).jti,
    })
    expect((await introspect(tokens.refresh_token)).active).toBe(true)
    expect(await introspect('no-token')).toEqual({ active: false })
    expect(await introspect(claimsOf(tokens.access_token).jti)).toEqual({ active: false })
    const stranger = { client_id: 'robot', client_secret: 'robots-secret' }
    await client.send('/oauth2/revoke', { token: tokens.access_token, ...stranger })
    expect((await introspect(tokens.access_token)).active).toBe(true)
    const { status } = await client.send('/oauth2/revoke', { token: tokens.access_token, client_id: 'sealpost' })
    expect(status).toBe(200)
    expect(await introspect(tokens.access_token)).toEqual({ active: false })
    const authorization = `Bearer ${tokens.access_token}`
    expect((await client.send('/oauth2/userinfo', undefined, { authorization })).status).toBe(401)
  })
})

it('introspects and revokes the tokens of lab.accessToken, and none with a defect', async () => {
  const token = await lab.accessToken({ user: 'bob', scope: 'imap4' })
  expect(await introspect(token)).toMatchObject({ active: true, sub: 'bob', client_id: 'sealpost', scope: 'imap4' })
  await client.send('/oauth2/revoke', { token, client_id: 'sealpost' })
  expect(await introspect(token)).toEqual({ active: false })
  for (const defect of ['expired', 'wrong-issuer', 'bad-signature', 'alg-none', 'revoked'] as const) {
    expect(await introspect(await lab.accessToken({ user: 'bob', defect })), defect).toEqual({ active: false })
  }
})

it('takes pushed authorization requests', async () => {
  const { verifier, challenge } = codeVerifier()
  const { status, body } = await client.send('/oauth2/par', { ...codeRequest, ...challenge })
  expect(status).toBe(201)
  const back = await client.authorize({ client_id: 'sealpost', request_uri: body.request_uri }, 'alice', password)
  const grant = { grant_type: 'authorization_code', client_id: 'sealpost', redirect_uri: callback }
  const answer = await client.token({ ...grant, code: back.code ?? '', code_verifier: verifier })
  expect(answer.body.scope).toBe('smtp pop3 imap4 nntp lmtp managesieve http')
})

describe('a device', () => {
  const start = async () => (await client.send('/oauth2/device_authorization', { client_id: 'sealpost' })).body
  const poll = async (deviceCode: string) =>
    (await client.token({ ...deviceGrant, client_id: 'sealpost', device_code: deviceCode })).body
  const deviceGrant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code' }
  const secretIn = ({ body }: OAuthAnswer): string => /name="xsrf" value="([^"]+)"/.exec(body)?.[1] ?? ''

  it('gets tokens when a person enters its code and logs on', async () => {
    const device = await start()
    expect(device).toMatchObject({ verification_uri: `${base}/oauth2/device`, expires_in: 600 })
    expect((await poll(device.device_code)).error).toBe('authorization_pending')
    const form = await client.send(device.verification_uri)
    expect(form.body).not.toContain('<script')
    const xsrf = secretIn(form)
    const missing = await client.send('/oauth2/device', { xsrf, user_code: 'BCDF-GHJK' })
    expect(missing.body).toContain('No device has this code')
    const confirm = await client.send('/oauth2/device', { xsrf: secretIn(missing), user_code: device.user_code })
    expect(confirm.body).toContain(`<p class="code">${device.user_code}</p>`)
    const entered = { xsrf: secretIn(confirm), user_code: device.user_code, confirm: 'yes' }
    const { at } = await client.follow('/oauth2/device', entered)
    const { answer } = await client.follow(at, { user: 'bob', password: 'bobs-secret', action: 'log-on' })
    expect(answer.body).toContain('The device is connected')
    const tokens = await poll(device.device_code)
    expect(claimsOf(tokens.access_token)).toMatchObject({
      sub: 'bob',
      scope: 'smtp pop3 imap4 nntp lmtp managesieve http',
    })
    expect((await refresh(tokens.refresh_token)).status).toBe(200)
    expect((await poll(device.device_code)).error).toBe('invalid_grant')
  })

  it('is told that the person refuses; a link with the code only fills in the form', async () => {
    const device = await start()
    const form = await client.send(device.verification_uri_complete)
    expect(form.body).toContain(`value="${device.user_code}"`)
    expect(form.body).not.toContain('<script')
    await client.send('/oauth2/device', { xsrf: secretIn(form), user_code: device.user_code, abort: 'yes' })
    expect((await poll(device.device_code)).error).toBe('access_denied')
  })
})

it('follows the clock of the lab', async () => {
  const tokens = await tokensOf()
  await lab.clock.advance('59m')
  expect((await introspect(tokens.access_token)).active).toBe(true)
  await lab.clock.advance('2m')
  expect(await introspect(tokens.access_token)).toEqual({ active: false })
  const fresh = (await refresh(tokens.refresh_token)).body
  expect((await introspect(fresh.access_token)).active).toBe(true)
  await lab.clock.advance('15d')
  expect((await refresh(fresh.refresh_token)).body.error).toBe('invalid_grant')
  await lab.clock.reset()
})

it('has an add-on for Thunderbird, which names the endpoints and the mail servers', async () => {
  const response = await fetch(`${base}/oauth2/thunderbird.xpi`)
  expect(response.headers.get('content-type')).toBe('application/x-xpinstall')
  const octets = Buffer.from(await response.arrayBuffer())
  // The only file, in the form of APPNOTE.TXT section 4.3.7.
  const [nameLength, extraLength] = [octets.readUInt16LE(26), octets.readUInt16LE(28)]
  expect(octets.subarray(30, 30 + nameLength).toString()).toBe('manifest.json')
  const start = 30 + nameLength + extraLength
  const manifest = JSON.parse(inflateRawSync(octets.subarray(start, start + octets.readUInt32LE(18))).toString())
  const issuer = `https://localhost:${lab.server('http').tlsPort}`
  expect(manifest.oauth_provider).toMatchObject({
    clientId: 'sealpost',
    authorizationEndpoint: `${issuer}/oauth2/authorize`,
    tokenEndpoint: `${issuer}/oauth2/token`,
    redirectionEndpoint: 'http://localhost',
    scopes: 'smtp pop3 imap4 nntp lmtp managesieve http',
    usePKCE: true,
    hostnames: ['127.0.0.1'],
  })
})

it('a log-on ends with its account', async () => {
  const account = { user: 'carol', password: 'carols-secret' }
  const headers = { 'content-type': 'application/json' }
  await fetch(`${base}/api/v1/accounts`, { method: 'POST', headers, body: JSON.stringify(account) })
  const tokens = await tokensOf(account.user, account.password)
  expect((await introspect(tokens.access_token)).active).toBe(true)
  await fetch(`${base}/api/v1/accounts/carol`, { method: 'DELETE' })
  expect(await introspect(tokens.access_token)).toEqual({ active: false })
  expect((await refresh(tokens.refresh_token)).body.error).toBe('invalid_grant')
  expect(logTexts().join('\n')).toContain('the account no longer exists')
})

describe('a request', () => {
  it('is refused from a page of another site, or for a name that is not the lab’s', async () => {
    const form = { grant_type: 'client_credentials', client_id: 'robot', client_secret: 'robots-secret' }
    expect((await client.token(form, { origin: 'https://evil.example.test' })).status).toBe(403)
    expect((await client.token(form, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' })).status).toBe(403)
    expect((await client.token(form, { origin: base, 'sec-fetch-site': 'same-origin' })).status).toBe(200)
  })

  it('is refused if it is too long, or has the wrong method or path', async () => {
    const long = 'x'.repeat(9_000)
    expect((await client.token({ grant_type: 'client_credentials', client_id: long })).status).toBe(413)
    expect((await client.send(`/oauth2/authorize?client_id=${long}`)).status).toBe(413)
    const wrong = await client.send('/oauth2/token')
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, OPTIONS'])
    const options = await fetch(`${base}/oauth2/device`, { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, POST, OPTIONS'])
    expect((await client.send('/oauth2/nothing')).status).toBe(404)
    expect((await client.send('/oauth2/end_session')).status).toBe(404)
  })

  it('that is refused is in the log and in its session in plain words', async () => {
    await client.send('/oauth2/authorize?client_id=nobody')
    expect(logTexts()).toContain(
      'refused an authorization to the client nobody: no client has this name; list it in oauth2.clients (invalid_client)',
    )
    const { items } = (await client.send('/api/v1/log')).body
    expect(items.map(({ message }: { message: string }) => message)).toContain(
      'oauth2: refused an authorization to the client nobody: no client has this name; list it in oauth2.clients (invalid_client)',
    )
  })
})

it('forgets everything when the lab is reset', async () => {
  const tokens = await tokensOf()
  await lab.reset()
  expect((await refresh(tokens.refresh_token)).body.error).toBe('invalid_grant')
})
