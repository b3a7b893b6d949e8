import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from './client.ts'

const tenant = 'tenant-tenant-tenant'

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob', 't1-eve'].map((user) => ({ user, password: 'secret' })) },
  access: { tokens: [{ name: 't1', role: 'tenant', token: tenant }] },
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

async function deliver(user: string, subject: string, more: object = {}): Promise<string> {
  await http.lab.deliver({ to: `${user}@lab.test`, subject, text: 'Text', ...more }, { to: user })
  return (await http.request('messages?limit=1')).body.items[0].id
}

const listed = async (path = 'messages'): Promise<string[]> =>
  (await http.request(path)).body.items.map(({ subject }: { subject: string }) => subject)

describe('several messages', () => {
  it('are marked and tagged together', async () => {
    const ids = [await deliver('alice', 'one'), await deliver('bob', 'two')]
    await deliver('bob', 'three')
    const json = { ids: [...ids, 'none.1'], read: true, flagged: true, addTags: ['my shop', 'b'] }
    expect((await http.request('messages', { method: 'PATCH', json })).body).toEqual({ changed: 2 })
    expect(await listed('messages?query=is:read+is:flagged+tag:b')).toEqual(['two', 'one'])
    await http.request('messages', { method: 'PATCH', json: { query: 'subject:two', read: false, removeTags: ['b'] } })
    expect((await http.request(`messages/${ids[1]}`)).body).toMatchObject({
      read: false,
      flagged: true,
      tags: ['my shop'],
    })
    expect((await http.request('tags')).body).toEqual({
      items: [
        { name: 'b', messages: 1 },
        { name: 'my shop', messages: 2 },
      ],
      next: null,
      total: 2,
    })
  })

  it('count once, however often they are named', async () => {
    const id = await deliver('alice', 'one')
    const json = { ids: [id, id] }
    expect((await http.request('messages', { method: 'PATCH', json: { ...json, read: true } })).body.changed).toBe(1)
    const { moved } = (await http.request('messages/move', { json: { ...json, folder: 'Archive' } })).body
    expect(moved).toHaveLength(1)
    expect((await http.request('messages/export', { json: { ids: [moved[0].newId, moved[0].newId] } })).body).toMatch(
      /^From (?!.*^From )/ms,
    )
  })

  it('are all only if the JSON says true', async () => {
    for (const path of ['messages/export', 'messages/delete']) {
      for (const all of ['0', 'true', 1]) {
        expect([path, all, (await http.request(path, { json: { all } })).status]).toEqual([path, all, 422])
      }
    }
  })

  it('are moved within their accounts, and back by their new ids', async () => {
    const ids = [await deliver('alice', 'one'), await deliver('bob', 'two'), await deliver('bob', 'three')]
    const { moved } = (await http.request('messages/move', { json: { ids, folder: 'Archive' } })).body
    expect(moved.map(({ id }: { id: string }) => id).sort()).toEqual([...ids].sort())
    expect(await listed('messages?folder=Archive')).toHaveLength(3)
    expect(moved.map(({ from }: { from: string }) => from)).toEqual(['INBOX', 'INBOX', 'INBOX'])
    const back = moved.map(({ newId }: { newId: string }) => newId)
    await http.request('messages/move', { json: { ids: back, folder: 'INBOX' } })
    expect(await listed('messages?folder=INBOX&account=bob')).toHaveLength(2)
    const none = await http.request('messages/move', { json: { query: 'subject:one', folder: 'Nowhere' } })
    expect([none.status, none.body.detail]).toEqual([404, expect.stringContaining('there are: Archive, Drafts, INBOX')])
  })

  it('are deleted by ids or by a search, and never without either', async () => {
    const id = await deliver('alice', 'one')
    for (const subject of ['two', 'two', 'three']) await deliver('bob', subject)
    expect((await http.request('messages/delete', { json: {} })).status).toBe(422)
    for (const path of ['messages/delete', 'messages/export', 'messages/release']) {
      for (const other of [{ query: 'subject:two' }, { account: 'bob' }, { since: '2020-01-01' }]) {
        const { status, body } = await http.request(path, { json: { ids: [id], ...other } })
        expect([path, status, body.detail]).toEqual([path, 422, expect.stringMatching(/^ids and \w+ select different/)])
      }
    }
    expect((await http.request('messages/delete', { json: { ids: [id], all: true } })).status).toBe(422)
    expect(await listed('messages')).toHaveLength(4)
    expect((await http.request('messages/delete', { json: { ids: [id] } })).body).toEqual({ deleted: 1 })
    expect((await http.request('messages/delete', { json: { query: 'subject:two' } })).body).toEqual({ deleted: 2 })
    expect((await http.request('messages/delete', { json: { all: true } })).body).toEqual({ deleted: 1 })
  })

  it('are downloaded as mbox', async () => {
    await deliver('alice', 'one', { text: 'From here' })
    await deliver('bob', 'two')
    const { headers, body } = await http.request('messages/export', { json: { all: true } })
    expect(headers.get('content-disposition')).toBe('attachment; filename="messages.mbox"')
    expect(body.match(/^From MAILER-DAEMON /gm)).toHaveLength(2)
    expect(body.match(/^Subject: .*$/gm)).toEqual(['Subject: two', 'Subject: one'])
  })

  it('of others are as if they did not exist', async () => {
    const ids = [await deliver('alice', 'hers'), await deliver('t1-eve', 'own')]
    const headers = bearer(tenant)
    const json = { ids, read: true }
    expect((await http.request('messages', { method: 'PATCH', json, headers })).body).toEqual({ changed: 1 })
    expect((await http.request('messages/export', { json: { ids }, headers })).body).not.toContain('hers')
    expect((await http.request('messages/delete', { json: { ids }, headers })).body).toEqual({ deleted: 1 })
    expect(await listed()).toEqual(['hers'])
  })

  it('are skipped by an offset', async () => {
    for (const subject of ['one', 'two', 'three', 'four']) await deliver('alice', subject)
    expect(await listed('messages?offset=1&limit=2')).toEqual(['three', 'two'])
    expect((await http.request('messages?offset=9')).body).toEqual({ items: [], next: null, total: 4 })
  })
})

describe('threads', () => {
  const send = (id: string, headers: object = {}, user = 'alice') =>
    deliver(user, `subject of ${id}`, { headers: { 'Message-ID': `<${id}@app.test>`, ...headers } })

  it('are messages that name each other, in any order of arrival', async () => {
    await send('reply', { References: '<first@app.test>' })
    await send('other')
    await send('answer', { 'In-Reply-To': '<reply@app.test>' }, 'bob')
    const first = await send('first')
    const { items } = (await http.request(`messages/${first}/thread`)).body
    expect(items.map(({ messageId }: { messageId: string }) => messageId)).toEqual(
      ['reply', 'answer', 'first'].map((one) => `<${one}@app.test>`),
    )
    const page = (await http.request('messages?threads=true')).body
    expect(page).toMatchObject({
      total: 2,
      items: [
        { subject: 'subject of first', thread: { messages: 3, unread: 3 } },
        { subject: 'subject of other', thread: { messages: 1 } },
      ],
    })
    await http.request(`messages/${first}`, { method: 'DELETE' })
    await send('late', { References: '<first@app.test>' })
    expect(await listed('messages?threads=true')).toEqual(['subject of late', 'subject of other'])
  })

  it('have only the messages that the caller sees', async () => {
    await send('one', {}, 'alice')
    const id = await send('two', { References: '<one@app.test>' }, 't1-eve')
    expect((await http.request(`messages/${id}/thread`, { headers: bearer(tenant) })).body.items).toHaveLength(1)
  })
})

describe('a message in a message', () => {
  it('is read like any other', async () => {
    const inner = [
      'From: Inner <inner@app.test>',
      'Subject: =?UTF-8?Q?Gr=C3=B6=C3=9Fe?=',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/html',
      '',
      '<p>Inside</p>',
      '--b',
      'Content-Type: text/plain; name=a.txt',
      'Content-Disposition: attachment; filename=a.txt',
      '',
      'file',
      '--b--',
      '',
    ].join('\r\n')
    const id = await deliver('alice', 'outer', {
      attachments: [{ filename: 'inner.eml', contentType: 'message/rfc822', content: inner }],
    })
    const { body } = await http.request(`messages/${id}?inside=2`)
    expect(body).toMatchObject({
      id,
      subject: 'Größe',
      from: { name: 'Inner' },
      hasHtml: true,
      attachments: [{ part: '2' }],
    })
    expect((await http.request(`messages/${id}/html?inside=2`)).body).toContain('<p>Inside</p>')
    expect((await http.request(`messages/${id}/structure?inside=2`)).body.parts).toHaveLength(2)
    expect((await http.request(`messages/${id}/raw?inside=2`)).body).toBe(inner)
    expect((await http.request(`messages/${id}?inside=1`)).body.detail).toMatch(/part 1 of message .* is text\/plain/)
  })
})

describe('the HTML of a message', () => {
  const html = [
    '<!doctype html><html><head><meta name="color-scheme" content="light dark"><style>:root { color-scheme: light dark }',
    '@media (prefers-color-scheme: dark) { p { color: white } } @media ( prefers-color-scheme:light ) { p { color: black } }',
    '</style></head><body><p>Text</p></body></html>',
  ].join('')

  it('opens links in another tab', async () => {
    const id = await deliver('alice', 'html', { html })
    expect((await http.request(`messages/${id}/html`)).body).toMatch(
      /^<!doctype html><html><head><base target="_blank"><meta/,
    )
  })

  it('looks as in a colour scheme', async () => {
    const id = await deliver('alice', 'html', { html })
    const { body: dark } = await http.request(`messages/${id}/html?scheme=dark`)
    expect(dark).toContain('content="dark"')
    expect(dark).toContain(':root { color-scheme: dark}')
    expect(dark).toContain('@media (min-width: 0) { p { color: white } } @media (max-width: 0) { p { color: black } }')
    expect((await http.request(`messages/${id}/html?scheme=light`)).body).toContain(
      '@media (max-width: 0) { p { color: white',
    )
  })

  it('looks so in linear time, whatever tags it does not end', async () => {
    const begun = '<meta name="color-scheme" content="dark" '.repeat(20_000)
    const id = await deliver('alice', 'html', { html: begun })
    expect((await http.request(`messages/${id}/html?scheme=dark`)).body).toContain(begun)
  })
})
