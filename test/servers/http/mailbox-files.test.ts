import { beforeEach, describe, expect, it } from 'vitest'
import { type Answer, basic, bearer, HttpLab } from './client.ts'

const tenant = 'tenant-tenant-tenant'
const admin = 'admin-admin-admin'

const http = HttpLab.ofTests({
  directory: {
    accounts: [
      { user: 'alice', password: 'secret' },
      { user: 'bob', password: 'secret', quota: { messages: 2 } },
      { user: 't1-eve', password: 'secret' },
    ],
  },
  news: { groups: [{ name: 'lab.general' }] },
  access: {
    tokens: [
      { name: 'ci', token: admin },
      { name: 't1', role: 'tenant', token: tenant },
    ],
  },
  virtualServers: [
    { protocol: 'http', authentication: ['basic'], limits: { messageSize: '64KiB', failedLogonDelay: 'off' } },
  ],
})
beforeEach(() => call('reset', { json: {} }))

const call = (path: string, options: object = {}, headers: object = bearer(admin)): Promise<Answer> =>
  http.request(path, { ...options, headers: { ...headers, ...(options as { headers?: object }).headers } })

const upload = (query: string, body: string | Buffer, headers: object = bearer(admin)): Promise<Answer> =>
  call(`messages/import?${query}`, { body, headers: { ...headers, 'content-type': 'application/mbox' } })

const MBOX = `From shop@example.com Wed Nov 25 16:40:00 2026
Status: RO
X-Status: F
X-Keywords: work
Subject: One

Dear all,

>From now on: quoted once
>>From then on: quoted twice

From bob@example.org Thu Nov 26 08:00:00 2026
Subject: Two
Message-ID: <2@example.org>

Second
`

describe('an mbox file', () => {
  it('is put into a mailbox, with flags, keywords and dates', async () => {
    expect((await upload('account=alice', MBOX)).body).toEqual({
      delivered: [],
      messages: 2,
      known: 0,
      ids: [expect.any(String), expect.any(String)],
    })
    const { items } = (await call('messages?account=alice&folder=INBOX')).body
    expect(items).toMatchObject([
      { subject: 'Two', read: false, flags: [], envelope: null },
      { subject: 'One', read: true, flagged: true, tags: ['work'], envelope: null },
    ])
    const text = (await call(`messages/${items[1].id}/raw`)).body
    expect(text).toBe(
      'Subject: One\r\n\r\nDear all,\r\n\r\nFrom now on: quoted once\r\n>From then on: quoted twice\r\n',
    )
  })

  it('of the variant mboxo quotes only lines that begin with “From ”', async () => {
    await upload('account=alice&quoting=mboxo', MBOX)
    const [, { id }] = (await call('messages')).body.items
    expect((await call(`messages/${id}/text`)).body).toMatch(/\nFrom now on: quoted once\r?\n>>From then on/)
  })

  it('has messages of a million lines at most', async () => {
    const { status, body } = await upload(
      'account=alice',
      `From a@b.example Thu Nov 26 08:00:00 2026\n${'\n'.repeat(1_000_001)}`,
    )
    expect([status, body.detail]).toEqual([413, expect.stringContaining('more than 1000000 lines')])
  })

  it('is delivered to accounts, message by message', async () => {
    expect((await upload('to=alice,bob&from=a@b.example', MBOX)).body).toEqual({
      ids: Array(4).fill(expect.any(String)),
      delivered: ['alice', 'bob'],
      messages: 2,
      known: 0,
    })
    const { items } = (await call('messages?account=bob')).body
    expect(items).toMatchObject([
      { subject: 'Two', envelope: { from: 'a@b.example' } },
      { subject: 'One', read: false },
    ])
    const third = await upload('to=bob', MBOX)
    expect([third.status, third.body.detail]).toEqual([422, expect.stringMatching(/is full .*this is message 1 of 2/)])
  })

  it('that does not fit into a quota stores nothing', async () => {
    await upload('account=bob', MBOX.slice(MBOX.indexOf('From bob@')))
    const { status, body } = await upload('account=bob', MBOX)
    expect([status, body.detail]).toEqual([409, expect.stringMatching(/bob has no room .* nothing is stored/)])
    expect((await call('messages?account=bob')).body.total).toBe(1)
  })

  it('is put into a newsgroup, without articles that it has, by an administrator', async () => {
    await upload('newsgroup=lab.general', MBOX)
    expect((await upload('newsgroup=lab.general', MBOX)).body).toMatchObject({ messages: 1, known: 1 })
    for (const headers of [basic('alice', 'secret'), bearer(tenant)])
      expect((await upload('newsgroup=lab.general', MBOX, headers)).status).toBe(403)
  })

  it('with CRLF line ends, and one without an empty line at its end', async () => {
    await upload('account=alice', MBOX.replaceAll('\n', '\r\n').trimEnd())
    const [{ id }] = (await call('messages')).body.items
    expect((await call(`messages/${id}/raw`)).body).toBe(
      'Subject: Two\r\nMessage-ID: <2@example.org>\r\n\r\nSecond\r\n',
    )
  })

  it('may be larger than a message, and a message may not', async () => {
    const many = `${MBOX}\n`.repeat(300)
    expect(many.length).toBeGreaterThan(64 * 1024)
    expect((await upload('account=alice', many)).body.messages).toBe(600)
    const large = await call('messages/import?account=alice', {
      body: many,
      headers: { ...bearer(admin), 'content-type': 'message/rfc822' },
    })
    expect(large.status).toBe(413)
  })

  it('that is none, and places that do not exist, are explained', async () => {
    const cases: [string, string, number, RegExp][] = [
      ['account=alice', 'Subject: x\n\ntext\n', 422, /no line begins with “From ”/],
      ['account=alice', '', 400, /the body of the request is empty; send the .eml or mbox file in it/],
      ['', MBOX, 400, /say where the messages go: to, account or newsgroup/],
      ['account=alice&to=bob', MBOX, 400, /say where/],
      ['account=carol', MBOX, 404, /no account carol/],
      ['account=alice&folder=Nowhere', MBOX, 404, /no folder Nowhere; there are: .*INBOX/],
    ]
    for (const [query, body, status, detail] of cases) {
      const answer = await upload(query, body)
      expect([answer.status, answer.body.detail], query).toEqual([status, expect.stringMatching(detail)])
    }
  })

  it('may have any mix of line ends', async () => {
    const eml = (subject: string): string => `Subject: ${subject}\r\n\r\nfirst line\r\n\r\nthird line\r\n`
    const from = 'From a@b.example Thu Nov 26 08:00:00 2026'
    for (const file of [
      `${from}\n${eml('One')}${from}\n${eml('Two')}`,
      `${from}\n${eml('One')}\n${from}\r\n${eml('Two').replaceAll('\r\n', '\n')}`,
      `${from}\r${eml('One').replaceAll('\r\n', '\r')}\r${from}\r${eml('Two').replaceAll('\r\n', '\r')}`,
      `${from}\n${eml('One').replaceAll('\r', '\r\r')}\n${from}\n${eml('Two')}`,
    ]) {
      expect((await upload('account=alice', file)).body.messages, JSON.stringify(file)).toBe(2)
      const { items } = (await call('messages?account=alice')).body
      const raws = await Promise.all(
        items.map(async ({ id }: { id: string }) => (await call(`messages/${id}/raw`)).body),
      )
      expect(raws, JSON.stringify(file)).toEqual([eml('Two'), eml('One')])
      await call('reset', { json: {} })
    }
  })

  it('that has something else than messages is refused as a whole, with the place', async () => {
    const png = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    const asMessage = { ...bearer(admin), 'content-type': 'message/rfc822' }
    const cases: [string | Buffer, object, RegExp][] = [
      [png, asMessage, /^the file is not a message: “\?PNG” is not a header field .*nothing is imported$/],
      [png, {}, /^line 1 is not in the format mbox: no line begins with “From ”/],
      [MBOX.replace('Subject: Two', 'Two is no field'), {}, /^line 13 is not a message: “Two is no field” is not/],
      [`Subject: x\n\n${MBOX}`, {}, /^line 1 is not in the format mbox: it is before the first line “From ”/],
    ]
    for (const [body, headers, detail] of cases) {
      const answer = await upload('account=alice', body, { ...bearer(admin), ...headers }).then((first) =>
        headers === asMessage ? call('messages/import?account=alice', { body, headers }) : first,
      )
      expect([answer.status, answer.body.detail]).toEqual([422, expect.stringMatching(detail)])
    }
    expect((await call('messages?account=alice')).body.total).toBe(0)
  })

  it('goes only into mailboxes that the caller sees', async () => {
    expect((await upload('account=alice', MBOX, bearer(tenant))).status).toBe(404)
    expect((await upload('account=bob', MBOX, basic('alice', 'secret'))).status).toBe(404)
    expect((await upload('account=alice', MBOX, basic('alice', 'secret'))).status).toBe(201)
    expect((await upload('to=alice', MBOX, bearer(tenant))).status).toBe(403)
  })

  it('that is exported is imported again without a change', async () => {
    const raw = 'Subject: odd\r\n\r\nFrom here\r\n>From there\r\n\r\nFrom x\r\nbare \n LF'
    await call('messages/import?account=alice', {
      body: Buffer.from(raw),
      headers: { ...bearer(admin), 'content-type': 'message/rfc822' },
    })
    await upload('account=alice', MBOX)
    const contents = async (): Promise<unknown[]> =>
      Promise.all(
        (await call('messages')).body.items.map(async ({ id, flags }: { id: string; flags: string[] }) => [
          flags.sort(),
          (await call(`messages/${id}/raw`)).body,
        ]),
      )
    const before = await contents()
    const { body } = await call('messages/export', { json: { account: 'alice', folder: 'INBOX' } })
    await call('messages/delete', { json: { all: true } })
    expect((await upload('account=alice', Buffer.from(body, 'utf8'))).body.messages).toBe(3)
    expect((await contents()).sort()).toEqual(before.sort())
  })
})
