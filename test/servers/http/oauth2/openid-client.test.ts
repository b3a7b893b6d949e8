import * as oidc from 'openid-client'
import { afterAll, describe, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/index.ts'
import { AuthorizationClient } from './authorization-client.ts'

const redirectUri = 'http://127.0.0.1:53682/callback'

const lab = await startLab({
  directory: { accounts: [{ user: 'alice', password: 'alices-secret' }] },
  oauth2: { clients: [{ clientId: 'web', clientSecret: 'webs-secret', redirectUris: [redirectUri], user: 'alice' }] },
  virtualServers: [{ protocol: 'http', tlsPort: 'off' }],
})
const issuer = new URL(`http://localhost:${lab.server('http').port}`)
afterAll(() => lab.stop())

const discover = (clientId: string, secret?: string, authentication?: oidc.ClientAuth): Promise<oidc.Configuration> =>
  oidc.discovery(issuer, clientId, secret, authentication, { execute: [oidc.allowInsecureRequests] })

/** Opens the URL as a browser, and returns where the person is sent back to. */
async function logOnAt(url: URL): Promise<URL> {
  const browser = new AuthorizationClient(issuer.origin)
  const { at } = await browser.follow(url.href)
  return new URL((await browser.follow(at, { user: 'alice', password: 'alices-secret', action: 'log-on' })).at)
}

describe('openid-client, which checks every answer', () => {
  it.each([
    ['OpenID Connect', 'oidc'],
    ['RFC 8414', 'oauth2'],
  ] as const)('finds the server by %s', async (_, algorithm) => {
    const execute = [oidc.allowInsecureRequests]
    const found = await oidc.discovery(issuer, 'sealpost', undefined, oidc.None(), { algorithm, execute })
    expect(found.serverMetadata()).toMatchObject({
      issuer: issuer.origin,
      token_endpoint: `${issuer.origin}/oauth2/token`,
    })
    expect(found.serverMetadata().supportsPKCE()).toBe(true)
  })

  it.each([
    ['a public client', 'sealpost', undefined, oidc.None()],
    ['a secret in the body', 'web', 'webs-secret', oidc.ClientSecretPost('webs-secret')],
    ['a secret in the header field', 'web', 'webs-secret', oidc.ClientSecretBasic('webs-secret')],
  ])('logs on, refreshes, introspects and revokes: %s', async (_, clientId, secret, authentication) => {
    const config = await discover(clientId, secret, authentication)
    const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
    const [expectedState, expectedNonce] = [oidc.randomState(), oidc.randomNonce()]
    const parameters = {
      redirect_uri: redirectUri,
      scope: 'openid profile email offline_access imap4',
      // As OpenID Connect demands for offline_access.
      prompt: 'consent',
      state: expectedState,
      nonce: expectedNonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    }
    const url = await oidc.buildAuthorizationUrlWithPAR(config, parameters)
    const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true }
    const tokens = await oidc.authorizationCodeGrant(config, await logOnAt(url), checks)
    expect(tokens.claims()).toMatchObject({ sub: 'alice', aud: clientId })
    expect(await oidc.fetchUserInfo(config, tokens.access_token, 'alice')).toEqual({
      sub: 'alice',
      name: 'alice',
      preferred_username: 'alice',
      email: 'alice@lab.test',
      email_verified: true,
    })
    const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(await oidc.tokenIntrospection(config, fresh.access_token)).toMatchObject({ active: true, sub: 'alice' })
    await oidc.tokenRevocation(config, fresh.access_token)
    expect(await oidc.tokenIntrospection(config, fresh.access_token)).toEqual({ active: false })
  })

  it('takes the answer as a form, and as a fragment', async () => {
    const config = await discover('web', 'webs-secret')
    const url = oidc.buildAuthorizationUrl(config, { redirect_uri: redirectUri, response_mode: 'fragment' })
    expect((await logOnAt(url)).hash).toMatch(/^#code=[\w-]+&iss=/)
    const browser = new AuthorizationClient(issuer.origin)
    const { at } = await browser.follow(`${url.href.replace('fragment', 'form_post')}`)
    const { answer } = await browser.follow(at, { user: 'alice', password: 'alices-secret', action: 'log-on' })
    expect(answer.body).toContain(`<form method="post" action="${redirectUri}">`)
    // Its script is the only one that may run.
    expect(answer.headers.get('content-security-policy')).toMatch(/script-src 'sha256-[\w+/]+=*'/)
  })

  it('gets tokens with its own secret', async () => {
    const config = await discover('web', 'webs-secret')
    const { access_token: token, scope } = await oidc.clientCredentialsGrant(config, { scope: 'smtp' })
    expect([scope, (await oidc.tokenIntrospection(config, token)).sub]).toEqual(['smtp', 'alice'])
  })

  it('learns the reason of a refusal', async () => {
    const config = await discover('web', 'webs-secret')
    await expect(oidc.refreshTokenGrant(config, 'unknown')).rejects.toMatchObject({ error: 'invalid_grant' })
    const url = oidc.buildAuthorizationUrl(config, { redirect_uri: redirectUri, scope: 'openid', prompt: 'none' })
    const browser = new AuthorizationClient(issuer.origin)
    const back = new URL((await browser.follow(url.href)).at)
    expect(back.searchParams.get('error')).toBe('login_required')
  })
})

it('knows clients that a reload adds', async () => {
  const browser = new AuthorizationClient(issuer.origin)
  const form = { grant_type: 'client_credentials', client_id: 'new', client_secret: 'news-secret' }
  expect((await browser.token(form)).status).toBe(401)
  await lab.reload({
    directory: { accounts: [{ user: 'alice', password: 'alices-secret' }] },
    oauth2: { clients: [{ clientId: 'new', clientSecret: 'news-secret', user: 'alice' }] },
    virtualServers: [{ protocol: 'http', tlsPort: 'off', port: Number(issuer.port) }],
  })
  expect((await browser.token(form)).status).toBe(200)
})
