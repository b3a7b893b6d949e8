import { afterAll, describe, expect, test } from 'vitest'
import { LineClient } from '../../support/line-client.ts'
import { acknowledgements, logOn, mechanisms, open, protocolNames, response, startTokenLab } from './support.ts'

const lab = await startTokenLab()
afterAll(() => lab.stop())

/** Returns why the latest session was refused, and everything else that it has recorded. */
async function latest(): Promise<{ refusals: readonly string[]; text: string }> {
  const session = lab.sessions().at(-1)
  if (!session) throw new Error('no session')
  return { refusals: session.refusals, text: JSON.stringify(session) }
}

const reasons = [
  ['expired', 'the access token expired 1 minute ago'],
  ['wrong-audience', 'the access token is for https://other-service.invalid, not for https://localhost'],
  [
    'wrong-issuer',
    'the access token names the issuer https://other-issuer.invalid, which is neither this lab nor listed in oauth2.issuers',
  ],
  ['wrong-scope', 'the access token has the scope other, but needs the scope imap4'],
  ['revoked', 'the access token has been revoked'],
  ['bad-signature', 'the access token has a signature that is not its issuer’s'],
  ['alg-none', 'the access token is not signed (alg: none)'],
] as const

test.each(reasons)('the record says why a token is refused: %s', async (defect, reason) => {
  const token = await lab.accessToken({ user: 'alice', defect })
  using client = await open(lab, 'imap4')
  await logOn(client, 'imap4', 'OAUTHBEARER', response('OAUTHBEARER', token))
  expect((await latest()).refusals).toContain(`OAUTHBEARER: ${reason}`)
})

test('the record counts the time since a token expired', async () => {
  const token = await lab.accessToken({ user: 'alice', expiresIn: 60 })
  await lab.clock.freeze()
  await lab.clock.advance('4m')
  const client = await open(lab, 'imap4')
  await logOn(client, 'imap4', 'XOAUTH2', response('XOAUTH2', token))
  expect((await latest()).refusals).toContain('XOAUTH2: the access token expired 3 minutes ago')
  client.destroy()
  await lab.clock.reset()
})

describe.each(protocolNames)('%s', (protocol) => {
  test.each(mechanisms)('no token is in the record: %s', async (mechanism) => {
    const token = await lab.accessToken({ user: 'alice', defect: 'expired' })
    const initial = response(mechanism, token)
    using client = await open(lab, protocol)
    await logOn(client, protocol, mechanism, initial)
    client.send(`${acknowledgements[mechanism]}\r\n`)
    await client.line()
    await logOn(client, protocol, 'PLAIN', initial)
    await logOn(client, protocol, mechanism, `${initial.slice(0, -2)}!`)
    const { text } = await latest()
    expect(text).toContain(mechanism)
    for (const secret of [token, initial.slice(0, 60), token.split('.')[1] ?? '', token.split('.')[2] ?? '']) {
      expect(text).not.toContain(secret)
    }
  })
})

test('a token in clear is not in the record either', async () => {
  const token = await lab.accessToken({ user: 'alice' })
  using client = await LineClient.greeted(lab.server('imap4').port ?? 0)
  await logOn(client, 'imap4', 'XOAUTH2', response('XOAUTH2', token))
  expect((await latest()).text).not.toContain(response('XOAUTH2', token).slice(0, 60))
})

describe('messages', () => {
  const bearer = (parts: string): string => Buffer.from(parts.replaceAll('^', '\x01')).toString('base64')
  const imapPort = (): number => lab.server('imap4').tlsPort ?? 0

  test.each<[string, (token: string) => string]>([
    ['without the name of an account', (token) => `n,,^auth=Bearer ${token}^^`],
    ['with host and port', (token) => `n,a=alice,^host=localhost^port=${imapPort()}^auth=Bearer ${token}^^`],
    ['with an address as host', (token) => `n,,^host=127.0.0.1^auth=Bearer ${token}^^`],
    ['with an unknown key', (token) => `y,,^mthd=POST^auth=bearer ${token}^^`],
  ])('RFC 7628 section 3.1: OAUTHBEARER %s', async (_, message) => {
    const token = await lab.accessToken({ user: 'alice' })
    using client = await open(lab, 'imap4')
    expect(await logOn(client, 'imap4', 'OAUTHBEARER', bearer(message(token)))).toMatch(/^A OK /)
  })

  test.each<[string, (token: string) => string, string]>([
    [
      'another host',
      (token) => `n,,^host=mail.other.test^auth=Bearer ${token}^^`,
      'the message is for the host mail.other.test',
    ],
    ['another port', (token) => `n,,^port=1^auth=Bearer ${token}^^`, 'the message is for port 1, not for PORT'],
    ['channel binding', (token) => `p=tls-exporter,,^auth=Bearer ${token}^^`, 'the message is not one of OAUTHBEARER'],
    ['no auth', () => 'n,,^host=localhost^^', 'the message is not one of OAUTHBEARER'],
    [
      'auth twice',
      (token) => `n,,^auth=Bearer ${token}^auth=Bearer ${token}^^`,
      'the message is not one of OAUTHBEARER',
    ],
    ['another scheme', (token) => `n,,^auth=MAC ${token}^^`, 'the message is not one of OAUTHBEARER'],
    ['one separator at the end', (token) => `n,,^auth=Bearer ${token}^`, 'the message is not one of OAUTHBEARER'],
    ['nothing', () => '^', 'the message is not one of OAUTHBEARER'],
    ['an empty auth', () => 'n,,^auth=^^', 'the client sent no access token'],
    ['something that is not a JWT', () => 'n,,^auth=Bearer abc^^', 'the access token is not a JWT'],
    [
      'an unknown user',
      () => 'n,,^auth=Bearer UNKNOWN^^',
      'the access token names the user nobody, who has no account',
    ],
  ])('OAUTHBEARER with %s', async (_, message, note) => {
    const token = await lab.accessToken({ user: 'alice' })
    const unknown = await lab.accessToken({ user: 'nobody' })
    using client = await open(lab, 'imap4')
    const text = message(token).replace('UNKNOWN', unknown)
    expect(await logOn(client, 'imap4', 'OAUTHBEARER', bearer(text))).toMatch(/^\+ eyJ/)
    expect((await latest()).refusals).toContain(`OAUTHBEARER: ${note.replace('PORT', `${imapPort()}`)}`)
    client.send('AQ==\r\n')
    expect(await client.line()).toMatch(/^A NO \[AUTHENTICATIONFAILED\]/)
  })

  test('RFC 7628 section 3.2.3: the record notes a client that does not acknowledge the error', async () => {
    const token = await lab.accessToken({ user: 'alice', defect: 'expired' })
    using client = await open(lab, 'imap4')
    await logOn(client, 'imap4', 'OAUTHBEARER', response('OAUTHBEARER', token))
    client.send('\r\n')
    expect(await client.line()).toMatch(/^A NO \[AUTHENTICATIONFAILED\]/)
    expect((await latest()).refusals).toContain('OAUTHBEARER: after the error, the client did not send AQ==')
    await logOn(client, 'imap4', 'OAUTHBEARER', response('OAUTHBEARER', token))
    client.send('*\r\n')
    expect(await client.line()).toMatch(/^A BAD /)
  })
})
