import { createTransport } from 'nodemailer'
import { beforeEach, describe, expect, it } from 'vitest'
import { HttpLab, type RequestOptions } from './client.ts'

const http = HttpLab.ofTests()
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const call = (path: string, options?: RequestOptions) => http.request(`/mailhog/api/${path}`, options)

async function send(to: string, subject: string, more: object = {}): Promise<void> {
  await createTransport(http.lab.nodemailer('carol')).sendMail({
    from: 'Carol <carol@lab.test>',
    to,
    subject,
    text: 'Grüße',
    ...more,
  })
}

const subjects = (items: { Content: { Headers: { Subject: string[] } } }[]): string[] =>
  items.map(({ Content }) => Content.Headers.Subject[0] ?? '')
const found = async (kind: string, query: string): Promise<string[]> =>
  subjects((await call(`v2/search?kind=${kind}&query=${encodeURIComponent(query)}`)).body.items)

describe('messages', () => {
  it('have the keys of MailHog, with their parts as encoded', async () => {
    await send('alice@lab.test, bob@lab.test', 'Whole', { attachments: [{ filename: 'a.txt', content: 'octets' }] })
    const { body } = await call('v2/messages')
    expect(body).toEqual({
      total: 1,
      count: 1,
      start: 0,
      items: [
        {
          ID: expect.any(String),
          From: { Relays: null, Mailbox: 'carol', Domain: 'lab.test', Params: '' },
          To: [
            { Relays: null, Mailbox: 'alice', Domain: 'lab.test', Params: '' },
            { Relays: null, Mailbox: 'bob', Domain: 'lab.test', Params: '' },
          ],
          Content: {
            Headers: expect.objectContaining({ Subject: ['Whole'], From: ['Carol <carol@lab.test>'] }),
            Body: expect.stringContaining('Content-Disposition: attachment'),
            Size: expect.any(Number),
            MIME: null,
          },
          Created: expect.stringMatching(/Z$/),
          MIME: {
            Parts: [
              expect.objectContaining({ Body: expect.stringMatching(/^Gr=C3=BC=C3=9Fe/) }),
              expect.objectContaining({ Body: 'b2N0ZXRz', MIME: null }),
              { Headers: {}, Body: '--', Size: 2, MIME: null },
            ],
          },
          Raw: {
            From: 'carol@lab.test',
            To: ['alice@lab.test', 'bob@lab.test'],
            Data: expect.stringContaining('Subject: Whole\r\n'),
            Helo: '',
          },
        },
      ],
    })
    const [{ ID }] = body.items
    expect((await call(`v1/messages/${ID}`)).body).toEqual(body.items[0])
    expect((await call('v1/messages')).body).toEqual(body.items)
    expect((await call(`v1/messages/${ID}/download`)).headers.get('content-type')).toBe('message/rfc822')
    expect((await call(`v1/messages/${ID}/mime/part/1/download`)).body).toBe('octets')
    expect((await call(`v1/messages/${ID}/mime/part/3/download`)).body.detail).toMatch(/has no part 3; it has 3 parts/)
  })

  // github.com/mailhog/data splits a body at the delimiters, and takes line ends off each piece.
  it('have nested parts, the text before the first part, and the ends of multiparts, as MailHog has them', async () => {
    const inner =
      '--i\r\nContent-Type: text/plain\r\n\r\nText\r\n--i\r\nContent-Type: text/html\r\n\r\n<p>\r\n--i--\r\n\r\n'
    const raw = `From: carol@lab.test\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\nOld programs show this.\r\n--o\r\nContent-Type: multipart/alternative; boundary="i"\r\n\r\n${inner}--o\r\nContent-Type: text/plain\r\n\r\nFile\r\n--o--\r\nRest\r\n`
    await send('alice@lab.test', '', { envelope: { from: 'carol@lab.test', to: 'alice@lab.test' }, raw })
    const leaf = (type: string, Body: string) => ({
      Headers: { 'Content-Type': [type] },
      Body,
      Size: `Content-Type: ${type}\r\n\r\n${Body}`.length,
      MIME: null,
    })
    const bare = (Body: string) => ({ Headers: {}, Body, Size: Body.length, MIME: null })
    const { ID, MIME } = (await call('v2/messages')).body.items[0]
    expect(MIME.Parts).toEqual([
      bare('Old programs show this.'),
      {
        Headers: { 'Content-Type': ['multipart/alternative; boundary="i"'] },
        Body: inner.trim(),
        Size: `Content-Type: multipart/alternative; boundary="i"\r\n\r\n${inner.trim()}`.length,
        MIME: { Parts: [leaf('text/plain', 'Text'), leaf('text/html', '<p>'), bare('--')] },
      },
      leaf('text/plain', 'File'),
      bare('--\r\nRest'),
    ])
    expect((await call(`v1/messages/${ID}/mime/part/2/download`)).body).toBe('File')
    expect((await call(`v1/messages/${ID}/mime/part/3/download`)).body).toBe('--\r\nRest')
  })

  it('are listed in pages and found by sender, recipient and text', async () => {
    await send('alice@lab.test', 'One')
    await send('bob@lab.test', 'Two', { text: 'the code is 123' })
    await send('alice@lab.test', 'Three', { bcc: 'dave@lab.test', from: 'erin@lab.test' })
    expect((await call('v2/messages?start=1&limit=1')).body).toMatchObject({ total: 3, count: 1, start: 1 })
    expect(subjects((await call('v2/messages?start=1&limit=1')).body.items)).toEqual(['Two'])
    expect(await found('to', 'ALICE@')).toEqual(['Three', 'One'])
    expect(await found('to', 'dave')).toEqual(['Three'])
    expect(await found('from', 'erin@lab.test')).toEqual(['Three'])
    expect(await found('containing', 'code is')).toEqual(['Two'])
    expect(await found('containing', 'to:alice')).toEqual([])
    expect((await call('v2/search?kind=subject&query=x')).body.detail).toMatch(/kind: is one of from, to, containing/)
    expect((await call('v2/search?kind=to')).status).toBe(400)
  })

  it('are refused if they are too long together', async () => {
    for (const subject of ['One', 'Two'])
      await http.lab.deliver({ subject, text: 'x'.repeat(7_000_000) }, { to: 'alice' })
    expect((await call('v2/messages')).body.detail).toMatch(/octets together, .*limit=10/)
    const { body } = await call('v2/messages?limit=1')
    expect(body).toMatchObject({ total: 2, count: 1 })
    expect(subjects(body.items)).toEqual(['Two'])
  })

  it('do not grow with the depth of their parts', async () => {
    const levels = Array.from({ length: 60 }, (_, at) => `b${at}`)
    const opened = levels.map((one) => `Content-Type: multipart/mixed; boundary=${one}\r\n\r\n--${one}\r\n`).join('')
    const octets = 200_000
    const raw = `From: carol@lab.test\r\nSubject: Deep\r\n${opened}\r\n${'text text\r\n'.repeat(octets / 11)}`
    await send('alice@lab.test', '', { envelope: { from: 'carol@lab.test', to: 'alice@lab.test' }, raw })
    const { body } = await call('v2/messages')
    expect(subjects(body.items)).toEqual(['Deep'])
    expect(body.items[0].MIME.Parts[0].MIME.Parts[0].Body).toContain('text text')
    expect(JSON.stringify(body).length).toBeLessThan(20 * octets)
  })

  it('are deleted one by one and all together', async () => {
    for (const subject of ['One', 'Two', 'Three']) await send('alice@lab.test, bob@lab.test', subject)
    const [{ ID }] = (await call('v2/messages')).body.items
    expect((await call(`v1/messages/${ID}`, { method: 'DELETE' })).status).toBe(200)
    expect((await call(`v1/messages/${ID}`, { method: 'DELETE' })).status).toBe(404)
    expect((await http.request('messages')).body.total).toBe(4)
    expect((await call('v1/messages', { method: 'DELETE' })).status).toBe(200)
    expect((await http.request('messages')).body.total).toBe(0)
  })
})

describe('the root', () => {
  it('has the second API of MailHog; its /api/v1 is that of the lab', async () => {
    await send('alice@lab.test', 'One')
    expect((await http.request('/api/v2/messages')).body).toMatchObject({ total: 1, count: 1 })
    expect((await http.request('/api/v2/search?kind=to&query=alice')).body.total).toBe(1)
    expect((await http.request('/api/v1/messages')).body).toMatchObject({ total: 1, next: null })
    expect((await http.request('/api/v1/messages', { method: 'DELETE' })).status).toBe(400)
    expect((await http.request('/api/v2/messages')).body.total).toBe(1)
  })

  it.each(['v2/jim', 'v2/outgoing-smtp', 'v1/events'])('answers 501 for %s', async (path) => {
    expect((await call(path)).status).toBe(501)
  })

  it('does not release mail', async () => {
    expect((await call('v1/messages/1.1/release', { json: { email: 'a@b.example' } })).status).toBe(501)
  })
})
