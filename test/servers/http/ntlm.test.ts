import { afterAll, describe, expect, test } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { authenticateMessage, type ClientLogon, negotiateMessage } from '../../support/ntlm-client.ts'
import { type RawAnswer, RawClient } from './raw-client.ts'

const lab = await startLab({
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'locked', password: 'secret', state: 'locked' },
      { user: 'expired', password: 'secret', state: 'password-expired' },
    ],
  },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'http', authentication: ['ntlm'] },
    { protocol: 'http', name: 'behind a proxy', authentication: ['ntlm'], forwarded: { from: ['127.0.0.1'] } },
    { protocol: 'http', name: 'without NTLM', authentication: ['basic'] },
  ],
})
afterAll(() => lab.stop())

const negotiate = negotiateMessage()
const right: ClientLogon = { user: 'alice', password: 'secret', domain: 'LAB' }

const open = (name?: string): RawClient =>
  new RawClient((name === undefined ? lab.server('http') : lab.server(name)).port as number)

async function ask(
  client: RawClient,
  fields: readonly string[] = [],
  head = 'GET /api/v1/messages',
): Promise<RawAnswer> {
  client.send([`${head} HTTP/1.1`, 'Host: localhost', ...fields, '', ''].join('\r\n'))
  const answer = await client.answer()
  if (!answer) throw new Error('the server closed the connection')
  return answer
}

const carry = (message: Buffer, scheme = 'NTLM'): string => `Authorization: ${scheme} ${message.toString('base64')}`

/** Sends the NEGOTIATE_MESSAGE. Returns the challenge. */
async function begin(client: RawClient, more: readonly string[] = [], scheme = 'NTLM'): Promise<Buffer> {
  const { status, headers } = await ask(client, [carry(negotiate, scheme), ...more])
  const [, named, challenge] = /^(\w+) (\S+)$/.exec(headers.get('www-authenticate') ?? '') ?? []
  expect({ status, named }).toEqual({ status: 401, named: scheme })
  return Buffer.from(challenge ?? '', 'base64')
}

async function logOn(
  client: RawClient,
  logon = right,
  more: readonly string[] = [],
  scheme = 'NTLM',
): Promise<RawAnswer> {
  const challenge = await begin(client, more, scheme)
  return ask(client, [carry(authenticateMessage(negotiate, challenge, logon), scheme), ...more])
}

test('NTLM is offered first, and only where `authentication` names it', async () => {
  const client = open()
  expect((await ask(client)).headers.get('www-authenticate')).toBe('NTLM, Bearer realm="Sealpost"')
  client.socket.destroy()
  const other = open('without NTLM')
  expect((await ask(other)).headers.get('www-authenticate')).not.toContain('NTLM')
  const refused = await ask(other, [carry(negotiate)])
  expect(refused.headers.get('www-authenticate')).not.toContain('NTLM')
  other.socket.destroy()
})

test.each(['NTLM', 'Negotiate'])('%s logs the connection on, and no other one', async (scheme) => {
  const client = open()
  expect(await logOn(client, right, [], scheme)).toMatchObject({ status: 200 })
  expect(await ask(client)).toMatchObject({ status: 200 })
  const session = lab
    .sessions()
    .filter(({ protocol }) => protocol === 'http')
    .at(-1)
  expect(session?.user).toBe('alice')
  expect(session?.refusals).toEqual([])
  expect(session?.transcript).toContainEqual(
    expect.objectContaining({ text: 'NTLM: NTLMv2, user LAB\\alice, workstation PC1' }),
  )
  expect(JSON.stringify(session)).not.toContain('TlRMTVNTUAAD')
  const other = open()
  expect((await ask(other)).status).toBe(401)
  for (const one of [client, other]) one.socket.destroy()
})

test('a request with a body logs on too', async () => {
  const client = open()
  const body = '{"read":true}'
  const fields = [`Content-Length: ${body.length}`, 'Content-Type: application/json']
  client.send(
    ['PATCH /api/v1/messages HTTP/1.1', 'Host: localhost', carry(negotiate), ...fields, '', body].join('\r\n'),
  )
  const challenged = await client.answer()
  expect(challenged?.status).toBe(401)
  const challenge = Buffer.from(challenged?.headers.get('www-authenticate')?.slice(5) ?? '', 'base64')
  const message = carry(authenticateMessage(negotiate, challenge, right))
  client.send(['PATCH /api/v1/messages HTTP/1.1', 'Host: localhost', message, ...fields, '', body].join('\r\n'))
  // The request itself is read: it selects no messages.
  const answer = await client.answer()
  expect(answer).toMatchObject({ status: 422, body: expect.stringContaining('nothing selects the messages') })
  client.socket.destroy()
})

describe('refused', () => {
  test('a wrong password and an unknown user, with the same text', async () => {
    const client = open()
    const wrong = await logOn(client, { ...right, password: 'wrong' })
    expect(wrong.status).toBe(401)
    expect(wrong.headers.get('www-authenticate')).toBe('NTLM, Bearer realm="Sealpost"')
    expect((await logOn(client, { ...right, user: 'nobody' })).body).toBe(wrong.body)
    expect((await ask(client)).status).toBe(401)
    expect((await logOn(client)).status).toBe(200)
    client.socket.destroy()
  })

  test.each(['locked', 'expired'])('an account that may not log on (%s), now and in the next request', async (user) => {
    const client = open()
    expect((await logOn(client, { ...right, user })).status).toBe(403)
    expect((await ask(client)).status).toBe(401)
    client.socket.destroy()
  })

  test('a failed log-on ends the one before', async () => {
    const client = open()
    expect((await logOn(client)).status).toBe(200)
    expect((await logOn(client, { ...right, password: 'wrong' })).status).toBe(401)
    expect((await ask(client)).status).toBe(401)
    client.socket.destroy()
  })

  test('an answer to no challenge, to the challenge of another connection, and twice', async () => {
    const [one, other] = [open(), open()]
    const challenge = await begin(one)
    const message = carry(authenticateMessage(negotiate, challenge, right))
    expect((await ask(other, [message])).status).toBe(401)
    await begin(other)
    expect((await ask(other, [message])).status).toBe(401)
    expect((await ask(one, [message])).status).toBe(200)
    const third = open()
    expect((await ask(third, [message])).status).toBe(401)
    expect((await ask(one, [message])).status).toBe(401)
    for (const client of [one, other, third]) client.socket.destroy()
  })

  test.each([
    'Authorization: NTLM',
    'Authorization: NTLM !',
    `Authorization: NTLM ${Buffer.from('hello').toString('base64')}`,
    // A token of SPNEGO.
    'Authorization: Negotiate YIIBhwYGKwYBBQUCoIIBezCCAXegMDAuBgorBgEEAYI3AgIK',
  ])('%s', async (field) => {
    const client = open()
    expect((await ask(client, [field])).status).toBe(401)
    expect((await logOn(client)).status).toBe(200)
    client.socket.destroy()
  })

  test('NTLM through a proxy, whose connections several clients may share', async () => {
    const client = open()
    for (const field of ['Via: 1.1 proxy', 'X-Forwarded-For: 192.0.2.1', 'Forwarded: for=192.0.2.1']) {
      const answer = await ask(client, [carry(negotiate), field])
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).not.toContain('NTLM')
    }
    // A request of a proxy on a connection that has logged on is not that of the account.
    expect((await logOn(client)).status).toBe(200)
    expect((await ask(client, ['Via: 1.1 proxy'])).status).toBe(401)
    client.socket.destroy()
    const listed = open('behind a proxy')
    expect((await ask(listed, [carry(negotiate)])).headers.get('www-authenticate')).not.toContain('NTLM')
    listed.socket.destroy()
  })

  test('a page of another site cannot use the log-on of a browser’s connection', async () => {
    const client = open()
    expect((await logOn(client)).status).toBe(200)
    expect((await ask(client, ['Origin: http://evil.test'], 'DELETE /api/v1/messages')).status).toBe(403)
    expect((await ask(client, ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors'])).status).toBe(403)
    client.socket.destroy()
  })
})
