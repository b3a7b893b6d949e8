import { beforeAll, describe, expect, it } from 'vitest'
import { HttpLab } from './client.ts'
import { exchange, type RawAnswer, RawClient } from './raw-client.ts'

let port: number

const http = HttpLab.ofTests()
beforeAll(async () => {
  port = http.lab.server('http').port
})

const [HOST, JSON_BODY] = ['Host: localhost\r\n', 'Content-Type: application/json\r\n']

/** Every error is a problem document that says its own status. RFC 9457 section 3.1.3. */
function expectProblem(answer: RawAnswer | undefined, status: number, what = ''): void {
  expect(answer?.status, what).toBe(status)
  expect(answer?.headers.get('content-type'), what).toBe('application/problem+json')
  expect(JSON.parse(answer?.body ?? ''), what).toMatchObject({ status, detail: expect.stringMatching(/\w/) })
}

const stored = async (): Promise<number> => (await http.request('messages')).body.total

describe('a request that two parsers could read differently is refused, and nothing after it is a request', () => {
  const hidden = `DELETE /api/v1/messages?all=true HTTP/1.1\r\n${HOST}\r\n`
  const post = `POST /api/v1/wait HTTP/1.1\r\n${HOST}${JSON_BODY}`
  const shapes: Readonly<Record<string, string>> = {
    'Content-Length and Transfer-Encoding (6.3)': `${post}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'Transfer-Encoding and Content-Length (6.3)': `${post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`,
    'two lengths (6.3)': `${post}Content-Length: 2\r\nContent-Length: 5\r\n\r\n{}`,
    'a list of lengths (6.3)': `${post}Content-Length: 2, 5\r\n\r\n{}`,
    'a length with a sign (6.2)': `${post}Content-Length: +2\r\n\r\n{}`,
    'a length in hexadecimal (6.2)': `${post}Content-Length: 0x2\r\n\r\n{}`,
    'a huge length (6.2)': `${post}Content-Length: 99999999999999999999999\r\n\r\n{}`,
    'chunked that is not last (6.3)': `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
    'an unknown coding (6.1)': `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
    'a space before the colon (5.1)': `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    'obs-fold (5.2)': `${post}X-A: b\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'a bare CR in a field (2.2)': `${post}X-A: b\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'NUL in a field (RFC 9110 5.5)': `${post}X-A: b\x00c\r\n\r\n`,
    'a field without a name (5.1)': `${post}: x\r\n\r\n`,
    'a chunk size that is not hexadecimal (7.1)': `${post}Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n`,
    'a chunk that ends with LF (7.1)': `${post}Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n`,
    'HTTP/2 without TLS (2.3)': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'no version (3)': `GET /api/v1/status\r\n${HOST}\r\n`,
    'a space in the target (3.2)': `GET /api/v1/sta tus HTTP/1.1\r\n${HOST}\r\n`,
    'another protocol': 'EHLO client.example\r\n',
  }

  it.each(Object.entries(shapes))('%s', async (name, text) => {
    await http.lab.deliver({ to: 'alice@lab.test', subject: 'Kept' }, { to: 'alice' })
    using client = new RawClient(port)
    client.send(text + hidden)
    expectProblem(await client.answer(), 400, name)
    expect(await client.closed()).toBe('')
    expect(await stored()).toBeGreaterThan(0)
  })
})

describe('the target', () => {
  const status = (target: string, host = 'localhost'): Promise<RawAnswer | undefined> =>
    exchange(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)

  it.each(['/livez', '/readyz', '/api/v1/health', '/api/v1/status'])(
    'HTTP/1.0 needs no Host field (3.2): %s',
    async (path) => {
      expect((await exchange(port, `GET ${path} HTTP/1.0\r\n\r\n`))?.status).toBe(200)
      expectProblem(await exchange(port, `GET ${path} HTTP/1.1\r\n\r\n`), 400)
    },
  )

  it('needs one Host field (3.2)', async () => {
    expectProblem(await exchange(port, `GET /api/v1/status HTTP/1.1\r\n${HOST}Host: evil.example\r\n\r\n`), 400)
    expectProblem(await exchange(port, 'GET /api/v1/status HTTP/1.1\r\n\r\n'), 400)
    expectProblem(await exchange(port, 'GET /api/v1/status HTTP/1.1\r\nHost: a b\r\n\r\n'), 400)
  })

  it('in absolute form replaces Host (3.2.2)', async () => {
    expect((await status('http://localhost/api/v1/status'))?.status).toBe(200)
    expect((await status('http://localhost/api/v1/status', 'evil.example'))?.status).toBe(200)
    expectProblem(await status('http://evil.example/api/v1/status'), 421)
  })

  it('cannot leave the API, whatever its octets are', async () => {
    const targets = [
      '/api/v1/messages/%00',
      '/api/v1/messages/%ff%fe',
      '/api/v1/messages/%',
      '/api/v1/messages/%c0%ae%c0%ae',
      '/api/v1/messages/..%2f..%2fetc%2fpasswd/raw',
      '/api/v1/../../etc/passwd',
      '/api/v1/messages/\xff\xfe',
      '/api/v1/messages/1.1/parts/../raw',
      '//evil.example/api/v1/status',
      `/${'a'.repeat(20_000)}`,
      '/api/v1/messages/__proto__',
      '/api/v1/folders/constructor',
    ]
    for (const target of targets) {
      const answer = await status(target)
      expect([400, 404, 405], target).toContain(answer?.status)
      expectProblem(answer, answer?.status ?? 0, target)
    }
    for (const query of [
      'query=%00',
      'query=%ff',
      'limit=__proto__',
      '__proto__=1',
      'constructor[prototype]=1',
      `query=${'-a+'.repeat(5_000)}`,
    ]) {
      const answer = await status(`/api/v1/messages?${query}`)
      expect([200, 400], query).toContain(answer?.status)
    }
  })

  it('is not a proxy (RFC 9110 section 9.3.6)', async () => {
    using client = new RawClient(port)
    client.send('CONNECT 127.0.0.1:25 HTTP/1.1\r\nHost: 127.0.0.1:25\r\n\r\n')
    expectProblem(await client.answer(), 405)
    expect(await client.closed()).toBe('')
    expectProblem(await status('evil.example:25'), 400)
  })
})

describe('the connection', () => {
  const get = (path: string): string => `GET /api/v1/${path} HTTP/1.1\r\n${HOST}\r\n`

  it('answers pipelined requests in their order, one after the other (9.3.2)', async () => {
    using client = new RawClient(port)
    const create = `{"name":"lab.pipelined"}`
    client.send(
      `POST /api/v1/newsgroups HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Length: ${create.length}\r\n\r\n${create}` +
        `DELETE /api/v1/newsgroups/lab.pipelined HTTP/1.1\r\n${HOST}\r\n${get('nothing')}${get('status')}`,
    )
    const statuses = [await client.answer(), await client.answer(), await client.answer(), await client.answer()]
    expect(statuses.map((one) => one?.status)).toEqual([201, 204, 404, 200])
  })

  it('is closed if the client sends requests without end and reads no answer', async () => {
    using client = new RawClient(port)
    const wait = '{"subject":"never","timeout":"5m"}'
    client.send(
      `POST /api/v1/wait HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Length: ${wait.length}\r\n\r\n${wait}`.repeat(1_000),
    )
    expect(await client.closed()).toBe('')
    const { items } = (await http.request('sessions?failed=true&protocol=http')).body
    expect(items[0].refusals).toContainEqual(expect.stringMatching(/requests without waiting for an answer/))
  })

  it('still gets its answer after it has closed its side', async () => {
    using client = new RawClient(port)
    const wait = '{"subject":"never","timeout":"300ms"}'
    client.socket.end(`POST /api/v1/wait HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Length: ${wait.length}\r\n\r\n${wait}`)
    expect((await client.answer())?.status).toBe(404)
    expect(await client.closed()).toBe('')
  })

  it('ends a wait whose client has closed its side', async () => {
    using client = new RawClient(port)
    const wait = '{"subject":"never","timeout":"5m"}'
    client.socket.end(`POST /api/v1/wait HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Length: ${wait.length}\r\n\r\n${wait}`)
    expect(await client.closed()).toBe('')
  })

  it('is not switched to a protocol that is not offered (RFC 9110 section 7.8)', async () => {
    for (const to of ['h2c', 'websocket', 'TLS/1.2']) {
      const answer = await exchange(
        port,
        `GET /api/v1/status HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: ${to}\r\n\r\n`,
      )
      expect(answer?.status, to).toBe(200)
    }
  })

  it('gets 100 Continue, and 417 for other expectations (RFC 9110 section 10.1.1)', async () => {
    using client = new RawClient(port)
    const request = `POST /api/v1/newsgroups HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Length: 2\r\n`
    client.send(`${request}Expect: 100-continue\r\n\r\n`)
    expect((await client.answer())?.status).toBe(100)
    client.send('{}')
    expectProblem(await client.answer(), 422)
    expectProblem(await exchange(port, `${request}Expect: 200-ok\r\n\r\n{}`), 417)
  })

  it('gets 431 for a header over the limit (RFC 6585 section 5)', async () => {
    expectProblem(await exchange(port, `GET /api/v1/status HTTP/1.1\r\n${HOST}X-A: ${'a'.repeat(40_000)}\r\n\r\n`), 431)
  })

  it('gets 413 before it has sent a body over the limit', async () => {
    using client = new RawClient(port)
    client.send(`POST /api/v1/wait HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Length: 999999999\r\n\r\n{`)
    expectProblem(await client.answer(), 413)
    using chunked = new RawClient(port)
    chunked.send(`POST /api/v1/wait HTTP/1.1\r\n${HOST}${JSON_BODY}Transfer-Encoding: chunked\r\n\r\n`)
    for (let sent = 0; sent < 40; sent++) chunked.send(`10000\r\n${' '.repeat(0x10000)}\r\n`)
    expectProblem(await chunked.answer(), 413)
  })
})

describe('a slow client', () => {
  it('is disconnected: in its header, in its body, and between requests', async () => {
    await using slow = await HttpLab.start({
      virtualServers: [{ protocol: 'http', limits: { logonTimeout: '400ms', idleTimeout: '800ms' } }],
    })
    const slowPort = slow.lab.server('http').port
    const clients = [
      '',
      `GET /api/v1/status HTTP/1.1\r\n`,
      `POST /api/v1/wait HTTP/1.1\r\n${HOST}${JSON_BODY}Content-Length: 20\r\n\r\n{`,
    ]
    const answers = await Promise.all(
      clients.map(async (text) => {
        using client = new RawClient(slowPort)
        client.send(text)
        const answer = await client.answer()
        expect(await client.closed()).toBe('')
        return answer
      }),
    )
    for (const answer of answers) expectProblem(answer, 408)
    using idle = new RawClient(slowPort)
    idle.send(get())
    expect((await idle.answer())?.status).toBe(200)
    expect(await idle.closed()).toBe('')
  })

  const get = (): string => `GET /api/v1/status HTTP/1.1\r\n${HOST}\r\n`

  it('that does not read its answer is disconnected, and its memory given back', async () => {
    await using slow = await HttpLab.start({
      virtualServers: [{ protocol: 'smtp' }, { protocol: 'http', limits: { idleTimeout: '500ms' } }],
    })
    await slow.lab.deliver(
      { to: 'alice@lab.test', text: 'x'.repeat(70).concat('\r\n').repeat(200_000) },
      { to: 'alice' },
    )
    const [{ id }] = (await slow.request('messages')).body.items
    using client = new RawClient(slow.lab.server('http').port)
    client.socket.pause()
    client.send(`GET /api/v1/messages/${id}/raw HTTP/1.1\r\n${HOST}\r\n`)
    await expect
      .poll(async () => (await slow.request('sessions?failed=true')).body.items[0]?.refusals, { timeout: 20_000 })
      .toContainEqual(expect.stringMatching(/did not read the answer/))
    await expect.poll(async () => (await slow.request('status')).body.memory.messages).toBe(0)
  })
})
