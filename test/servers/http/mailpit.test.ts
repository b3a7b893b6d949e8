import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab, type RequestOptions } from './client.ts'

const http = HttpLab.ofTests()
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

/** Sends a request to Mailpit's API. */
const call = (path: string, options?: RequestOptions) => http.request(`/mailpit/${path}`, options)
const put = (path: string, json: unknown) => call(path, { method: 'PUT', json })

async function deliver(user: string, subject: string, more: object = {}): Promise<void> {
  await http.lab.deliver(
    { from: 'Shop <shop@example.com>', to: `${user}@lab.test`, subject, text: 'Text', ...more },
    { to: user },
  )
}

const subjectsOf = (body: { messages: { Subject: string }[] }): string[] => body.messages.map(({ Subject }) => Subject)
const found = async (query: string): Promise<string[]> =>
  subjectsOf((await call(`api/v1/search?query=${encodeURIComponent(query)}`)).body)
const latestId = async (): Promise<string> => (await call('api/v1/messages')).body.messages[0].ID

describe('lists', () => {
  it('have the keys of Mailpit and the counts of the mailbox', async () => {
    await deliver('alice', 'First')
    await deliver('bob', 'Second', { attachments: [{ filename: 'a.txt', content: 'a' }] })
    const { body } = await call('api/v1/messages?start=0&limit=1')
    expect(body).toEqual({
      total: 2,
      unread: 2,
      count: 1,
      messages_count: 2,
      messages_unread: 2,
      start: 0,
      tags: [],
      messages: [
        {
          ID: expect.any(String),
          MessageID: expect.stringMatching(/^[^<>]+@/),
          Read: false,
          From: { Name: 'Shop', Address: 'shop@example.com' },
          To: [{ Name: '', Address: 'bob@lab.test' }],
          Cc: [],
          Bcc: [],
          ReplyTo: [],
          Subject: 'Second',
          Created: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
          Username: '',
          Tags: [],
          Size: expect.any(Number),
          Attachments: 1,
          Snippet: 'Text',
        },
      ],
    })
    expect(subjectsOf((await call('api/v1/messages?start=1')).body)).toEqual(['First'])
    expect((await call('api/v1/messages?limit=all')).body.detail).toMatch(/limit: all is not a number/)
  })

  it('have a message once, however many mailboxes have a copy, and Bcc recipients of the envelope', async () => {
    await createTransport(http.lab.nodemailer('carol')).sendMail({
      from: 'carol@lab.test',
      to: 'alice@lab.test',
      subject: 'To three',
      text: 'Text',
      envelope: { from: 'carol@lab.test', to: ['alice@lab.test', 'bob@lab.test', 'x@other.example'] },
    })
    const { body } = await call('api/v1/messages')
    expect(body).toMatchObject({ total: 1, messages: [{ Username: 'carol' }] })
    expect(body.messages[0].Bcc.map(({ Address }: { Address: string }) => Address)).toEqual([
      'bob@lab.test',
      'x@other.example',
    ])
    await put('api/v1/messages', { IDs: [body.messages[0].ID], Read: true })
    expect((await http.request('messages?query=is:read')).body.total).toBe(3)
    await call('api/v1/messages', { method: 'DELETE', json: { IDs: [body.messages[0].ID] } })
    expect((await http.request('messages')).body.total).toBe(0)
  })

  it.each([
    ['a word of HTML beside a plain text', 'gutschein', true],
    ['a phrase over <br> and line ends', '"big summer sale"', true],
    ['the target of a link', 'https://shop.example/offer?id=7', true],
    ['a phrase with other punctuation', '"sale (today)"', true],
    ['a recipient that only the envelope has', 'bcc:hidden@other.example', true],
    ['addressed: of such a recipient', 'addressed:hidden@other.example', true],
    ['a plain word of such a recipient', 'hidden@other.example', true],
    ['bcc: of a recipient that To names', 'bcc:alice@lab.test', false],
    ['an inline image', 'has:inline', true],
    ['a date of an unknown form', 'before:yesterday', true],
    ['a word that is not there', 'winter', false],
  ])('find as Mailpit: %s', async (_, query, isFound) => {
    await createTransport(http.lab.nodemailer('carol')).sendMail({
      from: 'carol@lab.test',
      to: 'alice@lab.test',
      subject: 'Offer',
      text: 'Only text',
      html: '<p>Gutschein: big<br>summer\n sale; today</p><a href="https://shop.example/offer?id=7">x</a><img src="cid:logo">',
      attachments: [{ filename: 'a.png', content: Buffer.from('x'), cid: 'logo', contentDisposition: 'inline' }],
      envelope: { from: 'carol@lab.test', to: ['alice@lab.test', 'hidden@other.example'] },
    })
    expect(await found(query)).toEqual(isFound ? ['Offer'] : [])
  })

  // https://github.com/axllent/mailpit/blob/develop/internal/storage/search_test.go
  it('find what the queries of TestSearch of Mailpit find', async () => {
    for (const i of [1, 2, 3]) {
      await http.lab.deliver(
        {
          from: `From ${i} <from-${i}@example.com>`,
          to: [`To ${i} <to-${i}@example.com>`, `To2 ${i} <to2-${i}@example.com>`],
          cc: [`CC ${i} <cc-${i}@example.com>`, `CC2 ${i} <cc2-${i}@example.com>`],
          headers: { 'Reply-To': `Reply To ${i} <reply-to-${i}@example.com>` },
          subject: `Subject line ${i} end`,
          text: `This is the email body ${i} <jdsauk;dwqmdqw;>.`,
        },
        { to: 'alice' },
      )
    }
    for (const query of [
      ...['from-2@example.com', 'from:from-2@example.com', 'to-2@example.com', 'to:to-2@example.com'],
      ...['to2-2@example.com', 'to:to2-2@example.com', 'cc-2@example.com', 'cc:cc-2@example.com'],
      ...['cc2-2@example.com', 'cc:cc2-2@example.com', 'reply-to-2@example.com', 'reply-to:"reply-to-2@example.com"'],
      ...['"Subject line 2 end"', 'subject:"Subject line 2 end"', '"the email body 2 jdsauk dwqmdqw"'],
    ])
      expect([query, await found(query)]).toEqual([query, ['Subject line 2 end']])
    expect(await found('This is the email body')).toHaveLength(3)
  })

  it('leave out drafts and sent copies', async () => {
    const imap = new ImapFlow({ ...http.lab.imapflow('alice'), logger: false })
    await imap.connect()
    await imap.append('INBOX', 'Subject: Saved\r\n\r\nText\r\n', ['\\Draft'])
    await imap.logout()
    expect((await http.request('messages')).body.total).toBe(1)
    expect((await call('api/v1/messages')).body.total).toBe(0)
  })

  it('find messages in a time zone, and delete what they find', async () => {
    await deliver('alice', 'Invoice 1')
    await deliver('alice', 'Welcome')
    expect(await found('subject:invoice')).toEqual(['Invoice 1'])
    expect(await found('-subject:invoice')).toEqual(['Welcome'])
    // In Kiritimati the clocks are 14 hours ahead of UTC: an hour ago there, 13 hours from now in UTC.
    const hourAgo = new Date(Date.now() + 13 * 3_600_000).toISOString().slice(0, 19)
    const arrivedSince = async (tz: string): Promise<number> =>
      (await call(`api/v1/search?query=after:${hourAgo}&tz=${tz}`)).body.messages_count
    expect([await arrivedSince('Pacific/Kiritimati'), await arrivedSince('UTC'), await arrivedSince('')]).toEqual([
      2, 0, 0,
    ])
    expect((await call('api/v1/search?query=after:2020-01-01&tz=Mars/Base')).body.detail).toMatch(/not a time zone/)
    expect((await call('api/v1/search')).status).toBe(400)
    const removed = await call('api/v1/search?query=subject:invoice', { method: 'DELETE' })
    expect(removed).toMatchObject({ status: 200, body: 'ok' })
    expect(subjectsOf((await call('api/v1/messages')).body)).toEqual(['Welcome'])
    expect((await call('api/v1/messages', { method: 'DELETE' })).body).toBe('ok')
    expect((await call('api/v1/messages')).body.total).toBe(0)
  })

  it('change nothing for a search without a condition', async () => {
    await deliver('alice', 'Kept; unread')
    for (const query of ['before:01.12.2025', 'after:yesterday', ' ']) {
      const removed = await call(`api/v1/search?query=${encodeURIComponent(query)}`, { method: 'DELETE' })
      expect([query, removed.status]).toEqual([query, 400])
      expect((await put('api/v1/messages', { Search: query, Read: true })).status).toBe(400)
    }
    for (const query of [';', '"', '-;', 'subject:;', 'bcc:()', 'header:subject:,']) {
      await call(`api/v1/search?query=${encodeURIComponent(query)}`, { method: 'DELETE' })
      expect([query, await found('is:unread')]).toEqual([query, ['Kept; unread']])
    }
    expect(await found('header:subject:;')).toEqual(['Kept; unread'])
  })

  it('set the read status by id, by search, or of all', async () => {
    for (const subject of ['One', 'Two', 'Three']) await deliver('alice', subject)
    const unread = async (): Promise<string[]> => found('is:unread')
    // HEAD changes nothing, whatever GET does.
    await call(`api/v1/message/${await latestId()}`, { method: 'HEAD' })
    expect(await unread()).toHaveLength(3)
    await put('api/v1/messages', { IDs: [await latestId(), 'unknown.1'], Read: true })
    expect(await unread()).toEqual(['Two', 'One'])
    await put('api/v1/messages', { Search: 'subject:one', Read: true })
    expect(await unread()).toEqual(['Two'])
    await put('api/v1/messages', {})
    expect(await unread()).toHaveLength(3)
    await put('api/v1/messages', { ids: null, read: true })
    expect(await unread()).toEqual([])
    expect((await put('api/v1/messages', { IDs: ['x'], Search: 'y' })).status).toBe(400)
    expect((await put('api/v1/messages', { Read: 'yes' })).body.detail).toMatch(/^read: /)
  })
})

describe('a message', () => {
  it('has its texts, files with checksums, and fields, and becomes read', async () => {
    await deliver('alice', 'Whole', {
      html: '<img src="cid:logo"><script>x</script>',
      headers: { 'List-Unsubscribe': '<https://shop.example/u>, <mailto:u@shop.example>', 'X-A': '1', 'x-a': '2' },
      attachments: [
        { filename: 'logo.png', content: Buffer.from('png'), contentType: 'image/png', cid: 'logo' },
        { filename: 'größe.pdf', content: Buffer.from('pdf'), contentType: 'application/pdf' },
      ],
    })
    const { body } = await call('api/v1/message/latest')
    expect(body).toMatchObject({
      Subject: 'Whole',
      ReturnPath: 'shop@example.com',
      Text: 'Text',
      HTML: '<img src="cid:logo"><script>x</script>',
      ListUnsubscribe: { Links: ['https://shop.example/u', 'mailto:u@shop.example'], Errors: '', HeaderPost: '' },
      Inline: [{ FileName: 'logo.png', ContentID: 'logo', ContentType: 'image/png', Size: 3 }],
      Attachments: [{ FileName: 'größe.pdf', ContentID: '', Checksums: { MD5: md5('pdf') } }],
    })
    expect(await found('is:unread')).toEqual([])
    const [file] = body.Attachments
    const part = await call(`api/v1/message/${body.ID}/part/${file.PartID}`)
    expect(part.body).toBe('pdf')
    expect(part.headers.get('content-type')).toBe('application/pdf')
    expect(part.headers.get('content-security-policy')).toBe("sandbox; default-src 'none'")
    const { body: headers } = await call('api/v1/message/latest/headers')
    expect(headers).toMatchObject({ Subject: ['Whole'], 'Message-Id': [expect.any(String)], 'X-A': ['1', '2'] })
    const raw = await call(`api/v1/message/${body.ID}/raw?dl=1`)
    expect(raw.headers.get('content-type')).toMatch(/^text\/plain/)
    expect(raw.headers.get('content-disposition')).toContain('.eml"')
    expect(raw.body).toContain('Subject: Whole\r\n')
  })

  it('has views as text and as a document that runs nothing', async () => {
    await deliver('alice', 'Plain')
    await deliver('alice', 'Rich', { html: '<p>Rich</p><script>alert(1)</script>' })
    const { headers, body } = await call('view/latest.html')
    expect(body).toContain('<p>Rich</p>')
    expect(headers.get('content-security-policy')).toMatch(
      /^sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'/,
    )
    expect((await call('view/latest.txt?query=subject:plain')).body).toBe('Text')
    expect((await call('view/latest.html?query=subject:plain')).status).toBe(404)
    expect((await call('/view/latest.txt')).status).toBe(200)
    expect((await call('view/latest.pdf')).status).toBe(404)
    expect((await call('api/v1/message/latest?query=subject:none')).status).toBe(404)
  })

  it('is sent as octets if a browser would run it', async () => {
    await deliver('alice', 'Active', {
      attachments: [{ filename: 'a.svg', content: '<svg/>', contentType: 'image/svg+xml' }],
    })
    const { headers } = await call('api/v1/message/latest/part/2')
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(headers.get('content-disposition')).toMatch(/^attachment/)
  })

  it('is released only by a connector', async () => {
    const { status, body } = await call('api/v1/message/latest/release', { method: 'POST' })
    expect(status).toBe(501)
    expect(body.type).toMatch(/not-offered$/)
  })

  it('has a check of HTML, with the mail programs that support each feature', async () => {
    await deliver('alice', 'Page', {
      html: '<html><body><p style="border-radius: 1px">a</p><p style="border-radius: 2px">b</p><video></video></body></html>',
    })
    const { body } = await call('api/v1/message/latest/html-check')
    const radius = body.Warnings.find(({ Slug }: { Slug: string }) => Slug === 'css-border-radius')
    expect(radius).toMatchObject({
      Title: 'border-radius property',
      Category: 'css',
      URL: 'https://www.caniemail.com/features/css-border-radius/',
      Tags: [],
      NotesByNumber: {},
      Score: { Found: 2 },
    })
    expect(radius.Results).toContainEqual({
      Name: 'Outlook (Windows)',
      Family: 'outlook',
      Platform: 'windows',
      Version: '',
      Support: 'no',
      NoteNumber: '',
    })
    const { Supported, Partial, Unsupported } = radius.Score
    expect(Supported + Partial + Unsupported).toBeCloseTo(100)
    expect(Unsupported).toBeGreaterThan(0)
    expect(body.Warnings.map(({ Slug }: { Slug: string }) => Slug)).toContain('html-video')
    expect(body.Platforms.ios).toContain('gmail')
    expect(body.Total).toMatchObject({ Tests: body.Warnings.length, Nodes: 5, Supported: expect.any(Number) })
    await deliver('alice', 'Plain')
    const plain = await call('api/v1/message/latest/html-check')
    expect([plain.status, plain.body.detail]).toEqual([400, 'message does not contain HTML'])
  })

  it('has a check of links, which asks only hosts that it may connect to', async () => {
    const asked: string[] = []
    const site = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      const moved = request.url === '/moved' ? { Location: '/ok' } : {}
      response.writeHead(request.url === '/gone' ? 410 : request.url === '/moved' ? 302 : 200, moved).end()
    }).listen(0, '127.0.0.1')
    await once(site, 'listening')
    const base = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
    await deliver('alice', 'Links', {
      html: `<a href="${base}/ok">a</a><img src="${base}/gone"><a href="${base}/moved">b</a><a href="${base}/ok">c</a><a href="https://shop.example/">d</a><a href="mailto:a@b.example">e</a>`,
    })
    const { body } = await call('api/v1/message/latest/link-check')
    expect(body).toEqual({
      Errors: 2,
      Links: [
        { URL: `${base}/ok`, StatusCode: 200, Status: 'OK' },
        { URL: `${base}/gone`, StatusCode: 410, Status: 'Gone' },
        { URL: `${base}/moved`, StatusCode: 302, Status: 'Found' },
        { URL: 'https://shop.example/', StatusCode: 451, Status: expect.stringMatching(/connects only to loopback/) },
      ],
    })
    expect(asked.toSorted()).toEqual(['HEAD /gone', 'HEAD /moved', 'HEAD /ok'])
    const followed = await call('api/v1/message/latest/link-check?follow=true')
    expect(followed.body.Links[2]).toEqual({ URL: `${base}/moved`, StatusCode: 200, Status: 'OK' })
    site.close()
    // Nothing listens there.
    await deliver('alice', 'Down', { html: '<a href="http://127.0.0.1:1/">x</a>' })
    const down = (await call('api/v1/message/latest/link-check')).body
    expect([down.Errors, down.Links[0].StatusCode]).toEqual([1, 0])
  })

  it('has no check by SpamAssassin unless the lab has a spam filter', async () => {
    await deliver('alice', 'Ham')
    const { status, body } = await call('api/v1/message/latest/sa-check')
    expect([status, body.detail]).toEqual([400, expect.stringMatching(/^no SpamAssassin service defined/)])
    expect((await call('api/v1/webui')).body.SpamAssassin).toBe(false)
  })

  it('has thumbnails: the image itself, and a white one for other parts', async () => {
    const png = Buffer.from('iVBORw0KGgo=', 'base64')
    await deliver('alice', 'Files', {
      attachments: [
        { filename: 'a.png', content: png, contentType: 'image/png' },
        { filename: 'a.pdf', content: 'pdf', contentType: 'application/pdf' },
      ],
    })
    const thumbnail = async (part: number) => {
      const response = await fetch(`${http.base}/mailpit/api/v1/message/latest/part/${part}/thumb`)
      return { type: response.headers.get('content-type'), octets: Buffer.from(await response.arrayBuffer()) }
    }
    expect(await thumbnail(2)).toEqual({ type: 'image/png', octets: png })
    const { type, octets } = await thumbnail(3)
    expect(type).toBe('image/jpeg')
    // SOI, the height and width of SOF0, EOI. ITU-T T.81 annex B
    const frame = octets.indexOf(Buffer.from('ffc0', 'hex'))
    expect([octets.readUInt16BE(0), octets.readUInt16BE(frame + 5), octets.readUInt16BE(frame + 7)]).toEqual([
      0xffd8, 120, 180,
    ])
    expect(octets.readUInt16BE(octets.length - 2)).toBe(0xffd9)
    expect((await call('api/v1/message/latest/part/9/thumb')).status).toBe(404)
  })
})

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

describe('tags', () => {
  it('are IMAP keywords, with ~ for spaces', async () => {
    await deliver('alice', 'One')
    await deliver('alice', 'Two')
    const id = await latestId()
    await put('api/v1/tags', { IDs: [id], Tags: ['Tag 1', 'b&d', ''] })
    expect((await call('api/v1/tags')).body).toEqual(['Tag 1', 'b d'])
    expect((await http.request(`messages/${id}`)).body.flags).toEqual(expect.arrayContaining(['Tag~1', 'b~d']))
    expect(await found('tag:"tag 1"')).toEqual(['Two'])
    expect((await call('api/v1/messages')).body).toMatchObject({ tags: ['Tag 1', 'b d'] })
    await put(`api/v1/tags/${encodeURIComponent('Tag 1')}`, { Name: 'New name' })
    expect((await call(`api/v1/message/${id}`)).body.Tags).toEqual(['New name', 'b d'])
    await call(`api/v1/tags/${encodeURIComponent('b d')}`, { method: 'DELETE' })
    expect((await call('api/v1/tags')).body).toEqual(['New name'])
    expect((await call('api/v1/info')).body.Tags).toEqual({ 'New name': 1 })
    await put('api/v1/tags', { IDs: [id] })
    expect((await call('api/v1/tags')).body).toEqual([])
    expect((await put('api/v1/tags/missing', { Name: 'x' })).status).toBe(404)
    expect((await http.request(`messages/${id}`, { method: 'PATCH', json: { tags: ['a b'] } })).body.tags).toEqual([
      'a b',
    ])
    expect((await http.request(`messages/${id}`, { method: 'PATCH', json: { tags: ['a  b'] } })).status).toBe(422)
  })
})

describe('send', () => {
  it('delivers a message with everything that Mailpit takes, and answers its id', async () => {
    const { status, body } = await call('api/v1/send', {
      json: {
        From: { Email: 'shop@example.com', Name: 'Müller, "Shop"' },
        To: [{ Email: 'alice@lab.test', Name: 'Alice' }],
        Cc: [{ Email: 'bob@lab.test' }],
        Bcc: ['carol@lab.test'],
        ReplyTo: [{ Email: 'reply@example.com', Name: 'Doe, Jane' }],
        Subject: 'Grüße',
        Text: 'Text',
        HTML: '<img src="cid:logo">',
        Headers: { 'X-Campaign': 'spring' },
        Tags: ['Tag 1'],
        Attachments: [
          {
            Content: `data:image/png;base64,${btoa('png')}`,
            Filename: 'l.png',
            ContentID: 'logo',
            ContentType: 'image/png',
          },
          { Content: btoa('text'), FileName: 'a.txt' },
        ],
      },
    })
    expect(status).toBe(200)
    const { body: message } = await call(`api/v1/message/${body.ID}`)
    expect(message).toMatchObject({
      From: { Address: 'shop@example.com', Name: expect.stringContaining('Müller') },
      To: [{ Address: 'alice@lab.test', Name: 'Alice' }],
      Cc: [{ Address: 'bob@lab.test' }],
      Bcc: [{ Address: 'carol@lab.test' }],
      ReplyTo: [{ Address: 'reply@example.com', Name: 'Doe, Jane' }],
      Subject: 'Grüße',
      Tags: ['Tag 1'],
      Inline: [{ FileName: 'l.png', ContentID: 'logo' }],
      Attachments: [{ FileName: 'a.txt', Size: 4 }],
    })
    expect((await call('api/v1/messages')).body.total).toBe(1)
    const mail = await http.lab.waitForMessage('carol@lab.test')
    expect(mail.bcc).toEqual([])
    expect(mail.headers.get('x-campaign')).toBe('spring')
  })

  it('refuses what would not be a message', async () => {
    const from = { Email: 'shop@example.com' }
    const to = [{ Email: 'alice@lab.test' }]
    const refused = async (json: object): Promise<string> => {
      const { status, body } = await call('api/v1/send', { json })
      expect(status).toBe(400)
      return body.detail
    }
    expect(await refused({ From: from, To: [{ Email: 'alice' }] })).toMatch(/^to\.0\.email: is not an address/)
    expect(await refused({ From: from })).toMatch(/recipient/)
    expect(await refused({ To: to })).toMatch(/^from: /)
    expect(await refused({ From: from, To: to, Headers: { Subject: 'x' } })).toMatch(/Subject has a key of its own/)
    expect(await refused({ From: from, To: to, Subject: 'a\r\nBcc: x@y.z' })).toMatch(/has a line end/)
    expect(await refused({ From: from, To: to, Attachments: [{ Filename: 'a', Content: '%' }] })).toMatch(/base64/)
    expect((await call('api/v1/messages')).body.total).toBe(0)
  })
})

describe('chaos', () => {
  it('makes SMTP commands fail as faults of the lab do, until the lab is reset', async () => {
    const off = {
      Sender: { ErrorCode: 451, Probability: 0 },
      Recipient: { ErrorCode: 451, Probability: 0 },
      Authentication: { ErrorCode: 535, Probability: 0 },
    }
    expect((await call('api/v1/chaos')).body).toEqual(off)
    const recipient = { ErrorCode: 499, Probability: 100 }
    expect((await put('api/v1/chaos', { Recipient: recipient })).body).toEqual({ ...off, Recipient: recipient })
    const send = (): Promise<unknown> =>
      createTransport(http.lab.nodemailer('alice')).sendMail({ from: 'a@lab.test', to: 'bob@lab.test', text: 'x' })
    await expect(send()).rejects.toThrow(/499 Chaos: RCPT fails on purpose/)
    await put('api/v1/chaos', {})
    await send()
    await put('api/v1/chaos', { Sender: { ErrorCode: 550, Probability: 100 } })
    await http.request('reset', { method: 'POST', json: {} })
    expect((await call('api/v1/chaos')).body).toEqual(off)
    await send()
    expect((await put('api/v1/chaos', { Sender: { ErrorCode: 200, Probability: 1 } })).status).toBe(400)
  })
})

describe('the application', () => {
  it('describes itself, and is alive without credentials', async () => {
    await deliver('alice', 'One')
    await call('api/v1/messages', { method: 'DELETE' })
    await deliver('alice', 'Two')
    expect((await call('api/v1/info')).body).toMatchObject({
      Version: expect.stringMatching(/^v\d/),
      Database: 'memory',
      Messages: 1,
      Unread: 1,
      RuntimeStats: { Uptime: expect.any(Number), SMTPRejected: expect.any(Number) },
    })
    expect((await call('api/v1/webui')).body).toMatchObject({ ChaosEnabled: true, MessageRelay: { Enabled: false } })
    for (const path of ['livez', 'readyz']) expect((await call(path)).status).toBe(200)
  })
})

describe('callers', () => {
  it('see and change through Mailpit and MailHog what they may through the API', async () => {
    await using own = await HttpLab.start({
      hostname: 'lab.test',
      directory: {
        accounts: [
          { user: 'alice', password: 'secret' },
          { user: 't1-eve', password: 'secret' },
        ],
      },
      access: {
        tokens: [
          { name: 'ci', token: 'ci-ci-ci-ci-ci-ci' },
          { name: 'watcher', role: 'reader', token: 'reader-reader-reader' },
          { name: 't1', role: 'tenant', token: 'tenant-tenant-tenant' },
        ],
      },
      virtualServers: [{ protocol: 'http', authentication: ['basic'] }],
    })
    for (const to of ['alice', 't1-eve']) await own.lab.deliver({ to: `${to}@lab.test`, subject: to }, { to })
    const [ci, reader, tenant] = ['ci-ci-ci-ci-ci-ci', 'reader-reader-reader', 'tenant-tenant-tenant'].map(bearer)
    const totals = async (headers: Record<string, string> | undefined, prefix = ''): Promise<number[]> =>
      Promise.all(
        ['/mailpit/api/v1/messages', '/mailhog/api/v2/messages', '/api/v2/messages'].map(
          async (path) => (await own.request(prefix + path, headers ? { headers } : {})).body.total,
        ),
      )
    expect(await totals(ci)).toEqual([2, 2, 2])
    expect(await totals(tenant)).toEqual([1, 1, 1])
    expect(await totals(ci, '/t/t1')).toEqual([1, 1, 1])
    const statuses = async (headers: Record<string, string> | undefined): Promise<number[]> => {
      const alice = (await own.request('/mailpit/api/v1/messages', ci ? { headers: ci } : {})).body.messages[1].ID
      const paths = ['/mailpit/api/v1/message/', '/mailhog/api/v1/messages/'].map((path) => path + alice)
      return Promise.all(paths.map(async (path) => (await own.request(path, headers ? { headers } : {})).status))
    }
    expect(await statuses(undefined)).toEqual([401, 401])
    expect(await statuses(tenant)).toEqual([404, 404])
    expect(await statuses(reader)).toEqual([200, 200])
    const unread = async (): Promise<number> =>
      (await own.request('/mailpit/api/v1/messages', ci ? { headers: ci } : {})).body.unread
    expect(await unread()).toBe(2)
    const change = async (path: string, headers: Record<string, string> | undefined): Promise<number> =>
      (await own.request(path, { method: 'DELETE', ...(headers ? { headers } : {}) })).status
    expect(await change('/mailpit/api/v1/messages', reader)).toBe(403)
    expect(await change('/mailhog/api/v1/messages', reader)).toBe(403)
    expect(await change('/mailpit/api/v1/messages', tenant)).toBe(200)
    expect(await totals(ci)).toEqual([1, 1, 1])
    const chaos = { method: 'PUT', json: {}, ...(tenant ? { headers: tenant } : {}) }
    expect((await own.request('/mailpit/api/v1/chaos', chaos)).status).toBe(403)
    const json = { From: { Email: 'a@b.example' }, To: [{ Email: 'alice@lab.test' }] }
    expect((await own.request('/mailpit/api/v1/send', { json, ...(tenant ? { headers: tenant } : {}) })).status).toBe(
      403,
    )
  })
})
