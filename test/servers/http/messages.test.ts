import { createTransport } from 'nodemailer'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { shortenSlices } from '../../hostile/support.ts'
import { newFolder } from '../../support/folder.ts'
import { HttpLab } from './client.ts'

const http = HttpLab.ofTests()
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

async function deliver(user: string, subject: string, more: object = {}): Promise<void> {
  await http.lab.deliver(
    { from: 'shop@example.com', to: `${user}@lab.test`, subject, text: 'Text', ...more },
    { to: user },
  )
}

interface Subject {
  readonly subject: string
}

const subjects = async (query: string): Promise<string[]> =>
  (await http.request(`messages?query=${encodeURIComponent(query)}`)).body.items.map((one: Subject) => one.subject)

describe('messages', () => {
  it('that SMTP delivers are listed with their envelope, and read with their codes, links and TLS facts', async () => {
    await createTransport(http.lab.nodemailer('alice')).sendMail({
      from: 'Shop <shop@example.com>',
      to: 'bob@lab.test',
      subject: 'Your code',
      text: 'Your code is 123456. Go to https://shop.example/verify?x=1',
      attachments: [{ filename: 'größe.txt', content: 'octets' }],
    })
    const { body: list } = await http.request('messages')
    expect(list).toMatchObject({ total: 1, next: null })
    const [summary] = list.items
    expect(summary).toMatchObject({
      subject: 'Your code',
      from: { name: 'Shop', address: 'shop@example.com' },
      account: 'bob',
      folder: { name: 'INBOX' },
      read: false,
      attachments: 1,
      envelope: { from: 'shop@example.com', to: ['bob@lab.test'] },
    })
    const { body: message } = await http.request(`messages/${summary.id}`)
    expect(message).toMatchObject({
      codes: ['123456'],
      links: [{ href: 'https://shop.example/verify?x=1' }],
      attachments: [{ part: '2', filename: 'größe.txt', contentType: 'text/plain', sizeOctets: 6 }],
      delivery: { user: 'alice', tls: { version: 'TLSv1.3' } },
    })
    const part = await http.request(`messages/${summary.id}/parts/2`)
    expect(part.body).toBe('octets')
    expect(part.headers.get('content-disposition')).toBe(
      `attachment; filename="gr__e.txt"; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt`,
    )
    const raw = await http.request(`messages/${summary.id}/raw`)
    expect(raw.headers.get('content-type')).toBe('message/rfc822')
    expect(raw.body).toContain('Subject: Your code')
  })

  it('are found with the syntax of Mailpit, and with folders, accounts and header fields', async () => {
    await deliver('alice', 'Invoice 12', { headers: { 'X-Campaign': 'spring' } })
    await deliver('bob', 'Invoice 13', { attachments: [{ filename: 'a.pdf', content: Buffer.alloc(5_000) }] })
    await deliver('bob', 'Welcome', { text: 'Grüße, a long text' })
    expect(await subjects('subject:invoice')).toEqual(['Invoice 13', 'Invoice 12'])
    expect(await subjects('"invoice 12"')).toEqual(['Invoice 12'])
    expect(await subjects('invoice -12')).toEqual(['Invoice 13'])
    expect(await subjects('to:bob !has:attachment')).toEqual(['Welcome'])
    expect(await subjects('account:alice')).toEqual(['Invoice 12'])
    expect(await subjects('larger:4k')).toEqual(['Invoice 13'])
    expect(await subjects('header:x-campaign:spring')).toEqual(['Invoice 12'])
    expect(await subjects('GRÜSSE')).toEqual([])
    expect(await subjects('GRÜßE')).toEqual(['Welcome'])
    expect(await subjects('is:unread folder:inbox')).toHaveLength(3)
    expect(await subjects('after:2999-01-01')).toEqual([])
    const wrong = await http.request('messages?query=is:new')
    expect(wrong.status).toBe(400)
    expect(wrong.body.detail).toMatch(/is:new is not known; write one of is:read, is:unread/)
    const misspelt = await http.request('messages?query=frm:alice')
    expect([misspelt.status, misspelt.body.detail]).toEqual([
      400,
      expect.stringMatching(/^query: frm: is not a field; did you mean from:\? Fields are from: to: .*: "frm:alice"$/),
    ])
    await deliver('alice', 'See frm:alice and http://localhost:8025')
    expect(await subjects('"frm:alice" localhost:8025 http://localhost')).toHaveLength(1)
  })

  it('are found by parameters beside a search with an unfinished quote', async () => {
    await deliver('alice', 'An invoice')
    await deliver('bob', 'An invoice for bob')
    const found = async (parameters: string): Promise<string[]> =>
      (await http.request(`messages?query=%22an%20inv&${parameters}`)).body.items.map((one: Subject) => one.subject)
    expect(await found('account=alice')).toEqual(['An invoice'])
    expect(await found('folder=INBOX&since=2020-01-01T00:00:00Z&account=bob')).toEqual(['An invoice for bob'])
    const json = { query: '"an inv', subject: 'for bob', text: 'Text', timeout: '5s' }
    expect((await http.request('wait', { json })).body.subject).toBe('An invoice for bob')
    const removed = await http.request('messages/delete', { json: { query: '"an inv', account: 'alice' } })
    expect(removed.body).toEqual({ deleted: 1 })
  })

  it('are found by whether they are captured', async () => {
    await deliver('alice', 'Inside')
    await http.request('messages', { json: { to: ['carol@example.org'], subject: 'Outside' } })
    expect(await subjects('captured:no')).toEqual(['Inside'])
    expect(await subjects('-captured:no')).toEqual(['Outside'])
    expect((await http.request('messages?query=captured:maybe')).body.detail).toMatch(
      /write one of captured:yes, captured:no/,
    )
    for (const [captured, subject] of [
      ['true', 'Outside'],
      ['false', 'Inside'],
    ]) {
      expect((await http.request(`messages?captured=${captured}`)).body.items).toMatchObject([{ subject }])
    }
    expect((await http.request('messages/delete', { json: { captured: 'true' } })).status).toBe(422)
    expect((await http.request('messages/delete', { json: { captured: true } })).body).toEqual({ deleted: 1 })
    expect(await subjects('')).toEqual(['Inside'])
  })

  it('have arrived since a time even if an import keeps an older date', async () => {
    await deliver('alice', 'Before')
    const [{ receivedAt }] = (await http.request('messages')).body.items
    const since = new Date(Date.parse(receivedAt) + 1).toISOString()
    await http.lab.clock.advance('1s')
    const body = 'From a@b.example Thu Jan  1 12:00:00 2015\nSubject: Of 2015\n\nText\n'
    const headers = { 'content-type': 'application/mbox' }
    expect((await http.request('messages/import?account=alice', { body, headers })).status).toBe(201)
    const listed = await http.request(`messages?since=${since}`)
    expect(listed.body.items).toMatchObject([{ subject: 'Of 2015' }])
    expect(await subjects('before:2016-01-01')).toEqual(['Of 2015'])
    expect(await subjects('on:2015-01-01')).toEqual(['Of 2015'])
    for (const day of ['2014-12-31', '2015-01-02']) expect(await subjects(`on:${day}`)).toEqual([])
    for (const parameters of ['since=1', 'since=2026-11-25T16:75Z', 'query=after:last-7'])
      expect(await http.request(`messages?${parameters}`)).toMatchObject({ status: 400 })
  })

  it('are listed in pages whose cursor stays valid while messages arrive and go', async () => {
    for (const number of [1, 2, 3, 4, 5]) await deliver('alice', `Mail ${number}`)
    const first = (await http.request('messages?limit=2')).body
    expect(first.items.map((one: Subject) => one.subject)).toEqual(['Mail 5', 'Mail 4'])
    await deliver('alice', 'Mail 6')
    await http.request(`messages/${first.items[1].id}`, { method: 'DELETE' })
    const second = (await http.request(`messages?limit=2&cursor=${first.next}`)).body
    expect(second.items.map((one: Subject) => one.subject)).toEqual(['Mail 3', 'Mail 2'])
    const third = (await http.request(`messages?limit=2&cursor=${second.next}`)).body
    expect((await http.request(`messages?offset=1&cursor=${second.next}`)).status).toBe(400)
    expect(third).toMatchObject({ items: [{ subject: 'Mail 1' }], next: null })
  })

  it('keep the changes of several clients that are made at the same time, also on disk', async () => {
    const folder = newFolder()
    await using disk = await HttpLab.start({ store: { lmdb: folder } })
    await disk.lab.deliver({ subject: 'Mail' }, { to: 'alice' })
    const [{ id }] = (await disk.request('messages')).body.items
    const changes = [{ read: true }, { flagged: true }, { tags: ['later'] }]
    await Promise.all(changes.map((json) => disk.request(`messages/${id}`, { method: 'PATCH', json })))
    const { body } = await disk.request(`messages/${id}`)
    expect(body.flags.toSorted()).toEqual(['\\Flagged', '\\Seen', 'later'])
    const some = { tags: [], flagged: false }
    expect((await disk.request(`messages/${id}`, { method: 'PATCH', json: some })).body.flags).toEqual(['\\Seen'])
    await disk.request(`messages/${id}`, { method: 'PATCH', json: { tags: ['Foo'] } })
    const again = await disk.request(`messages/${id}`, { method: 'PATCH', json: { tags: ['foo'] } })
    expect(again.body.tags).toEqual(['Foo'])
    const whole = { flags: ['\\Answered', 'old'], tags: ['new'], read: false }
    const replaced = await disk.request(`messages/${id}`, { method: 'PATCH', json: whole })
    expect(replaced.body.flags).toEqual(['\\Answered', 'new'])
  })

  it('get flags and tags, which IMAP clients see, and move and go', async () => {
    await deliver('alice', 'Mail')
    const [{ id }] = (await http.request('messages')).body.items
    const changed = await http.request(`messages/${id}`, { method: 'PATCH', json: { read: true, tags: ['later'] } })
    expect(changed.body).toMatchObject({ read: true, tags: ['later'], flags: ['\\Seen', 'later'] })
    expect(await subjects('tag:later is:read')).toEqual(['Mail'])
    const refused = await http.request(`messages/${id}`, { method: 'PATCH', json: { tags: ['two  "words"'] } })
    expect(refused.status).toBe(422)
    expect(refused.body.errors).toEqual([
      { pointer: '/tags/0', message: expect.stringMatching(/cannot be an IMAP keyword/) },
    ])
    const moved = await http.request(`messages/${id}/move`, { json: { folder: 'Archive' } })
    expect(moved.body.folder.name).toBe('Archive')
    expect((await http.request(`messages/${id}`)).status).toBe(404)
    expect((await http.request('messages', { method: 'DELETE' })).body.detail).toMatch(/add query=…, or all=true/)
    expect((await http.request('messages?query=tag:later', { method: 'DELETE' })).body).toEqual({ deleted: 1 })
  })

  it('are sent as JSON and as .eml', async () => {
    const json = {
      to: ['alice', 'carol@example.org'],
      subject: 'Hello',
      html: '<b>Hi</b>',
      attachments: [{ filename: 'a.txt', content: 'YQ==' }],
    }
    expect((await http.request('messages', { json })).status).toBe(201)
    const body = 'From: a@b.example\nSubject: Raw\n\nText\n'
    const sent = await http.request('messages/import?to=alice', { body, headers: { 'content-type': 'message/rfc822' } })
    expect(sent.body).toEqual({ delivered: ['alice'], messages: 1, known: 0, ids: [expect.any(String)] })
    expect(await subjects('account:alice')).toEqual(['Raw', 'Hello'])
    expect(await subjects('captured:yes')).toEqual(['Hello'])
  })

  it('show their HTML as a document that runs nothing and loads nothing', async () => {
    await deliver('alice', 'Pixel', { html: '<script>alert(1)</script><img src="https://tracker.example/x.png">' })
    const [{ id }] = (await http.request('messages')).body.items
    const { headers } = await http.request(`messages/${id}/html`)
    expect(headers.get('content-security-policy')).toBe(
      "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'",
    )
    expect(headers.get('x-content-type-options')).toBe('nosniff')
  })
})

describe('wait', () => {
  it('answers a message that arrives later, and each message once', async () => {
    const waiting = http.request('wait', { json: { to: 'alice', subject: 'reset', timeout: '10s' } })
    await deliver('alice', 'Other')
    await deliver('alice', 'Password reset')
    expect((await waiting).body.subject).toBe('Password reset')
    const again = await http.request('wait', { json: { to: 'alice@lab.test', subject: 'reset', timeout: '50ms' } })
    expect(again.status).toBe(404)
    expect(again.body).toMatchObject({
      type: expect.stringMatching(/wait-timeout$/),
      arrived: [{ subject: 'Password reset' }, { subject: 'Other' }],
    })
    expect(again.body.report).toMatch(
      /^no message with .*\n {2}arrived: "Password reset" from .* to alice.*\n {2}arrived: "Other" /,
    )
    expect((await http.request('wait', { json: { to: 'alice' } })).body.subject).toBe('Other')
  })

  it('reads an arriving message once for all who wait, however they are interrupted', async () => {
    const reads = vi.spyOn(MemoryStore.prototype, 'read')
    onTestFinished(() => reads.mockRestore())
    const wanted = { query: 'header:x-last:yes', timeout: '10s' }
    const waiting = Array.from({ length: 20 }, () => http.request('wait', { json: wanted }))
    await http.lab.deliver({ subject: 'first' }, 'eve') // all are waiting once it is answered
    expect((await http.request('wait', { json: { to: 'eve' } })).body.subject).toBe('first')
    shortenSlices()
    reads.mockClear()
    for (let i = 0; i < 3; i++) await http.lab.deliver({ subject: `other ${i}` }, 'eve')
    for (const _ of waiting) await http.lab.deliver({ subject: 'wanted', headers: { 'X-Last': 'yes' } }, 'eve')
    for (const { body } of await Promise.all(waiting)) expect(body.subject).toBe('wanted')
    // Each is read for the test, and each answer reads its own.
    expect(reads.mock.calls.length).toBeLessThanOrEqual(3 + 2 * waiting.length)
  })

  it('refuses an empty condition, which any message would meet', async () => {
    await deliver('zoe', 'to somebody else')
    for (const key of ['to', 'from', 'subject', 'text', 'query', 'account', 'folder']) {
      const { status, body } = await http.request('wait', { json: { [key]: '', timeout: '50ms' } })
      expect(status).toBe(422)
      expect(body.detail).toBe(`${key} is empty, so any message would match; leave it out, or write a text`)
    }
    expect((await http.request('wait', { json: { to: null } })).status).toBe(422)
  })

  it('says which clients were refused', async () => {
    const wrong = createTransport({
      ...http.lab.nodemailer('alice'),
      tls: { minVersion: 'TLSv1.3', servername: 'localhost' },
    })
    await expect(wrong.sendMail({ from: 'a@lab.test', to: 'bob@lab.test', text: '' })).rejects.toThrow()
    const { body } = await http.request('wait', { json: { to: 'bob', timeout: '50ms' } })
    expect(body.sessions).toMatchObject([
      { protocol: 'smtp', refusals: [expect.any(String)], summary: expect.any(String) },
    ])
    expect(body.sessions[0]).not.toHaveProperty('hello')
  })
})

describe('a long text', () => {
  const TYPE = 'Content-Type: text/plain; charset=utf-8'
  const QP = `${TYPE}\r\nContent-Transfer-Encoding: quoted-printable`
  it.each([
    ['of exactly the limit', TYPE, 'x'.repeat(262_144), false],
    ['one character longer', TYPE, 'x'.repeat(262_145), true],
    ['of flowed lines', `${TYPE}; format=flowed; delsp=yes`, `> ${'word '.repeat(13)}\r\n`.repeat(5000), true],
    ['with many octets for each character', QP, `${'=E2=\r\n=82=\r\n=AC=\r\n'.repeat(270_000)}END`, true],
  ] as const)('%s is whole in /text, and begins with `text`', async (_, fields, body, isCut) => {
    await http.lab.deliver(Buffer.from(`From: a@lab.test\r\nSubject: Long\r\n${fields}\r\n\r\n${body}`), 'dan')
    const [{ id }] = (await http.request('messages')).body.items
    const { body: message } = await http.request(`messages/${id}`)
    const { body: text } = await http.request(`messages/${id}/text`)
    expect([message.isTextCut, text.startsWith(message.text), text.length > message.text.length]).toEqual([
      isCut,
      true,
      isCut,
    ])
  })
})

it('lists a message of several mailboxes once with distinct, and no articles with articles=false', async () => {
  await using http = await HttpLab.start({
    directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
    news: { groups: [{ name: 'lab.general' }] },
  })
  await http.request('articles', {
    json: { newsgroups: ['lab.general'], from: 'a@app.test', subject: 'Article', text: 'x' },
  })
  await http.lab.deliver({ from: 'a@app.test', subject: 'Both', text: 'x' }, { to: ['alice', 'bob'] })
  await http.lab.deliver({ from: 'a@app.test', subject: 'One', text: 'x' }, { to: 'bob' })
  const list = async (query: string) => (await http.request(`messages?${query}`)).body
  expect((await list('')).total).toBe(4)
  expect((await list('articles=true')).items).toMatchObject([{ subject: 'Article', newsgroup: 'lab.general' }])
  const { items, total } = await list('articles=false&distinct=true')
  expect(total).toBe(2)
  expect(
    items.map(({ subject, copies }: { subject: string; copies: { account: string }[] }) => [
      subject,
      ...copies.map(({ account }) => account).sort(),
    ]),
  ).toEqual([
    ['One', 'bob'],
    ['Both', 'alice', 'bob'],
  ])
  expect((await list('query=articles:yes')).total).toBe(1)
})
