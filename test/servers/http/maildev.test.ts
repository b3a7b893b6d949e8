import { createHash } from 'node:crypto'
import { createTransport } from 'nodemailer'
import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab, type RequestOptions } from './client.ts'

const http = HttpLab.ofTests({ tokens: [{ name: 'viewer', role: 'reader', token: 'reader-token-0123456789' }] })
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const call = (path: string, options?: RequestOptions) => http.request(`/maildev/${path}`, options)

const send = (to: string | string[], subject: string, more: object = {}) =>
  createTransport({ ...http.lab.nodemailer('carol'), name: 'client.test' }).sendMail({
    from: 'Carol <carol@lab.test>',
    to,
    subject,
    text: 'Grüße',
    ...more,
  })

const whole = {
  to: ['Alice Ä <alice@lab.test>', 'bob@lab.test'],
  cc: 'dave@lab.test',
  bcc: 'erin@lab.test',
  replyTo: 'desk@lab.test',
  html: '<p>Grüße</p><img src="cid:pic@lab.test">',
  date: new Date('2026-01-02T03:04:05Z'),
  messageId: '<two@lab.test>',
  inReplyTo: '<one@lab.test>',
  references: ['<zero@lab.test>', '<one@lab.test>'],
  priority: 'high',
  headers: { 'X-Batch': ['a', 'b'], 'X-Name': 'ü' },
  attachments: [
    { filename: 'a b.txt', content: 'octets' },
    { filename: 'a b.txt', content: 'tetsoc' },
    { filename: 'p.png', cid: 'pic@lab.test', content: Buffer.from('89504e47', 'hex') },
  ],
}

const address = (one: string, name = '') => ({ address: one, name })

const subjects = (list: { subject: string }[]): string[] => list.map(({ subject }) => subject)
const idOf = async (subject: string): Promise<string> => (await call(`email?subject=${subject}`)).body[0].id

describe('messages', () => {
  it('that name very many others are listed', async () => {
    const field = `References: ${`${'a '.repeat(480)}\r\n `.repeat(272)}a\r\n`
    const raw = `From: carol@lab.test\r\n${field}${field}Subject: Thread\r\n\r\nText\r\n`
    await send('alice@lab.test', '', { envelope: { from: 'carol@lab.test', to: 'alice@lab.test' }, raw })
    const [{ headers }] = (await call('api/email')).body
    expect(headers.references.length).toBeGreaterThan(200_000)
  })

  it('have the keys of MailDev 2 at /email', async () => {
    await send(whole.to, 'Whole', whole)
    const { body } = await call('email')
    expect(body).toEqual([
      {
        html: expect.stringContaining('cid:pic@lab.test'),
        text: 'Grüße',
        headers: expect.objectContaining({
          subject: 'Whole',
          'x-batch': ['a', 'b'],
          'x-name': 'ü',
          cc: 'dave@lab.test',
        }),
        subject: 'Whole',
        references: ['zero@lab.test', 'one@lab.test'],
        messageId: 'two@lab.test',
        inReplyTo: ['one@lab.test'],
        priority: 'high',
        from: [address('carol@lab.test', 'Carol')],
        replyTo: [address('desk@lab.test')],
        to: [address('alice@lab.test', 'Alice Ä'), address('bob@lab.test')],
        cc: [address('dave@lab.test')],
        date: '2026-01-02T03:04:05.000Z',
        id: expect.any(String),
        time: '2026-01-02T03:04:05.000Z',
        read: false,
        envelope: {
          from: { address: 'carol@lab.test', args: false },
          to: ['alice', 'bob', 'dave', 'erin'].map((user) => ({ address: `${user}@lab.test`, args: false })),
          host: 'client.test',
          remoteAddress: '127.0.0.1',
        },
        source: expect.stringMatching(/\.eml$/),
        size: expect.any(Number),
        sizeHuman: expect.stringMatching(/^\d.*KB$/),
        attachments: [
          expect.objectContaining({ fileName: 'p.png', contentId: 'pic@lab.test', contentDisposition: 'inline' }),
          expect.objectContaining({ fileName: 'a b.txt', length: 6, transferEncoding: 'base64' }),
          {
            contentType: 'text/plain',
            fileName: 'a b.txt',
            contentId: expect.stringMatching(/^[\da-f]{32}@mailparser$/),
            transferEncoding: 'base64',
            contentDisposition: 'attachment',
            generatedFileName: expect.stringMatching(/^[\da-f]{32}\.txt$/),
            checksum: createHash('md5').update('tetsoc').digest('hex'),
            length: 6,
            transformed: true,
          },
        ],
        calculatedBcc: [address('erin@lab.test')],
      },
    ])
  })

  it('have the keys of MailDev 3 at /api/email', async () => {
    await send(whole.to, 'Whole', whole)
    const { body } = await call('api/email')
    expect(body).toEqual([
      {
        id: expect.any(String),
        time: '2026-01-02T03:04:05.000Z',
        read: false,
        subject: 'Whole',
        source: expect.stringMatching(/\.eml$/),
        size: expect.any(Number),
        sizeHuman: expect.stringMatching(/^\d.*KB$/),
        from: [address('carol@lab.test', 'Carol')],
        to: [address('alice@lab.test', 'Alice Ä'), address('bob@lab.test')],
        headers: expect.objectContaining({
          subject: 'Whole',
          'x-batch': ['a', 'b'],
          'x-name': expect.stringMatching(/^=\?UTF-8\?/),
          references: ['<zero@lab.test>', '<one@lab.test>'],
          'message-id': '<two@lab.test>',
          priority: 'high',
        }),
        attachments: [
          {
            filename: 'p.png',
            generatedFileName: expect.stringMatching(/^[\da-f]{32}\.png$/),
            contentType: 'image/png',
            contentDisposition: 'inline',
            contentId: 'pic@lab.test',
            size: 4,
          },
          expect.objectContaining({ filename: 'a b.txt', size: 6 }),
          expect.objectContaining({ filename: 'a b.txt', size: 6 }),
        ],
        envelope: {
          from: { address: 'carol@lab.test' },
          to: ['alice', 'bob', 'dave', 'erin'].map((user) => ({ address: `${user}@lab.test` })),
        },
        calculatedBcc: [address('erin@lab.test')],
        cc: [address('dave@lab.test')],
        html: expect.stringContaining('data:image/png;base64,iVBORw=='),
        text: 'Grüße',
        inReplyTo: '<one@lab.test>',
      },
    ])
    expect(Object.keys(body[0].headers)).not.toEqual(expect.arrayContaining(['from']))
  })

  it('of plain text have no keys of the rest', async () => {
    await send('alice@lab.test', 'Plain')
    const [two] = (await call('email')).body
    expect(two).toMatchObject({ attachments: null, priority: 'normal', calculatedBcc: [] })
    expect(Object.keys(two)).not.toEqual(expect.arrayContaining(['html']))
    const [three] = (await call('api/email')).body
    expect(three.attachments).toEqual([])
    for (const key of ['html', 'cc', 'priority', 'inReplyTo']) expect(three).not.toHaveProperty(key)
  })

  it('are read with their HTML, source and attachments, also two of the same name and size', async () => {
    await send(whole.to, 'Whole', whole)
    const id = await idOf('Whole')
    const { body } = await call(`email/${id}`)
    expect(body).toMatchObject({ id, read: true })
    const html = await call(`email/${id}/html`)
    expect(html.body).toContain('data:image/png;base64,iVBORw==')
    expect(html.headers.get('content-security-policy')).toMatch(/^sandbox/)
    expect((await call(`api/email/${id}/source`)).body).toContain('Subject: Whole\r\n')
    expect((await call(`email/${id}/download`)).headers.get('content-type')).toBe('message/rfc822')
    const files = body.attachments.map(({ generatedFileName }: { generatedFileName: string }) => generatedFileName)
    const contents = await Promise.all(files.slice(1).map((one: string) => call(`email/${id}/attachment/${one}`)))
    expect(contents.map((one) => one.body)).toEqual(['octets', 'tetsoc'])
    expect((await call(`email/${id}/attachment/a.txt`)).body.detail).toMatch(/has no attachment a\.txt; it has .*\.txt/)
    expect((await call('email/1.999')).status).toBe(404)
  })

  it('without HTML have no HTML document', async () => {
    await send('alice@lab.test', 'Plain')
    expect((await call(`api/email/${await idOf('Plain')}/html`)).status).toBe(404)
  })
})

describe('an invitation', () => {
  it('is an attachment, also without a disposition', async () => {
    await http.lab.deliver(
      Buffer.from(
        'From: carol@lab.test\r\nTo: alice@lab.test\r\nSubject: Meet\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nText\r\n--b\r\nContent-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\n--b--\r\n',
      ),
      { to: 'alice' },
    )
    const [three] = (await call('api/email')).body
    expect(three.attachments).toEqual([
      expect.objectContaining({ contentType: 'text/calendar', generatedFileName: expect.stringMatching(/\.ics$/) }),
    ])
    expect((await call('email')).body[0].attachments).toHaveLength(1)
    expect((await call('api/email/summary')).body.items[0].attachmentCount).toBe(1)
    const { generatedFileName } = three.attachments[0]
    expect((await call(`api/email/${three.id}/attachment/${generatedFileName}`)).body).toBe('BEGIN:VCALENDAR')
  })
})

describe('errors', () => {
  it('say why in `error`', async () => {
    const { status, body } = await call('api/email/1.1')
    expect([status, body.error]).toEqual([404, body.detail])
    expect((await call('email?skip=all')).body.error).toMatch(/^skip: all/)
  })
})

describe('lists', () => {
  it('are in the order of arrival, in pages, and filtered by any key', async () => {
    await send('alice@lab.test', 'One')
    await send(['bob@lab.test', 'alice@lab.test'], 'Two', { headers: { 'X-Batch': 'b' } })
    await send('bob@lab.test', 'Three', { attachments: [{ filename: 'a.txt', content: 'a' }] })
    expect(subjects((await call('email')).body)).toEqual(['One', 'Two', 'Three'])
    expect(subjects((await call('email?skip=1')).body)).toEqual(['Two', 'Three'])
    expect(subjects((await call('api/email?sort=desc&limit=2')).body)).toEqual(['Three', 'Two'])
    expect(subjects((await call('email?to.address=alice@lab.test')).body)).toEqual(['One', 'Two'])
    expect(subjects((await call('email?to.address=alice@lab.test&skip=1')).body)).toEqual(['Two'])
    expect(subjects((await call('email?from.name=Carol&subject=Three')).body)).toEqual(['Three'])
    expect(subjects((await call('email?headers.x-batch=b')).body)).toEqual(['Two'])
    expect(subjects((await call('email?attachments.fileName=a.txt')).body)).toEqual(['Three'])
    expect(subjects((await call('email?to.address=alice')).body)).toEqual([])
    expect(subjects((await call('email?__proto__.polluted=1')).body)).toEqual([])
    expect((await call('email?skip=all')).body.detail).toMatch(/skip: all is not a number/)
  })

  it('of summaries have counts, a search and pages', async () => {
    await send('alice@lab.test', 'One', { text: 'the code is 123' })
    await send('bob@lab.test', 'Two', { cc: 'alice@lab.test' })
    await call(`email/${await idOf('One')}`)
    expect((await call('api/email/summary')).body).toEqual({
      items: [
        expect.objectContaining({ subject: 'Two', cc: [address('alice@lab.test')] }),
        {
          id: expect.any(String),
          time: expect.any(String),
          read: true,
          subject: 'One',
          size: expect.any(Number),
          sizeHuman: expect.stringMatching(/ Bytes$/),
          from: [address('carol@lab.test', 'Carol')],
          to: [address('alice@lab.test')],
          attachmentCount: 0,
          preview: 'the code is 123',
        },
      ],
      total: 2,
      storeTotal: 2,
      unread: 1,
      skip: 0,
      limit: 50,
    })
    const page = async (query: string) => subjects((await call(`api/email/summary?${query}`)).body.items)
    expect(await page('search=CODE is')).toEqual(['One'])
    expect(await page('search=alice&sort=asc')).toEqual(['One', 'Two'])
    expect(await page('unread=true')).toEqual(['Two'])
    expect(await page('skip=1&limit=1')).toEqual(['One'])
  })

  it('are refused if their messages are too long together', async () => {
    for (const subject of ['One', 'Two', 'Three'])
      await http.lab.deliver({ subject, text: 'x'.repeat(6_000_000) }, { to: 'alice' })
    expect((await call('email')).body.detail).toMatch(/octets together, .*limit=10/)
    expect((await call('email?limit=1')).body).toHaveLength(1)
  })
})

describe('changes', () => {
  it('mark all messages as read and answer how many', async () => {
    for (const subject of ['One', 'Two']) await send('alice@lab.test', subject)
    await call(`email/${await idOf('One')}`)
    expect((await call('email/read-all', { method: 'PATCH' })).body).toBe(1)
    expect((await call('api/email?read=true')).body).toHaveLength(2)
  })

  it('delete one message, some and all', async () => {
    for (const subject of ['One', 'Two', 'Three', 'Four']) await send('alice@lab.test', subject)
    const [one, two] = [await idOf('One'), await idOf('Two')]
    expect((await call(`email/${one}`, { method: 'DELETE' })).body).toBe(true)
    expect((await call(`email/${one}`, { method: 'DELETE' })).status).toBe(404)
    const some = await call('api/email/delete', { json: { ids: [one, two, two] } })
    expect(some.body).toEqual({ deleted: [two], notFound: [one] })
    expect((await call('api/email/delete', { json: {} })).status).toBe(400)
    expect(subjects((await call('email')).body)).toEqual(['Three', 'Four'])
    expect((await call('email/all', { method: 'DELETE' })).body).toBe(true)
    expect((await call('email')).body).toEqual([])
  })

  it('are refused to a reader, whose reading marks nothing', async () => {
    await send('alice@lab.test', 'One')
    const id = await idOf('One')
    const headers = bearer('reader-token-0123456789')
    expect((await call(`email/${id}`, { headers })).body.read).toBe(false)
    expect((await call('email?read=true')).body).toEqual([])
    expect((await call('email/all', { method: 'DELETE', headers })).status).toBe(403)
  })
})

describe('the server', () => {
  it('says that it runs, and what it is', async () => {
    expect((await call('healthz')).body).toBe(true)
    expect((await call('api/healthz')).body).toBe(true)
    expect((await call('config')).body).toEqual({
      version: expect.stringMatching(/^\d/),
      smtpPort: http.lab.server('smtp').port,
      isOutgoingEnabled: false,
      outgoingHost: null,
    })
  })

  it.each(['email/1.1/relay', 'api/email/1.1/relay/dev@example.test'])('does not relay: %s', async (path) => {
    expect((await call(path, { method: 'POST' })).status).toBe(501)
  })

  it('answers 501 for reloadMailsFromDirectory', async () => {
    expect((await call('reloadMailsFromDirectory')).status).toBe(501)
  })
})
