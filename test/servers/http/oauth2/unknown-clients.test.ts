import { createHash } from 'node:crypto'
import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { ImapFlow } from 'imapflow'
import * as oidc from 'openid-client'
import { afterAll, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/index.ts'
import { AuthorizationClient } from './authorization-client.ts'

const redirectUri = 'http://127.0.0.1:53682/callback'
const execute = [oidc.allowInsecureRequests]

const authentication = ['xoauth2' as const, 'oauthbearer' as const]
const lab = await startLab({
  directory: { accounts: [{ user: 'alice', password: 'alices-secret' }] },
  oauth2: { mailClients: true },
  dns: { port: 0 },
  virtualServers: [
    { protocol: 'imap4', authentication },
    { protocol: 'smtp', authentication },
    // The issuer, without TLS: the fetch of Node.js cannot be given a root.
    { protocol: 'http', tlsPort: 'off', name: 'issuer' },
    { protocol: 'http', name: 'setup' },
  ],
})
afterAll(() => lab.stop())

/** Reads a document at a host of the lab, whose certificate must be for that name. */
async function read(host: string, path: string) {
  const asked = request({
    host: '127.0.0.1',
    port: lab.server('setup').tlsPort,
    servername: host,
    ca: lab.ca,
    headers: { Host: host },
    path,
    agent: false,
  })
  asked.end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) text += piece
  return { status: answer.statusCode, text }
}

it('a client that knows only an address finds the lab, registers, gets a token and logs on to IMAP', async () => {
  const domain = 'alice@lab.test'.split('@')[1]
  const dns = new Resolver()
  dns.setServers([lab.dns.server])

  // draft-ietf-mailmaint-pacc-02
  const host = `ua-auto-config.${domain}`
  expect(await dns.resolve4(host)).toEqual(['127.0.0.1'])
  const { text } = await read(host, '/.well-known/user-agent-configuration.json')
  const digest = createHash('sha256').update(text).digest('base64')
  expect(await dns.resolveTxt(`_ua-auto-config.${domain}`)).toEqual([[`v=UAAC1; a=sha256; d=${digest}`]])
  const found = JSON.parse(text)
  const issuer = `http://localhost:${lab.server('issuer').port}`
  expect(found).toEqual({
    protocols: { imap: { host: 'localhost' }, smtp: { host: 'localhost' } },
    authentication: { 'oauth-public': { issuer }, password: false },
    info: { provider: { name: 'Sealpost' } },
  })

  // RFC 8414 and RFC 7591
  const config = await oidc.dynamicClientRegistration(
    new URL(found.authentication['oauth-public'].issuer),
    { redirect_uris: [redirectUri], token_endpoint_auth_method: 'none', client_name: 'Test Mail' },
    oidc.None(),
    { algorithm: 'oauth2', execute },
  )
  expect(config.clientMetadata()).toMatchObject({ token_endpoint_auth_method: 'none', application_type: 'native' })
  expect(config.clientMetadata().client_secret).toBeUndefined()

  // RFC 7636; RFC 9207: openid-client compares `iss`.
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
  const expectedState = oidc.randomState()
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'urn:ietf:params:oauth:scope:mail offline_access',
    state: expectedState,
    code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  const browser = new AuthorizationClient(issuer)
  const { at } = await browser.follow(url.href)
  const back = new URL((await browser.follow(at, { user: 'alice', password: 'alices-secret', action: 'log-on' })).at)
  expect(back.searchParams.get('iss')).toBe(issuer)
  const forged = new URL(back)
  forged.searchParams.set('iss', 'http://other.test')
  const checks = { pkceCodeVerifier, expectedState }
  await expect(oidc.authorizationCodeGrant(config, forged, checks)).rejects.toMatchObject({
    cause: { message: expect.stringContaining('"iss"') },
  })
  const tokens = await oidc.authorizationCodeGrant(config, back, checks)
  expect(tokens.scope?.split(' ')).toContain('urn:ietf:params:oauth:scope:mail')
  const refreshed = await oidc.refreshTokenGrant(config, tokens.refresh_token ?? '')

  // RFC 6186 section 3.4: the lab has another port than 993.
  const [imaps] = await dns.resolveSrv(`_imaps._tcp.${domain}`)
  const imap = new ImapFlow({
    host: found.protocols.imap.host,
    port: imaps?.port ?? 0,
    secure: true,
    tls: { ca: lab.ca },
    auth: { user: 'alice@lab.test', accessToken: refreshed.access_token },
    logger: false,
  })
  await imap.connect()
  expect(imap.authenticated).toBeTruthy()
  await imap.logout()
})

it('the metadata of the HTTP API names the authorization server (RFC 9728)', async () => {
  const { text } = await read('localhost', '/.well-known/oauth-protected-resource')
  expect(JSON.parse(text)).toMatchObject({
    resource: 'https://localhost',
    authorization_servers: [`http://localhost:${lab.server('issuer').port}`],
    scopes_supported: expect.arrayContaining(['imap4', 'urn:ietf:params:oauth:scope:mail']),
  })
})

const register = (port: number, metadata: unknown) =>
  fetch(`http://localhost:${port}/oauth2/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(metadata),
  })

it('a registered client has no secret, and only the redirect URIs that it has registered', async () => {
  const { port } = lab.server('issuer')
  const answer = await register(port, {
    redirect_uris: ['test.example.app:/callback'],
    token_endpoint_auth_method: 'client_secret_basic',
    grant_types: ['client_credentials', 'implicit'],
  })
  expect(answer.status).toBe(201)
  const client = (await answer.json()) as Record<string, string>
  expect(client).toMatchObject({
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
  })
  expect(client.client_secret).toBeUndefined()
  const other = new URLSearchParams({
    client_id: client.client_id ?? '',
    response_type: 'code',
    redirect_uri: 'http://127.0.0.1/other',
    code_challenge: 'a'.repeat(43),
    code_challenge_method: 'S256',
  })
  expect((await fetch(`http://localhost:${port}/oauth2/authorize?${other}`, { redirect: 'manual' })).status).toBe(400)
  for (const wrong of [{}, [], 'text', { redirect_uris: ['http://elsewhere.test/'] }]) {
    expect((await register(port, wrong)).status).toBe(400)
  }
})

it('is off by default', async () => {
  await using other = await startLab({ virtualServers: [{ protocol: 'http' }], dns: { port: 0 } })
  const { port } = other.server('http')
  expect((await register(port, { redirect_uris: [redirectUri] })).status).toBe(404)
  const metadata = await (await fetch(`http://localhost:${port}/.well-known/oauth-authorization-server`)).json()
  expect(metadata).not.toHaveProperty('registration_endpoint')
  for (const path of ['user-agent-configuration.json', 'oauth-protected-resource']) {
    expect((await fetch(`http://localhost:${port}/.well-known/${path}`)).status).toBe(404)
  }
  const dns = new Resolver()
  dns.setServers([other.dns.server])
  await expect(dns.resolveTxt('_ua-auto-config.lab.test')).rejects.toThrow('ENOTFOUND')
})
