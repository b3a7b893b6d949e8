import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../../client.ts'
import { GmailClient, gmailLab, mime } from './gmail-lab.ts'

const MIB = 1024 * 1024
const { virtualServers } = gmailLab()
const limits = { messageSize: MIB }
const http = HttpLab.ofTests(gmailLab({ virtualServers: virtualServers?.map((one) => ({ ...one, limits })) ?? [] }))
const [alice, bob] = [new GmailClient(http), new GmailClient(http, 'bob')]
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

describe('fields', () => {
  it('selects fields of objects and lists', async () => {
    const id = await alice.insert('One')
    expect(await alice.get('messages?fields=messages/id')).toEqual({ messages: [{ id }] })
    expect(await alice.get('messages?fields=messages(threadId),resultSizeEstimate,nextPageToken')).toEqual({
      messages: [{ threadId: expect.any(String) }],
      resultSizeEstimate: 1,
    })
    const { payload } = await alice.get(`messages/${id}?fields=payload(headers/name,body(size))`)
    expect(Object.keys(payload).sort()).toEqual(['body', 'headers'])
    expect([Object.keys(payload.body), payload.headers[0]]).toEqual([['size'], { name: 'From' }])
    expect(Object.keys(await alice.get(`messages/${id}?format=raw&fields=raw,id`)).sort()).toEqual(['id', 'raw'])
    expect(await alice.get('messages?fields=*/id')).toEqual({ messages: [{ id }], resultSizeEstimate: 1 })
    expect((await alice.get(`messages/${id}?fields=*`)).id).toBe(id)
    for (const fields of ['', 'a(', 'a)', 'a//b', 'a,', '('.repeat(1000), 'a('.repeat(3000)])
      expect([fields.slice(0, 9), (await alice.ask('GET', `messages?fields=${fields}`)).status]).toEqual([
        fields.slice(0, 9),
        400,
      ])
  })
})

describe('batches', () => {
  const part = (id: string, request: string) =>
    `--b\r\nContent-Type: application/http\r\nContent-ID: <${id}>\r\n\r\n${request}\r\n`
  const ask = (body: string, path = '/batch/gmail/v1') =>
    alice.ask('POST', path, `${body}--b--\r\n`, { 'content-type': 'multipart/mixed; boundary="b"' })

  it('answers each request as if it came alone', async () => {
    const id = await alice.insert('One')
    const json = JSON.stringify({ addLabelIds: ['STARRED'] })
    const { status, headers, body } = await ask(
      part('1', `GET /gmail/v1/users/me/messages/${id}?format=minimal HTTP/1.1\r\nAccept: application/json\r\n`) +
        part(
          '2',
          `POST /gmail/v1/users/me/messages/${id}/modify\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
        ) +
        part('3', 'GET /gmail/v1/users/me/messages/abc HTTP/1.1\r\n') +
        part('4', 'GET /gmail/v1/users/bob@lab.test/messages HTTP/1.1\r\n') +
        part('5', `GET /gmail/v1/users/me/messages HTTP/1.1\nauthorization: Bearer x\n`),
    )
    const boundary = /boundary=(\S+)/.exec(headers.get('content-type') ?? '')?.[1]
    expect([status, typeof boundary]).toEqual([200, 'string'])
    const parts: string[] = body.split(`--${boundary}`).slice(1, -1)
    expect(parts.map((one) => /Content-ID: (\S+)/.exec(one)?.[1])).toEqual(
      ['1', '2', '3', '4', '5'].map((n) => `<response-${n}>`),
    )
    expect(parts.map((one) => /HTTP\/1.1 (\d+)/.exec(one)?.[1])).toEqual(['200', '200', '404', '403', '401'])
    expect(parts[1]).toContain('"STARRED"')
    expect(await alice.labels(id)).toContain('STARRED')
    await using imap = await alice.imap()
    const lock = await imap.getMailboxLock('INBOX')
    expect([...((await imap.search({ flagged: true })) || [])]).toEqual([1])
    lock.release()
  })

  it('refuses what is no batch', async () => {
    const get = part('1', 'GET /gmail/v1/users/me/profile HTTP/1.1\r\n')
    expect((await ask(get.repeat(100), '/gmail/batch')).status).toBe(200)
    for (const wrong of [
      '',
      get.repeat(101),
      part('1', 'nonsense'),
      part('1', ''),
      part('1', 'GET https://example.com/ HTTP/1.1\r\n'),
      part('1', 'GET //example.com/ HTTP/1.1\r\n').replace('GET', 'CONNECT'),
      part('1', 'GET /gmail/v1/users/me/profile HTTP/1.1\r\n\r\nbody'),
      part('1', 'POST /batch/gmail/v1 HTTP/1.1\r\n\r\nbody'),
      part('1', 'GET /gmail/v1/users/me/profile HTTP/1.1\r\nB\x00d: x\r\n'),
    ])
      expect([wrong.slice(0, 200), (await ask(wrong)).status]).toEqual([wrong.slice(0, 200), 400])
  })
})

describe('resumable uploads', () => {
  const octets = Buffer.from(mime('Large').replace('alice@', 'bob@') + 'x'.repeat(600_000))
  const path = 'messages/send?uploadType=resumable'
  const below = '/upload/gmail/v1/users/me/'

  async function put(url: string, piece: Buffer, range?: string, client = 'alice') {
    const headers = bearer(await http.lab.accessToken({ user: client }))
    return http.request(url.slice(http.base.length), {
      method: 'PUT',
      headers: {
        ...headers,
        'content-type': 'message/rfc822',
        ...(range === undefined ? {} : { 'content-range': range }),
      },
      body: piece as never,
    })
  }
  async function begin(at = path, json: unknown = {}, method = 'POST') {
    const { status, headers } = await alice.ask(method, `${below}${at}`, json)
    expect(status).toBe(200)
    return headers.get('location') ?? ''
  }

  it('takes a message in pieces, and continues after a piece that was lost', async () => {
    const url = await begin()
    const size = octets.length
    const first = await put(url, octets.subarray(0, 262_144), `bytes 0-262143/${size}`)
    expect([first.status, first.headers.get('range')]).toEqual([308, 'bytes=0-262143'])
    const lost = await put(url, octets.subarray(300_000), `bytes 300000-${size - 1}/${size}`)
    expect([lost.status, lost.headers.get('range')]).toEqual([308, 'bytes=0-262143'])
    const asked = await put(url, Buffer.alloc(0), `bytes */${size}`)
    expect([asked.status, asked.headers.get('range')]).toEqual([308, 'bytes=0-262143'])
    const last = await put(url, octets.subarray(262_144), `bytes 262144-${size - 1}/${size}`)
    expect([last.status, last.body.labelIds]).toEqual([200, ['SENT']])
    const message = await http.lab.waitForMessage({ to: 'bob@lab.test', subject: 'Large' })
    expect(message.text.length).toBeGreaterThan(600_000)
    expect((await put(url, octets)).status).toBe(404)
  })

  it('takes only multiples of 256 KiB before the last piece, and keeps nothing of others', async () => {
    const url = await begin()
    const size = octets.length
    const send = (from: number, to: number) => put(url, octets.subarray(from, to), `bytes ${from}-${to - 1}/${size}`)
    for (const wrong of [1, 262_143, 262_145]) {
      const { status, body } = await send(0, wrong)
      expect([status, body.error?.message]).toEqual([400, expect.stringContaining('multiple of 262144 octets')])
    }
    expect((await send(0, 524_288)).headers.get('range')).toBe('bytes=0-524287')
    expect((await send(524_288, 524_289)).status).toBe(400)
    expect((await send(524_288, size)).status).toBe(200)
  })

  it('sends nothing if a piece was removed to make room for other uploads', async () => {
    const url = await begin()
    const size = octets.length
    await put(url, octets.subarray(0, 262_144), `bytes 0-262143/${size}`)
    // An account may keep four of the largest uploads.
    for (let n = 0; n < 4; n++) await put(await begin(), Buffer.alloc(MIB), `bytes 0-${MIB - 1}/*`)
    const sent = await put(url, octets.subarray(262_144), `bytes 262144-${size - 1}/${size}`)
    expect(sent.status).toBe(404)
  })

  it('keeps the metadata of drafts and inserted messages', async () => {
    const inserted = await put(await begin('messages?uploadType=resumable', { labelIds: ['INBOX', 'STARRED'] }), octets)
    expect(inserted.body.labelIds.sort()).toEqual(['INBOX', 'STARRED'])
    const draft = await put(await begin('drafts?uploadType=resumable', { message: {} }), octets)
    expect(draft.body.message.labelIds).toContain('DRAFT')
    const again = await put(await begin(`drafts/${draft.body.id}?uploadType=resumable`, {}, 'PUT'), octets)
    expect(again.body.id).toBe(draft.body.id)
  })

  it('refuses wrong ranges, the uploads of others and too many octets', async () => {
    const url = await begin()
    for (const range of ['x', 'bytes 0-5/6', 'bytes 5-4/6', `bytes 0-${'9'.repeat(20)}/1`])
      expect([range, (await put(url, octets.subarray(0, 10), range)).status]).toEqual([range, 400])
    expect((await put(url, octets, undefined, 'bob')).status).toBe(404)
    expect((await put(url.replace(/upload_id=.*/, 'upload_id=x'), octets)).status).toBe(404)
    const large = Buffer.alloc(MIB + 1)
    expect((await put(url, large, `bytes 0-${large.length - 1}/*`)).status).toBe(413)
    expect((await bob.ask('POST', `/upload/gmail/v1/users/alice@lab.test/${path}`, {})).status).toBe(403)
    expect((await put(url, Buffer.alloc(0), 'bytes */10')).headers.get('range')).toBe(null)
  })
})
