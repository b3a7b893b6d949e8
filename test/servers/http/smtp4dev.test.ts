import { createTransport } from 'nodemailer'
import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab, type RequestOptions } from './client.ts'

const http = HttpLab.ofTests({ tokens: [{ name: 'viewer', role: 'reader', token: 'reader-token-0123456789' }] })
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const call = (path: string, options?: RequestOptions) => http.request(`/smtp4dev/api/${path}`, options)

const send = (to: string | string[], subject: string, more: object = {}) =>
  createTransport({ ...http.lab.nodemailer('carol'), name: 'client.test' }).sendMail({
    from: 'Carol <carol@lab.test>',
    to,
    subject,
    text: 'Grüße',
    ...more,
  })

const GUID = /^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-8[\da-f]{3}-[\da-f]{12}$/

const subjects = (list: { subject: string }[]): string[] => list.map(({ subject }) => subject)
const listed = async (query = ''): Promise<string[]> => subjects((await call(`messages?${query}`)).body.results)
const idOf = async (subject: string): Promise<string> =>
  (await call(`messages?searchTerms=${subject}`)).body.results[0].id

describe('lists of messages', () => {
  it('have the keys of smtp4dev, and pages of 5', async () => {
    await send(['alice@lab.test', 'bob@lab.test'], 'One', { attachments: [{ filename: 'a.txt', content: 'a' }] })
    expect((await call('Messages')).body).toEqual({
      results: [
        {
          isRelayed: false,
          deliveredTo: 'alice@lab.test, bob@lab.test',
          id: expect.stringMatching(GUID),
          from: 'carol@lab.test',
          to: ['alice@lab.test', 'bob@lab.test'],
          receivedDate: expect.stringMatching(/^\d{4}-.*Z$/),
          subject: 'One',
          attachmentCount: 1,
          isUnread: true,
          hasWarnings: false,
        },
      ],
      currentPage: 1,
      pageCount: 1,
      pageSize: 5,
      rowCount: 1,
      firstRowOnPage: 1,
      lastRowOnPage: 1,
    })
  })

  it('are sorted, searched and in pages', async () => {
    await send('alice@lab.test', 'Beta', { text: 'the code is 123' })
    await send('bob@lab.test', 'Alpha')
    await send('carol@lab.test', 'Gamma')
    expect(await listed()).toEqual(['Gamma', 'Alpha', 'Beta'])
    expect(await listed('sortIsDescending=false&pageSize=2')).toEqual(['Beta', 'Alpha'])
    expect(await listed('sortColumn=subject&SortIsDescending=False')).toEqual(['Alpha', 'Beta', 'Gamma'])
    expect(await listed('sortColumn=to')).toEqual(['Gamma', 'Alpha', 'Beta'])
    expect(await listed('page=2&pageSize=2')).toEqual(['Beta'])
    expect(await listed('searchTerms=CODE is')).toEqual(['Beta'])
    expect(await listed('mailboxName=Default&folderName=INBOX')).toHaveLength(3)
    expect(await listed('mailboxName=Other')).toEqual([])
    expect(await listed('folderName=Sent')).toEqual([])
    expect((await call('messages?sortColumn=size')).body.detail).toMatch(/sortColumn: is one of receivedDate, subject/)
    expect((await call('messages?page=0')).body.detail).toMatch(/page: 0 is not a number from 1/)
  })

  it('of new messages end at the last that was seen', async () => {
    await send('alice@lab.test', 'One')
    const { id } = (await call('messages/new')).body[0]
    await send('alice@lab.test', 'Two')
    await send('alice@lab.test', 'Three')
    expect(subjects((await call(`messages/new?lastSeenMessageId=${id}`)).body)).toEqual(['Three', 'Two'])
    expect(subjects((await call('messages/new?pageSize=1')).body)).toEqual(['Three'])
  })
})

describe('a message', () => {
  const whole = {
    cc: 'dave@lab.test',
    bcc: 'erin@lab.test',
    html: '<p>Grüße</p><img src="cid:pic@lab.test">',
    attachments: [
      { filename: 'Report ü.txt', content: 'octets' },
      { filename: 'p.png', cid: 'pic@lab.test', content: Buffer.from('89504e47', 'hex') },
    ],
  }

  it('has the keys of smtp4dev and its parts', async () => {
    await send('Alice Ä <alice@lab.test>', 'Whole', whole)
    const id = await idOf('Whole')
    const { body } = await call(`messages/${id}`)
    expect(body).toMatchObject({
      id,
      from: '"Carol" <carol@lab.test>',
      to: ['"Alice Ä" <alice@lab.test>'],
      cc: ['dave@lab.test'],
      bcc: ['erin@lab.test'],
      deliveredTo: ['alice@lab.test', 'dave@lab.test', 'erin@lab.test'],
      subject: 'Whole',
      secureConnection: true,
      hasHtmlBody: true,
      hasPlainTextBody: true,
      mimeParseError: null,
      relayError: null,
      warnings: [],
    })
    expect(body.headers).toContainEqual({ name: 'Subject', value: 'Whole' })
    const [root] = body.parts
    expect(root).toMatchObject({ id: '0', messageId: id, isAttachment: false, name: '0 - multipart/mixed' })
    expect(root.headers.map(({ name }: { name: string }) => name)).toEqual(['Content-Type'])
    const file = root.childParts.at(-1)
    expect(file).toMatchObject({ isAttachment: true, name: 'Report ü.txt - text/plain', childParts: [] })
    expect(root.attachments).toEqual([
      {
        fileName: 'Report ü.txt',
        contentId: null,
        id: file.id,
        url: `api/messages/${id}/part/${file.id}/content?download=true`,
      },
    ])
    expect((await http.request(`/smtp4dev/${root.attachments[0].url}`)).body).toBe('octets')
    expect((await call(`messages/${id}/part/${file.id}/source`)).body).toBe('octets')
    expect((await call(`messages/${id}/part/${file.id}/raw`)).body).toMatch(/^Content-Type: text\/plain.*\r\n\r\n/s)
    expect((await call(`messages/${id}/part/99/content`)).body.detail).toMatch(/no part 99; it has \d, counted from 0/)
  })

  it('is read as source, text, HTML and file', async () => {
    await send('alice@lab.test', 'Whole', whole)
    await send('alice@lab.test', 'Plain')
    const [id, plain] = [await idOf('Whole'), await idOf('Plain')]
    expect((await call(`messages/${id}/raw`)).body).toContain('Subject: Whole\r\n')
    expect((await call(`messages/${id}/source`)).body).toBe(whole.html)
    expect((await call(`Messages/${plain.toUpperCase()}/source`)).body.trim()).toBe('Grüße')
    expect((await call(`messages/${id}/plaintext`)).body.trim()).toBe('Grüße')
    expect((await call(`messages/${id}/html`)).body).toContain('data:image/png;base64,iVBORw==')
    expect((await call(`messages/${plain}/html`)).status).toBe(404)
    expect((await call(`messages/${id}/download`)).headers.get('content-disposition')).toContain(`${id}.eml`)
    expect((await call(`messages/${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}`)).status).toBe(404)
  })

  it('of HTML only has no plain text', async () => {
    await send('alice@lab.test', 'Html', { text: undefined, html: '<b>Hi</b>' })
    const id = await idOf('Html')
    expect((await call(`messages/${id}`)).body).toMatchObject({ hasHtmlBody: true, hasPlainTextBody: false })
    expect((await call(`messages/${id}/plaintext`)).status).toBe(404)
  })
})

describe('changes', () => {
  it('mark one message and all as read', async () => {
    for (const subject of ['One', 'Two', 'Three']) await send('alice@lab.test', subject)
    const unread = async () =>
      subjects((await call('messages')).body.results.filter(({ isUnread }: { isUnread: boolean }) => isUnread))
    await call(`messages/${await idOf('One')}/markRead`, { method: 'POST' })
    expect(await unread()).toEqual(['Three', 'Two'])
    await call('messages/markAllRead?mailboxName=Other', { method: 'POST' })
    expect(await unread()).toHaveLength(2)
    await call('messages/markAllRead', { method: 'POST' })
    expect(await unread()).toEqual([])
  })

  it('delete one message and no other, and all', async () => {
    for (const subject of ['One', 'Two', 'Three']) await send('alice@lab.test', subject)
    const id = await idOf('One')
    for (let count = 0; count < 2; count++)
      expect((await call(`messages/${id}`, { method: 'DELETE' })).status).toBe(200)
    expect(await listed()).toEqual(['Three', 'Two'])
    await call('messages/*?mailboxName=Other', { method: 'DELETE' })
    expect(await listed()).toHaveLength(2)
    expect((await call('Messages/*', { method: 'DELETE' })).status).toBe(200)
    expect(await listed()).toEqual([])
  })

  it('are refused to a reader', async () => {
    const headers = bearer('reader-token-0123456789')
    expect((await call('messages', { headers })).status).toBe(200)
    expect((await call('messages/*', { method: 'DELETE', headers })).status).toBe(403)
  })
})

describe('the server', () => {
  it('lists and deletes the sessions of SMTP clients', async () => {
    await call('sessions/*', { method: 'DELETE' })
    await send('alice@lab.test', 'One')
    const { results, rowCount } = (await call('Sessions')).body
    expect(rowCount).toBe(1)
    expect(results[0]).toMatchObject({
      clientAddress: '127.0.0.1',
      clientName: 'client.test',
      numberOfMessages: 1,
      terminatedWithError: false,
    })
    const { id } = results[0]
    expect((await call(`sessions/${id}`)).body).toMatchObject({ id, error: null, clientName: 'client.test' })
    expect((await call(`sessions/${id}/log`)).body).toMatch(/C\*?:.*EHLO client\.test/)
    await call('sessions/*', { method: 'DELETE' })
    expect((await call('sessions')).body.results).toEqual([])
    expect((await call(`sessions/${id}`)).status).toBe(404)
  })

  it('says what it is', async () => {
    expect((await call('Server')).body).toMatchObject({
      isRunning: true,
      port: http.lab.server('smtp').port,
      imapPort: http.lab.server('imap4').port,
      pop3Port: null,
      settingsAreEditable: false,
    })
    expect((await call('version')).body.version).toMatch(/^\d+\.\d+\.\d+\.0$/)
    expect((await call('mailboxes')).body).toMatchObject([{ name: 'Default' }])
    expect((await call('messages/folders')).body).toEqual(['INBOX'])
  })

  it.each([
    ['POST', 'server'],
    ['POST', 'messages/1/relay'],
  ])('answers 501 for %s %s', async (method, path) => {
    expect((await call(path, { method })).status).toBe(501)
  })
})

describe('messages that clients send', () => {
  it('are delivered in the lab, with HTML or a form as the body', async () => {
    const query = new URLSearchParams({ from: 'Shop <shop@example.com>', to: 'alice@lab.test', cc: 'bob@lab.test' })
    const html = { body: '<p>Hello</p>', headers: { 'content-type': 'text/html' } }
    expect((await call(`messages/send?${query}&subject=Only`, html)).status).toBe(200)
    const form = new FormData()
    form.set('bodyHtml', '<p>With a file</p>')
    form.append('attachments', new Blob(['octets'], { type: 'text/plain' }), 'a.txt')
    const url = `${http.base}/smtp4dev/api/Messages/send?${query}&subject=All&deliverToAll=true`
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(200)
    const { results } = (await call('messages')).body
    expect(results).toMatchObject([
      { subject: 'All', from: 'shop@example.com', to: ['alice@lab.test', 'bob@lab.test'], attachmentCount: 1 },
      { subject: 'Only', from: 'shop@example.com', to: ['alice@lab.test'], attachmentCount: 0 },
    ])
    expect((await call(`messages/${results[1].id}/html`)).body).toContain('<p>Hello</p>')
    expect((await call('messages/send?from=a@b.example', html)).status).toBe(400)
    expect((await call(`messages/send?${query}&subject=a%0Ab`, html)).status).toBe(400)
    const headers = { 'content-type': 'text/html', ...bearer('reader-token-0123456789') }
    expect((await call(`messages/send?${query}`, { ...html, headers })).status).toBe(403)
  })

  it('answer a message with its thread', async () => {
    await send('alice@lab.test', 'Question', { headers: { References: '<0@lab.test>' }, messageId: '<1@lab.test>' })
    const query = new URLSearchParams({ from: 'alice@lab.test', to: 'carol@lab.test', subject: 'Answer' })
    const body = { body: '<p>Yes</p>', headers: { 'content-type': 'text/html' } }
    expect((await call(`messages/${await idOf('Question')}/reply?${query}`, body)).status).toBe(200)
    const raw = (await call(`messages/${await idOf('Answer')}/raw`)).body
    expect(raw).toMatch(/^In-Reply-To: <1@lab\.test>\r$/m)
    expect(raw).toMatch(/^References: <0@lab\.test> <1@lab\.test>\r$/m)
  })

  it('are imported for the recipients of their header', async () => {
    const eml = 'From: shop@example.com\r\nTo: alice@lab.test\r\nSubject: Imported\r\n\r\nText\r\n'
    const put = (body: string) =>
      call('messages', { method: 'PUT', body, headers: { 'content-type': 'message/rfc822' } })
    const { status, body: id } = await put(eml)
    expect([status, id]).toEqual([200, expect.stringMatching(GUID)])
    expect((await call(`messages/${id}`)).body).toMatchObject({ subject: 'Imported', deliveredTo: ['alice@lab.test'] })
    expect((await put('Subject: Lonely\r\n\r\n')).status).toBe(200)
    expect(await listed()).toEqual(['Lonely', 'Imported'])
    expect((await put('')).status).toBe(400)
  })
})
