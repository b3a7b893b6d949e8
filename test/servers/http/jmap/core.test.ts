import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'Bo.b', password: 'secret' },
    ],
  },
  access: { tokens: [{ name: 'alice', token: 'token-of-the-lab', role: 'administrator' }] },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    { protocol: 'http' },
    { protocol: 'http', name: 'without', jmap: 'off' },
  ],
})
const alice = new JmapClient(http)
const CORE = 'urn:ietf:params:jmap:core'
const urn = (type: string) => `urn:ietf:params:jmap:error:${type}`

describe('the session object', () => {
  it('is at the well-known path, with URLs by the name that the client uses', async () => {
    const { body, status } = await http.request('/.well-known/jmap', { headers: alice.headers })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      capabilities: { [CORE]: { maxObjectsInGet: 500, maxSizeRequest: 10 * 1024 ** 2 } },
      accounts: { alice: { name: 'alice@lab.test', isPersonal: true, isReadOnly: false } },
      username: 'alice',
      apiUrl: `${http.base}/jmap/api`,
      uploadUrl: `${http.base}/jmap/upload/{accountId}`,
      state: expect.any(String),
    })
    expect((await http.request('/jmap/session', { headers: alice.headers })).body).toEqual(body)
  })

  it('has an id without characters that ids cannot have', async () => {
    const { accounts } = await new JmapClient(http, 'Bo.b').session()
    expect(Object.keys(accounts)).toEqual([expect.stringMatching(/^[\w-]+$/)])
  })

  it('does not exist where JMAP is off', async () => {
    const { port } = http.lab.server('without')
    expect((await fetch(`http://127.0.0.1:${port}/.well-known/jmap`, { headers: alice.headers })).status).toBe(404)
  })
})

describe('the log-on', () => {
  it('refuses clients without credentials, and names Basic and Bearer', async () => {
    const { status, headers, body } = await http.request('/.well-known/jmap')
    expect([status, body.detail]).toEqual([401, expect.stringContaining('Basic')])
    expect(headers.get('www-authenticate')).toMatch(/^Bearer .*Basic /)
  })

  it('refuses a token of the lab, whatever its name', async () => {
    const headers = { authorization: 'Bearer token-of-the-lab' }
    const { status, body } = await http.request('/jmap/session', { headers })
    expect([status, body.detail]).toEqual([403, expect.stringContaining('belongs to no account')])
  })

  it('does not accept cookies', async () => {
    const logOn = await http.request('/api/v1/log-on', { method: 'POST', headers: alice.headers })
    const cookie = logOn.headers.get('set-cookie')?.split(';')[0] ?? 'sealpost-session=x'
    expect((await http.request('/jmap/session', { headers: { cookie } })).status).toBe(401)
  })

  it('accepts an access token of the lab', async () => {
    const token = await http.lab.accessToken({ user: 'alice' })
    const { body } = await http.request('/jmap/session', { headers: { authorization: `Bearer ${token}` } })
    expect(body.username).toBe('alice')
  })
})

describe('a request', () => {
  it('runs its methods in order', async () => {
    const echo = (n: number) => ['Core/echo', { n, nested: { a: [true, null] } }, `c${n}`]
    const { body } = await alice.post({ using: [CORE], methodCalls: [echo(1), echo(2)] })
    expect(body).toEqual({ methodResponses: [echo(1), echo(2)], sessionState: (await alice.session()).state })
  })

  it.each([
    ['notRequest', { using: [CORE] }],
    ['notRequest', [1]],
    ['notRequest', { using: [CORE], methodCalls: [['Core/echo', {}]] }],
    ['unknownCapability', { using: [CORE, 'urn:example:nothing'], methodCalls: [] }],
    ['limit', { using: [CORE], methodCalls: Array(33).fill(['Core/echo', {}, 'c']) }],
  ])('is refused as a whole: %s', async (type, json) => {
    const { status, headers, body } = await alice.post(json)
    expect([status, headers.get('content-type'), body.type]).toEqual([400, 'application/problem+json', urn(type)])
    if (type === 'limit') expect(body.limit).toBe('maxCallsInRequest')
  })

  it.each([
    ['a key twice', '{"using":[],"using":[],"methodCalls":[]}'],
    ['a key twice, once escaped', '{"using":[],"\\u0075sing":[],"methodCalls":[]}'],
    ['half of a surrogate pair', '{"using":["\\ud800"],"methodCalls":[]}'],
    ['octets that are not UTF-8', Buffer.from('{"using":["\xff"],"methodCalls":[]}', 'latin1')],
    ['no JSON', '{"using":'],
    ['nothing', ''],
  ])('that is not I-JSON is refused: %s', async (_, body) => {
    const headers = { ...alice.headers, 'content-type': 'application/json' }
    const answer = await http.request('/jmap/api', { method: 'POST', headers, body })
    expect([answer.status, answer.body.type]).toEqual([400, urn('notJSON')])
  })

  it('of another type is refused', async () => {
    const headers = { ...alice.headers, 'content-type': 'text/plain' }
    const { status, body } = await http.request('/jmap/api', { headers, body: '{"using":[],"methodCalls":[]}' })
    expect([status, body.type]).toEqual([400, urn('notJSON')])
  })
})

describe('pages of other sites', () => {
  const site = { origin: 'https://mail.example', 'sec-fetch-site': 'cross-site' }
  const page = { ...alice.headers, ...site }
  /** `fetch` sets the fields of browsers itself. */
  const send = async (method: string, path: string, headers: Record<string, string>, body = '') => {
    const sent = request(http.base + path, { method, headers })
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    answer.resume()
    return answer
  }

  it('may call with credentials of their own', async () => {
    const { statusCode, headers } = await send('OPTIONS', '/jmap/api', { ...site, 'sec-fetch-mode': 'cors' })
    expect(statusCode).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-headers': '*, Authorization',
    })
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
    const json = { ...page, 'sec-fetch-mode': 'cors', 'content-type': 'application/json' }
    const answer = await send('POST', '/jmap/api', json, JSON.stringify({ using: [CORE], methodCalls: [] }))
    expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([200, '*'])
  })

  it('cannot use the log-on of the browser', async () => {
    const image = await send('GET', '/jmap/session', { ...page, 'sec-fetch-mode': 'no-cors' })
    const form = { ...page, 'content-type': 'text/plain' }
    const upload = await send('POST', '/jmap/upload/alice', { ...form, 'sec-fetch-mode': 'no-cors' }, 'x')
    const silent = await send('POST', '/jmap/upload/alice', { ...form, 'sec-fetch-mode': 'cors' }, 'x')
    const old = await send('POST', '/jmap/upload/alice', { ...form, 'sec-fetch-site': 'none' }, 'x')
    expect([image, upload, silent, old].map(({ statusCode }) => statusCode)).toEqual([403, 403, 415, 415])
  })

  it('cannot point their own name at the lab', async () => {
    const headers = { ...page, host: 'attacker.example', 'sec-fetch-mode': 'cors' }
    expect((await send('GET', '/jmap/session', headers)).statusCode).toBe(421)
  })
})
