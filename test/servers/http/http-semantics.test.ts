import { connect } from 'node:net'
import { finished } from 'node:stream/promises'
import { describe, expect, it } from 'vitest'
import { operations } from '../../../src/api/operations.ts'
import { bearer, HttpLab } from './client.ts'

const TOKEN = 'admin-admin-admin'
const http = HttpLab.ofTests({
  access: { tokens: [{ name: 'ci', token: TOKEN }] },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'http', authentication: ['basic'] }],
})

const ask = (path: string, method: string, headers: Readonly<Record<string, string>> = {}) =>
  http.request(path, { method, headers: { ...bearer(TOKEN), ...headers } })

const methodsOf = (wanted: string): string[] =>
  operations.filter(({ path }) => path === wanted).map(({ method }) => method)
const paths: (readonly [string, readonly string[]])[] = [
  ...[...new Set(operations.map(({ path }) => path))].map((path) => [`/api/v1${path}`, methodsOf(path)] as const),
  ...['/api/v1/events', '/metrics', '/api/docs', '/api/openapi.json', '/api/v1/openapi.json', '/livez', '/readyz'].map(
    (path) => [path, ['GET']] as const,
  ),
]

describe('a method that a path does not have (RFC 9110 sections 9.3.7 and 15.5.6)', () => {
  it.each(paths)('%s', async (path, methods) => {
    const filled = path.replaceAll(/\{\w+\}/g, 'x')
    const allowed = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort()
    const refused = await ask(filled, methods.includes('PUT') ? 'POST' : 'PUT')
    expect([refused.status, refused.body.type]).toEqual([405, expect.stringMatching(/method-not-allowed$/)])
    const options = await ask(filled, 'OPTIONS')
    expect(options.status).toBe(204)
    for (const { headers } of [refused, options]) {
      expect(headers.get('allow')?.split(', ').sort()).toEqual(allowed)
    }
  })
})

describe('a type that the client does not accept (RFC 9110 section 12.5.1)', () => {
  it.each([
    ['', 200],
    ['*/*', 200],
    ['application/*', 200],
    ['APPLICATION/JSON', 200],
    ['text/html, application/json;q=0.1', 200],
    ['text/html, */*;q=0.8', 200],
    ['application/json; charset=utf-8', 200],
    ['text/html', 406],
    ['text/*', 406],
    ['application/json;q=0, */*', 406],
    ['application/*;q=0.000, */*;q=1', 406],
    ['*/*;q=0', 406],
    ['application/*;q=0, application/json', 200],
    [',', 200],
  ])('%j: %d', async (accept, status) => {
    const answer = await ask('status', 'GET', { accept })
    expect(answer.status).toBe(status)
    if (status === 406) expect(answer.body.detail).toContain('the answer is application/json')
  })

  it('is judged by what the answer is, not by what it could be', async () => {
    const message = 'Subject: One\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw==\r\n'
    const headers = { ...bearer(TOKEN), 'content-type': 'message/rfc822' }
    const { body } = await http.request('messages/import?to=alice', { body: message, headers })
    const [{ id }] = (await ask('messages?limit=1', 'GET')).body.items
    expect(body).toBeDefined()
    expect((await ask(`messages/${id}/parts/1`, 'GET', { accept: 'image/*' })).status).toBe(200)
    expect((await ask(`messages/${id}/parts/1`, 'GET', { accept: 'text/html' })).status).toBe(406)
    expect((await ask(`messages/${id}/raw`, 'GET', { accept: 'application/json' })).status).toBe(406)
  })

  it('has no effect', async () => {
    const before = (await ask('messages', 'GET')).body.total
    const refused = await http.request('messages', {
      json: { to: ['alice'], subject: 'Never' },
      headers: { ...bearer(TOKEN), accept: 'text/html' },
    })
    expect([refused.status, (await ask('messages', 'GET')).body.total]).toEqual([406, before])
  })

  it.each([
    ['/api/v1/events', 'application/json'],
    ['/metrics', 'application/json'],
    ['/api/docs', 'application/json'],
    ['/api/openapi.json', 'text/html'],
  ])('%s', async (path, accept) => {
    expect((await ask(path, 'GET', { accept })).status).toBe(406)
  })
})

it.each(['/api/v1/events', '/metrics', '/api/docs', '/api/openapi.json', '/api/v1/openapi.json', '/livez'])(
  'HEAD %s',
  async (path) => {
    const { status, body, headers } = await ask(path, 'HEAD')
    expect([status, body]).toEqual([200, ''])
    expect(headers.get('content-type')).toMatch(/^(?:text\/|application\/)/)
  },
)

it.each(['/api/docs', '/api/openapi.json', '/api/v1/openapi.json'])('%s has an entity tag', async (path) => {
  const etag = (await ask(path, 'GET')).headers.get('etag') ?? ''
  const again = await ask(path, 'GET', { 'if-none-match': etag })
  expect([again.status, again.body]).toEqual([304, ''])
})

it('another answer has another entity tag', async () => {
  const tag = async () => (await ask('messages?limit=1', 'GET')).headers.get('etag')
  const before = await tag()
  await http.lab.deliver({ subject: 'One more' }, { from: 'shop@example.com', to: 'alice' })
  expect(await tag()).not.toBe(before)
})

/** More than one read takes, and less than a busy machine sends before the lab gives up (2 s). */
const SENT_MEGABYTES = 12

describe('a client that still sends after the last answer of its connection (RFC 9112 section 9.6)', () => {
  it.each([
    ['no request', 'nonsense\r\n', 400],
    ['a long header', 'GET / HTTP/1.1\r\nHost: x\r\nX: ', 431],
    [
      'a body',
      `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${SENT_MEGABYTES << 20}\r\n\r\n`,
      415,
    ],
  ])('%s', async (_, head, status) => {
    const socket = connect({ host: '127.0.0.1', port: http.lab.server('http').port, allowHalfOpen: true })
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    socket.write(head)
    for (let i = 0; i < SENT_MEGABYTES; i++) socket.write(Buffer.alloc(1 << 20, 'x'))
    socket.end()
    // Rejects if the connection is closed before everything is sent.
    await finished(socket)
    expect(Buffer.concat(received).toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })
})

describe('a list that is answered as a whole', () => {
  const fault = (name: string) =>
    http.request('faults', {
      json: { name, when: { verb: 'NOOP' }, do: { reply: '451 4.7.1 Later' } },
      headers: bearer(TOKEN),
    })
  const page = async (query: string) => (await ask(`faults?${query}`, 'GET')).body

  it('continues where the page before has ended, whatever is added or removed meanwhile', async () => {
    const ids: string[] = []
    for (const name of ['one', 'two', 'three']) ids.push((await fault(name)).body.id)
    const first = await page('limit=2')
    expect([first.items.map(({ id }: { id: string }) => id), first.total]).toEqual([ids.slice(0, 2), 3])
    await ask(`faults/${ids[0]}`, 'DELETE')
    const added = (await fault('four')).body.id
    const rest = await page(`cursor=${first.next}`)
    expect([rest.items.map(({ id }: { id: string }) => id), rest.next]).toEqual([[ids[2], added], null])
    await ask(`faults/${ids[1]}`, 'DELETE')
    expect(await page(`cursor=${first.next}`)).toMatchObject({
      status: 410,
      detail: expect.stringContaining(ids[1] ?? '?'),
    })
    expect(await page('cursor=nothing')).toMatchObject({ status: 400 })
  })
})
