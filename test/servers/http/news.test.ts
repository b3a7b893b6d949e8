import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { startLab } from '../../../src/testing/index.ts'
import { freePort } from '../../support/free-ports.ts'
import { LineClient } from '../../support/line-client.ts'
import { type Answer, basic, bearer, HttpLab } from './client.ts'
import { EventReader } from './event-reader.ts'

const admin = 'admin-admin-admin'
const tenant = 'tenant-tenant-tenant'
const alice = basic('alice', 'secret')
/** Of a peer that one test starts. */
/** Of a peer that never runs. */

const peerPort = await freePort()
const closedPort = await freePort()
const http = await HttpLab.start({
  hostname: 'one.test',
  directory: { accounts: ['alice', 'bob', 't1-eve'].map((user) => ({ user, password: 'secret' })) },
  news: {
    groups: [
      { name: 'lab.general', description: 'General talk', addresses: ['general@lab.test'], keep: { age: '7d' } },
      { name: 'lab.announce', posting: 'moderated', moderator: 'bob@lab.test' },
      { name: 'lab.closed', posting: 'no' },
    ],
  },
  access: {
    tokens: [
      { name: 'ci', token: admin },
      { name: 't1', role: 'tenant', token: tenant },
    ],
  },
  virtualServers: [
    {
      protocol: 'nntp',
      feeds: [
        {
          peer: 'two.test',
          direction: 'out',
          groups: 'lab.*',
          host: '127.0.0.1',
          port: peerPort,
          tls: 'off',
          interval: 100,
        },
        {
          peer: 'four.test',
          direction: 'pull',
          groups: 'lab.*',
          host: '127.0.0.1',
          port: closedPort,
          tls: 'off',
          interval: '1h',
        },
        { peer: 'three.test', direction: 'in', from: ['192.0.2.3'], password: 'hidden' },
      ],
    },
    { protocol: 'http', authentication: ['basic'], limits: { failedLogonDelay: 'off' } },
  ],
})
afterAll(() => http[Symbol.asyncDispose]())
beforeEach(() => call('reset', { json: {} }))

const call = (path: string, options: object = {}, headers: object = bearer(admin)): Promise<Answer> =>
  http.request(path, { ...options, headers: { ...headers } })

/** Sends a command to the NNTP server, and returns its answer. */
async function nntp(command: string): Promise<string[]> {
  const client = await LineClient.open(http.lab.server('nntp').port)
  client.send(`${command}\r\nQUIT\r\n`)
  return (await client.rest()).slice(1)
}

const article = { newsgroups: ['lab.general'], subject: 'Hello', text: 'Hello, all.' }
const postArticle = (json: object = {}, headers?: object): Promise<Answer> =>
  call('articles', { json: { ...article, ...json } }, headers)

describe('newsgroups', () => {
  it('are listed with the attributes of the configuration, and their article numbers', async () => {
    await postArticle()
    const { items } = (await call('newsgroups')).body
    expect(items.map(({ name }: { name: string }) => name)).toEqual(['lab.announce', 'lab.closed', 'lab.general'])
    expect(items[0]).toMatchObject({ posting: 'moderated', moderator: 'bob@lab.test', configured: true, messages: 0 })
    const { first, last } = items[0]
    expect(last).toBe(first - 1)
    expect((await call('newsgroups/lab.general')).body).toMatchObject({
      description: 'General talk',
      posting: 'yes',
      addresses: ['general@lab.test'],
      expireAfter: '7d',
      messages: 1,
      first: items[2].last,
    })
    expect((await call('newsgroups/none')).body.detail).toMatch(/there is no newsgroup none/)
  })

  it('are created, changed and deleted, as newsreaders see', async () => {
    const json = { name: 'lab.staff', description: 'Staff', posting: 'moderated', moderator: 'alice@lab.test' }
    const created = await call('newsgroups', { json: { ...json, expireAfter: '90s', keepLatest: 5 } })
    expect([created.status, created.headers.get('location')]).toEqual([201, '/api/v1/newsgroups/lab.staff'])
    expect(created.body).toMatchObject({
      ...json,
      expireAfter: '90s',
      keepLatest: 5,
      configured: false,
      createdBy: 'ci',
    })
    expect(await nntp('LIST ACTIVE lab.staff')).toContainEqual(expect.stringMatching(/^lab\.staff \d+ \d+ m$/))
    const change = { posting: 'yes', moderator: null, description: 'All staff', keepLatest: null }
    const changed = await call('newsgroups/lab.staff', { method: 'PATCH', json: change })
    expect(changed.body).toMatchObject({ ...change, expireAfter: '90s' })
    expect(await nntp('LIST NEWSGROUPS lab.staff')).toContainEqual(expect.stringMatching(/^lab\.staff\s+All staff$/))
    expect((await call('newsgroups', { json })).status).toBe(409)
    expect((await call('newsgroups/lab.staff', { method: 'DELETE' })).status).toBe(204)
    expect(await nntp('GROUP lab.staff')).toContainEqual(expect.stringMatching(/^411 /))
  })

  it('that are moderated need a moderator, and those of the configuration are changed there', async () => {
    const { status, body } = await call('newsgroups', { json: { name: 'lab.x', posting: 'moderated' } })
    expect([status, body.errors]).toEqual([
      422,
      [{ pointer: '/moderator', message: expect.stringMatching(/is missing/) }],
    ])
    const fixed = await call('newsgroups/lab.general', { method: 'PATCH', json: { description: 'Other' } })
    expect([fixed.status, fixed.body.detail]).toEqual([
      409,
      expect.stringMatching(/in the configuration; change it there/),
    ])
  })

  it('belong to the lab and to tenants, not to accounts', async () => {
    expect((await call('newsgroups', { json: { name: 'lab.mine' } }, alice)).status).toBe(403)
    expect((await call('newsgroups/lab.general', { method: 'DELETE' }, alice)).status).toBe(403)
    expect((await call('newsgroups', { json: { name: 't1.mine' } }, bearer(tenant))).status).toBe(201)
    expect((await call('newsgroups', {}, bearer(tenant))).body.items).toMatchObject([{ name: 't1.mine' }])
    expect((await call('newsgroups/lab.general', {}, bearer(tenant))).status).toBe(404)
    expect((await call('newsgroups', {}, alice)).body.items).toHaveLength(3)
    expect((await call('newsgroups/t1.mine', { method: 'DELETE' }, bearer(tenant))).status).toBe(204)
  })
})

describe('articles', () => {
  it('are posted to several newsgroups, and read by NNTP', async () => {
    await call('newsgroups', { json: { name: 'lab.second' } })
    const json = { newsgroups: ['lab.general', 'lab.second'], headers: { 'Followup-To': 'lab.general' } }
    const { status, body } = await postArticle(json, alice)
    expect(status).toBe(201)
    expect(body.articles.map(({ newsgroup }: { newsgroup: string }) => newsgroup).sort()).toEqual(json.newsgroups)
    const lines = await nntp(`HEAD ${body.messageId}`)
    expect(lines).toEqual(
      expect.arrayContaining([
        'From: alice@lab.test',
        'Newsgroups: lab.general,lab.second',
        'Followup-To: lab.general',
        expect.stringMatching(/^Injection-Info: one\.test; .*posting-account="alice"/),
      ]),
    )
    expect((await call(`messages/${body.articles[0].id}`)).body).toMatchObject({
      subject: 'Hello',
      text: 'Hello, all.',
    })
    await call('newsgroups/lab.second', { method: 'DELETE' })
  })

  it('for a moderated newsgroup go to its moderator, who approves them', async () => {
    const asked = (await postArticle({ newsgroups: ['lab.announce'] })).body
    expect(asked).toMatchObject({ articles: [], moderator: 'bob@lab.test' })
    expect((await call('messages?account=bob')).body.items).toMatchObject([{ messageId: asked.messageId }])
    const headers = { Approved: 'bob@lab.test', 'Message-ID': asked.messageId }
    const approved = await postArticle({ newsgroups: ['lab.announce'], headers }, basic('bob', 'secret'))
    expect(approved.body).toMatchObject({ moderator: null, articles: [{ newsgroup: 'lab.announce' }] })
  })

  it('that are refused say why', async () => {
    const { messageId } = (await postArticle()).body
    const cases: [object, object, number, RegExp][] = [
      [{ newsgroups: ['lab.none'] }, alice, 404, /no such newsgroup: lab\.none/],
      [{ newsgroups: ['lab.closed'] }, alice, 403, /posting to lab\.closed is not allowed/],
      [{ headers: { 'Message-ID': messageId } }, alice, 409, /is known here already/],
      [{ from: 'nobody' }, alice, 422, /From has no mail address/],
      [{ newsgroups: ['lab.general'] }, bearer(tenant), 403, /posting to lab\.general is not allowed/],
      [{ subject: 'a\nb' }, alice, 422, /line break/],
    ]
    for (const [json, headers, status, detail] of cases) {
      const answer = await postArticle(json, headers)
      expect([answer.status, answer.body.detail], JSON.stringify(json)).toEqual([status, expect.stringMatching(detail)])
    }
  })

  it('are cancelled by their author or an administrator, everywhere', async () => {
    const cancel = (id: string, headers?: object): Promise<Answer> =>
      call(`messages/${id}/cancel`, { json: {} }, headers)
    const [first, second] = [(await postArticle({}, alice)).body, (await postArticle({}, alice)).body]
    const refused = await cancel(first.articles[0].id, basic('bob', 'secret'))
    expect([refused.status, refused.body.detail]).toEqual([403, expect.stringMatching(/is not from bob@lab\.test/)])
    const done = await cancel(first.articles[0].id, alice)
    expect(done.status).toBe(200)
    expect((await call(`messages/${first.articles[0].id}`)).status).toBe(404)
    expect(await nntp(`HEAD ${done.body.messageId}`)).toContain(`Control: cancel ${first.messageId}`)
    expect((await cancel(second.articles[0].id)).status).toBe(200)
    const locked = (await postArticle({ headers: { 'Cancel-Lock': 'sha256:AAAA' } })).body
    expect((await cancel(locked.articles[0].id)).body.detail).toMatch(/has a Cancel-Lock/)
    expect((await call('messages?newsgroup=lab.general')).body.total).toBe(1)
    await http.lab.deliver({ subject: 'Mail' }, { to: 'alice' })
    const [{ id }] = (await call('messages?account=alice')).body.items
    expect((await cancel(id)).body.detail).toMatch(/is not an article of a newsgroup/)
  })
})

it('articles keep their flags and tags when accounts change those of messages', async () => {
  const { id } = (await postArticle({}, alice)).body.articles[0]
  for (const change of [{ read: true }, { flags: ['\\Deleted'] }, { tags: ['mine'] }])
    expect(await call(`messages/${id}`, { method: 'PATCH', json: change }, alice)).toMatchObject({ status: 403 })
  const many = (json: object) => call('messages', { method: 'PATCH', json }, alice)
  expect(await many({ ids: [id], read: true })).toMatchObject({ status: 403 })
  expect((await many({ newsgroup: 'lab.general', addTags: ['mine'] })).body).toEqual({ changed: 0 })
  expect((await call(`messages/${id}`)).body.flags).toEqual([])
  expect((await call(`messages/${id}`, { method: 'PATCH', json: { flagged: true } })).body.flags).toEqual(['\\Flagged'])
})

it('articles are not deleted or moved by accounts, whoever wrote them', async () => {
  const { id } = (await postArticle({}, alice)).body.articles[0]
  await http.lab.deliver({ subject: 'Mail' }, { to: 'alice' })
  for (const [path, options] of [
    [`messages/${id}`, { method: 'DELETE' }],
    ['messages/delete', { json: { ids: [id] } }],
    [`messages/${id}/move`, { json: { folder: 'lab.closed' } }],
    ['messages/move', { json: { ids: [id], folder: 'lab.closed' } }],
  ] as const) {
    const { status, body } = await call(path, options, alice)
    expect([status, body.detail], path).toEqual([403, expect.stringMatching(/cancel your own/)])
  }
  expect((await call('messages/delete', { json: { all: true } }, alice)).body).toEqual({ deleted: 1 })
  expect((await call('messages?all=true', { method: 'DELETE' }, alice)).body).toEqual({ deleted: 0 })
  expect((await call('messages?newsgroup=lab.general')).body.total).toBe(1)
  expect((await call(`messages/${id}`, { method: 'DELETE' })).status).toBe(204)
})

describe('threads', () => {
  const threads = async (query = ''): Promise<Answer['body']> =>
    (await call(`newsgroups/lab.general/threads${query}`)).body
  const post = async (name: string, parents: string[] = [], more: object = {}): Promise<string> => {
    const headers = {
      'Message-ID': `<${name}@news.test>`,
      ...(parents.length > 0 ? { References: parents.map((one) => `<${one}@news.test>`).join(' ') } : {}),
    }
    return (await postArticle({ subject: name, headers, ...more })).body.articles[0].id
  }
  /** The articles of each thread, indented by their depth. */
  const outline = ({ items }: Answer['body']): string[] =>
    items.map(({ articles }: { articles: { subject: string; depth: number }[] }) =>
      articles.map(({ subject, depth }) => '.'.repeat(depth) + subject).join(' '),
    )

  it('are trees by References, the one with the newest article first, whatever the subjects and the order of arrival', async () => {
    await post('answer', ['first'])
    const first = await post('first')
    await post('other')
    await post('deep', ['first', 'answer'])
    await post('deeper', ['first', 'answer', 'missing', 'deep'])
    await post('second-answer', ['first'])
    await post('same-subject', [], { subject: 'other' })
    const found = await threads()
    expect(outline(found)).toEqual(['other', 'first .answer ..deep ...deeper .second-answer', 'other'])
    expect(found).toMatchObject({ total: 3, items: [{}, { messages: 5, unread: 5 }, {}] })
    const [, { articles }] = found.items
    expect(articles[0]).toMatchObject({ id: first, parent: null })
    expect(articles[1]).toMatchObject({ parent: first, messageId: '<answer@news.test>' })
    await call(`messages/${first}`, { method: 'PATCH', json: { read: true } })
    await post('late', ['other'])
    expect(outline(await threads())).toEqual(['other .late', 'other', 'first .answer ..deep ...deeper .second-answer'])
    expect(outline(await threads('?limit=1&offset=1'))).toEqual(['other'])
    expect((await threads('?offset=2')).items).toMatchObject([{ messages: 5, unread: 4 }])
    expect(await threads('?query=subject:deeper')).toMatchObject({ total: 1, items: [{ messages: 5 }] })
  })

  it('stay threads when articles are missing, and have only articles of their newsgroup', async () => {
    await call('newsgroups', { json: { name: 'lab.second' } })
    await post('one', ['gone'])
    await post('two', ['gone'])
    await post('elsewhere', ['gone'], { newsgroups: ['lab.second'] })
    await post('both', ['gone', 'one'], { newsgroups: ['lab.general', 'lab.second'] })
    expect(outline(await threads())).toEqual(['one .both two'])
    expect(outline((await call('newsgroups/lab.second/threads')).body)).toEqual(['elsewhere both'])
    await call('newsgroups/lab.second', { method: 'DELETE' })
    expect((await call('newsgroups/lab.second/threads')).status).toBe(404)
    expect((await call('newsgroups/lab.general/threads', {}, bearer(tenant))).status).toBe(404)
  })
})

describe('follow-ups', () => {
  const begin = async (id: string): Promise<Answer['body']> => (await call(`messages/${id}/follow-up`)).body
  const post = async (json: object): Promise<string> => (await postArticle(json)).body.articles[0].id

  it('have the newsgroups, the subject and the References of the article', async () => {
    const { messageId, articles } = (await postArticle({ from: 'Änne <a@lab.test>', subject: 'Grüße' })).body
    const draft = await begin(articles[0].id)
    expect(draft).toEqual({
      newsgroups: ['lab.general'],
      subject: 'Re: Grüße',
      headers: { References: messageId },
      mailTo: 'Änne <a@lab.test>',
    })
    const { mailTo: _, ...article } = draft
    const answer = (await postArticle(article)).body
    const again = await begin(answer.articles[0].id)
    expect(again).toMatchObject({ subject: 'Re: Grüße', headers: { References: `${messageId} ${answer.messageId}` } })
    const { items } = (await call('newsgroups/lab.general/threads')).body
    expect(items).toMatchObject([{ articles: [{ depth: 0 }, { depth: 1, subject: 'Re: Grüße' }] }])
  })

  it('are shown by what they say, not by what they quote', async () => {
    const quotation = 'On Monday, Anna wrote:\n> Hello,\n> all.\n'
    await post({ text: quotation })
    await post({ text: `${quotation}\nTwo things:\n\none and two` })
    const { items } = (await call('messages?newsgroup=lab.general')).body
    expect(items.map(({ snippet }: { snippet: string }) => snippet)).toEqual([
      'Two things: one and two',
      'On Monday, Anna wrote: > Hello, > all.',
    ])
  })

  it('obey Followup-To and Reply-To, and keep the first and the last of long References', async () => {
    const ids = Array.from({ length: 40 }, (_, at) => `<${at}.${'x'.repeat(30)}@news.test>`)
    const elsewhere = await post({
      headers: {
        'Followup-To': 'lab.other, lab.third',
        'Reply-To': 'desk@lab.test',
        Distribution: 'local',
        References: ids.join(' '),
        'Message-ID': '<last@news.test>',
      },
    })
    const { headers, ...draft } = await begin(elsewhere)
    expect(draft).toMatchObject({ newsgroups: ['lab.other', 'lab.third'], mailTo: 'desk@lab.test' })
    expect(headers.Distribution).toBe('local')
    expect(`References: ${headers.References}`.length).toBeLessThanOrEqual(998)
    const kept = headers.References.split(' ')
    expect([kept[0], ...kept.slice(-2)]).toEqual([ids[0], ids.at(-1), '<last@news.test>'])
    const byMail = await post({ headers: { 'Followup-To': 'poster' } })
    expect(await begin(byMail)).toMatchObject({ newsgroups: [], mailTo: 'sender@example.com' })
    await http.lab.deliver({ subject: 'Mail' }, { to: 'alice' })
    const [{ id }] = (await call('messages?account=alice')).body.items
    expect((await call(`messages/${id}/follow-up`)).status).toBe(409)
  })
})

describe('feeds', () => {
  const feed = async (): Promise<Answer['body']> =>
    (await call('feeds')).body.items.find(({ peer }: { peer: string }) => peer === 'two.test')

  it('show their state, and the articles that wait for the peer', async () => {
    const { messageId, articles } = (await postArticle()).body
    const retrying = async (): Promise<Answer['body']> => {
      const body = await feed()
      return body.state === 'retrying' && body
    }
    const down = await vi.waitUntil(retrying, { timeout: 20_000 })
    expect(down).toMatchObject({
      id: 'default-nntp-virtual-server-out-two-test',
      host: '127.0.0.1',
      port: peerPort,
      failure: { message: expect.stringMatching(/cannot connect to 127\.0\.0\.1 port \d+: .*ECONNREFUSED/) },
      nextAt: expect.stringMatching(/Z$/),
    })
    const waiting = (await call(`feeds/${down.id}/queue`)).body.items
    expect(waiting).toContainEqual({ id: articles[0].id, newsgroup: 'lab.general', messageId, deferred: false })
    expect(down.queue).toEqual({ waiting: waiting.length, deferred: 0 })

    await using peer = await startLab({
      hostname: 'two.test',
      news: { groups: [{ name: 'lab.general' }] },
      virtualServers: [
        {
          protocol: 'nntp',
          port: peerPort,
          certificate: 'none',
          feeds: [{ peer: 'one.test', direction: 'in', from: ['127.0.0.1'] }],
        },
      ],
    })
    await expect.poll(feed, { timeout: 20_000 }).toMatchObject({
      state: 'waiting',
      failure: null,
      succeededAt: expect.stringMatching(/Z$/),
      queue: { waiting: 0 },
    })
    expect(peer.sessions().map(({ protocol }) => protocol)).toContain('nntp')
    expect((await call(`feeds/${down.id}/queue`)).body.items).toEqual([])
  })

  it('are retried immediately, whatever the wait after failures', async () => {
    const path = 'feeds/default-nntp-virtual-server-pull-four-test'
    const failed = (before: string) => async (): Promise<Answer['body']> => {
      const { body } = await call(path)
      return body.state === 'retrying' && body.failure.at !== before && body
    }
    const events = await EventReader.open(http, 'types=feed', bearer(admin))
    let last = (await vi.waitUntil(failed(''), { timeout: 20_000 })) as Answer['body']
    // Each failure doubles the wait: after these it is more than half a minute.
    for (let attempt = 0; attempt < 7; attempt++) {
      const answer = await call(`${path}/retry`, { json: {} })
      expect([answer.status, answer.body.id]).toEqual([200, last.id])
      const { nextAt } = last
      last = await vi.waitUntil(failed(last.failure.at), { timeout: 20_000 })
      if (attempt === 6) expect(last.failure.at < nextAt).toBe(true)
    }
    await events.next('feed.changed', ({ peer, state }) => peer === 'four.test' && state === 'retrying')
    events.close()
    expect((await call(`${path}/retry`, { json: {} }, alice)).status).toBe(403)
    expect((await call('feeds/default-nntp-virtual-server-in-three-test/retry', { json: {} })).status).toBe(409)
  })

  it('that only the peer starts are passive, and no password is shown', async () => {
    const { body } = await call('feeds/default-nntp-virtual-server-in-three-test')
    expect(body).toMatchObject({ state: 'passive', host: null, port: null, queue: null })
    expect(JSON.stringify((await call('feeds')).body)).not.toContain('hidden')
    expect((await call(`feeds/${body.id}/queue`)).status).toBe(409)
    expect((await call('feeds/other')).body.detail).toMatch(/there are: default-nntp-/)
    expect((await call('feeds', {}, alice)).body).toEqual({ items: [], next: null, total: 0 })
    expect((await call(`feeds/${body.id}`, {}, bearer(tenant))).status).toBe(404)
  })
})
