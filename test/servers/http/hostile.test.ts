import { connect } from 'node:net'
import { beforeEach, describe, expect, it } from 'vitest'
import { HttpLab } from './client.ts'
import { RawClient } from './raw-client.ts'

const http = HttpLab.ofTests({ memoryLimit: '64MiB' })
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const memoryOf = async (use: string): Promise<number> => (await http.request('status')).body.memory[use]
const deliver = (mail: object): Promise<void> => http.lab.deliver({ to: 'alice@lab.test', ...mail }, { to: 'alice' })

describe('a body of JSON', () => {
  const post = (body: string | Buffer): Promise<{ status: number; body: { detail: string } }> =>
    http.request('newsgroups', { body, headers: { 'content-type': 'application/json' } })

  it('has limits of depth, values and size, and must be UTF-8', async () => {
    for (const [status, body] of [
      [413, '['.repeat(500_000)],
      [413, `${'{"a":'.repeat(50)}1${'}'.repeat(50)}`],
      [413, `{"a":[${'[],'.repeat(150_000)}[]]}`],
      [413, `{"name":"${'a'.repeat(2_000_000)}"}`],
      [400, `{"name":"lab.a","description":"${'\\"'.repeat(1_000)}`],
      [400, Buffer.from('{"name":"lab.\xff"}', 'latin1')],
      [400, '{"name":"lab.a"'],
      [400, 'NaN'],
      [422, '[]'],
      [422, 'null'],
    ] as const) {
      expect((await post(body)).status, `${body.slice(0, 40)}`).toBe(status)
    }
  })

  it('cannot change prototypes', async () => {
    for (const body of [
      '{"__proto__":{"role":"administrator"}}',
      '{"constructor":{"prototype":{"x":1}},"name":"lab.p"}',
    ]) {
      expect((await post(body)).status, body).toBe(422)
    }
    const headers = JSON.parse('{"__proto__":"polluted","X-Kept":"yes"}')
    await http.request('messages', { json: { to: ['alice'], headers } })
    expect(({} as { role?: unknown; polluted?: unknown }).role).toBeUndefined()
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it('cannot add lines to the header of a message', async () => {
    const mails = [
      { subject: 'A\r\nX-Injected: 1\r\n\r\nBody' },
      { headers: { 'X-A': 'b\nX-Injected: 1' } },
      { headers: { 'X-Injected: 1\r\nX-A': 'b' } },
      { from: 'a@b.example\rX-Injected: 1' },
      { cc: ['bob\r\nX-Injected: 1'] },
      { attachments: [{ filename: 'a', contentType: 'a/b\r\nX-Injected: 1', content: '' }] },
    ]
    for (const mail of mails) {
      const { status, body } = await http.request('messages', { json: { to: ['alice'], ...mail } })
      expect(status, JSON.stringify(mail)).toBe(422)
      expect(body.errors[0].pointer).toMatch(/^\/(?:subject|headers|from|cc|attachments)/)
    }
  })
})

describe('memory', () => {
  const upload = (client: RawClient): void =>
    client.send(
      'POST /api/v1/messages/import?to=alice HTTP/1.1\r\nHost: localhost\r\nContent-Type: message/rfc822\r\n' +
        `Content-Length: ${20 * 1024 * 1024}\r\n\r\n${'x'.repeat(19 * 1024 * 1024)}`,
    )

  it('of unfinished bodies is counted, and more of them are refused with Retry-After', async () => {
    const clients = Array.from({ length: 4 }, () => new RawClient(http.lab.server('http').port))
    for (const client of clients) upload(client)
    const refused = await Promise.any(
      clients.map(async (client) => (await client.answer()) ?? Promise.reject(new Error('closed'))),
    )
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(JSON.parse(refused.body).type).toMatch(/out-of-memory$/)
    for (const client of clients) client.socket.destroy()
    await expect.poll(() => memoryOf('messages')).toBe(0)
  })

  it('does not grow with the images that an HTML mail shows again and again', async () => {
    const image = Buffer.alloc(3 * 1024 * 1024, 7).toString('base64')
    const parts = [
      'Content-Type: text/html',
      '',
      '<img src="cid:a">'.repeat(2_000),
      '--b',
      'Content-Type: image/png',
      'Content-ID: <a>',
      'Content-Transfer-Encoding: base64',
      '',
      image.replaceAll(/.{76}/g, '$&\r\n'),
      '--b--',
      '',
    ]
    const body = ['Content-Type: multipart/related; boundary=b', '', '--b', ...parts].join('\r\n')
    await http.request('messages/import?to=alice', { body, headers: { 'content-type': 'message/rfc822' } })
    const [{ id }] = (await http.request('messages')).body.items
    const shown = await http.request(`messages/${id}/html`)
    expect(shown.status).toBe(200)
    expect(shown.body).toMatch(/data:image\/png;base64,BwcH/)
    expect(shown.body.length).toBeLessThan(40 * 1024 * 1024)
  })

  it('does not grow with the events that clients do not read', async () => {
    const listeners = Array.from({ length: 20 }, () => {
      const socket = connect(http.lab.server('http').port, '127.0.0.1')
      socket.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
      return socket.pause()
    })
    await expect.poll(async () => (await http.request('sessions?open=true')).body.total).toBeGreaterThanOrEqual(20)
    await deliver({ subject: 'Many changes' })
    const [{ id }] = (await http.request('messages')).body.items
    for (let count = 0; count < 300; count++)
      await http.request(`messages/${id}`, { method: 'PATCH', json: { flagged: count % 2 === 0 } })
    for (const socket of listeners) socket.destroy()
    await expect.poll(async () => (await http.request('sessions?open=true')).body.total).toBeLessThan(5)
  })
})

describe('a search', () => {
  it('has a limit of conditions, and reads strange text without delay', async () => {
    await deliver({ subject: 'Here', text: 'a'.repeat(100_000) })
    const query = (text: string): Promise<{ status: number }> =>
      http.request('wait', { json: { query: text, timeout: '1ms' } })
    expect((await query('a '.repeat(200_000))).status).toBe(400)
    for (const [text, expected] of [
      // No condition.
      ['"'.repeat(50_000), 422],
      [`"${'\\'.repeat(50_001)}`, 404],
      [`${'a-'.repeat(100_000)}"`, 404],
      // Not the word of hyphens, which the message does not have.
      [`${'-'.repeat(100_000)}`, 200],
      [`header:${':'.repeat(100_000)}`, 404],
      [`subject:"${'\\a'.repeat(100_000)}`, 404],
      [`larger:${'9'.repeat(100_000)}`, 404],
      ['__proto__:a constructor:b is:__proto__', 400],
      ['\\\n"\\\n"', 404],
    ] as const) {
      const { status } = await query(text)
      expect([text.slice(0, 20), status]).toEqual([text.slice(0, 20), expected])
    }
  })
})

describe('a message to send', () => {
  it('may have addresses of megabytes', async () => {
    const long = `"é${'a'.repeat(9_000_000)}`
    for (const more of [{ to: [long] }, { cc: [long] }, { from: long }]) {
      const { status } = await http.request('messages', {
        json: { to: ['alice'], subject: 'Long', text: '.', ...more },
      })
      expect([Object.keys(more), status]).toEqual([Object.keys(more), 422])
    }
  })
})

describe('events', () => {
  const read = async (path: string, until: RegExp, headers: Record<string, string> = {}): Promise<string> => {
    const gone = new AbortController()
    const response = await fetch(`${http.base}/api/v1/${path}`, { signal: gone.signal, headers })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    let text = ''
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString()
      if (until.test(text)) break
    }
    gone.abort()
    return text
  }

  it('continue after Last-Event-ID, also after one of an earlier start of the lab', async () => {
    for (const subject of ['One', 'Two', 'Three']) await deliver({ subject })
    const all = await read('events?types=message', /Three/, { 'last-event-id': '999999999' })
    const ids = [...all.matchAll(/^id: (\d+)$/gm)].map(([, id]) => id as string)
    expect(all).toMatch(/One[^]*Two[^]*Three/)
    const rest = await read('events?types=message', /Three/, { 'last-event-id': ids.at(-2) as string })
    expect(rest).not.toMatch(/Two/)
  })

  it('refuse what they do not know', async () => {
    expect((await http.request('events?type=message')).status).toBe(400)
    expect((await http.request('events?types=mail')).status).toBe(400)
  })
})
