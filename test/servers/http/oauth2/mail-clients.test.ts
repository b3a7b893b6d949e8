import { ImapFlow } from 'imapflow'
import nodemailer from 'nodemailer'
import { afterAll, beforeEach, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/index.ts'
import { AuthorizationClient, codeVerifier } from './authorization-client.ts'

const redirectUri = 'http://127.0.0.1:53682/callback'
const web = { client_id: 'web', client_secret: 'webs-secret' }
let client: AuthorizationClient

const authentication = ['xoauth2' as const]
const lab = await startLab({
  directory: { accounts: [{ user: 'alice', password: 'alices-secret' }] },
  oauth2: {
    clients: [{ clientId: web.client_id, clientSecret: web.client_secret, redirectUris: [redirectUri], user: 'alice' }],
  },
  virtualServers: [{ protocol: 'smtp', authentication }, { protocol: 'imap4', authentication }, { protocol: 'http' }],
})
afterAll(() => lab.stop())
beforeEach(() => {
  client = new AuthorizationClient(`http://127.0.0.1:${lab.server('http').port}`)
})

/** Gets tokens as a client with a secret. */
async function authorize(): Promise<{ access_token: string; refresh_token: string }> {
  const { verifier, challenge } = codeVerifier()
  const request = { client_id: web.client_id, response_type: 'code', redirect_uri: redirectUri, ...challenge }
  const { code = '' } = await client.authorize(request, 'alice', 'alices-secret')
  const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
  return (await client.token({ ...grant, ...web })).body
}

/** Logs on by IMAP. Returns the number of messages, or undefined if the token is refused. */
async function countMail(accessToken: string): Promise<number | undefined> {
  const { auth: _, ...options } = lab.imapflow({ user: 'alice', pass: '' })
  const imap = new ImapFlow({ ...options, auth: { user: 'alice', accessToken } })
  try {
    await imap.connect()
  } catch (error) {
    if ((error as { authenticationFailed?: boolean }).authenticationFailed) return undefined
    throw error
  }
  const status = await imap.status('INBOX', { messages: true })
  await imap.logout()
  return status ? status.messages : undefined
}

it('nodemailer gets tokens with a refresh token, and new ones by itself when they have expired', async () => {
  const { auth: _, ...options } = lab.nodemailer()
  const transport = nodemailer.createTransport({
    ...options,
    auth: {
      type: 'OAuth2',
      user: 'alice',
      clientId: web.client_id,
      clientSecret: web.client_secret,
      refreshToken: (await authorize()).refresh_token,
      accessUrl: `${client.base}/oauth2/token`,
    },
  })
  const given: string[] = []
  transport.on('token', ({ accessToken }: { accessToken: string }) => given.push(accessToken))
  const mail = { from: 'alice@lab.test', to: 'alice@lab.test', text: 'Hello.' }
  await transport.sendMail({ ...mail, subject: 'before' })
  await transport.sendMail({ ...mail, subject: 'with the same token' })
  expect(given).toHaveLength(1)
  await lab.clock.advance('2h')
  await transport.sendMail({ ...mail, subject: 'after' })
  expect(new Set(given).size).toBe(2)
  transport.close()
  await lab.clock.reset()
})

it('imapflow logs on with a token until it expires, and with the next one', async () => {
  const first = await authorize()
  expect(await countMail(first.access_token)).toBeGreaterThanOrEqual(0)
  await lab.clock.advance('61m')
  expect(await countMail(first.access_token)).toBeUndefined()
  const form = { grant_type: 'refresh_token', refresh_token: first.refresh_token, ...web }
  const second = (await client.token(form)).body
  expect(await countMail(second.access_token)).toBeGreaterThanOrEqual(0)
  await lab.clock.reset()
})

it('a token that is revoked no longer logs on anywhere', async () => {
  const { access_token: token } = await authorize()
  expect(await countMail(token)).toBeGreaterThanOrEqual(0)
  await client.send('/oauth2/revoke', { token, ...web })
  expect(await countMail(token)).toBeUndefined()
})

it('the end of a refresh token ends the access tokens of the same log-on', async () => {
  const tokens = await authorize()
  await client.send('/oauth2/revoke', { token: tokens.refresh_token, ...web })
  expect(await countMail(tokens.access_token)).toBeUndefined()
})

it('a program logs on with its own secret alone', async () => {
  const { body } = await client.token({ grant_type: 'client_credentials', ...web })
  expect(await countMail(body.access_token)).toBeGreaterThanOrEqual(0)
})
