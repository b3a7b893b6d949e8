import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, bearer, HttpLab } from './client.ts'

const [ci, watcher, one, two] = ['ci', 'watcher', 'one', 'two'].map((name) => `${name}-token`.repeat(4)) as [
  string,
  string,
  string,
  string,
]
/** Occurs in everything that belongs to alice and to the tenant `two`, and in nothing else. */
const SECRET = 'xyzzy'

let http: HttpLab

beforeAll(async () => {
  const accounts = ['alice', 'bob', 'one-eve', 'two-mallory'].map((user) => ({ user, password: 'secret' }))
  http = await HttpLab.start({
    hostname: 'lab.test',
    news: { groups: [{ name: 'one.own', addresses: ['one.own@lab.test'] }] },
    directory: { accounts },
    outgoing: {
      connectors: [
        {
          name: 'relay',
          when: 'release',
          smartHost: { host: 'relay.corp.example', port: 2525, user: 'relayuser', password: 'secret' },
        },
      ],
    },
    access: {
      tokens: [
        { name: 'ci', token: ci },
        { name: 'watcher', role: 'reader', token: watcher },
        { name: 'one', role: 'tenant', token: one },
        { name: 'two', role: 'tenant', token: two },
      ],
    },
    virtualServers: [
      { protocol: 'smtp' },
      { protocol: 'imap4' },
      { protocol: 'http', authentication: ['basic'], limits: { failedLogonDelay: '1ms' } },
    ],
  })
  const admin = bearer(ci)
  for (const user of ['alice', 'two-mallory']) {
    const transport = createTransport(http.lab.nodemailer(user))
    const send = (to: string, more: object = {}): Promise<unknown> =>
      transport.sendMail({
        from: `${user}@lab.test`,
        to,
        subject: `${SECRET} subject`,
        text: `${SECRET} text`,
        ...more,
      })
    await send(`${user}@lab.test`, { attachments: [{ filename: `${SECRET}.txt`, content: SECRET }] })
    await send(`customer@${SECRET}.example`)
    // Blind copies for those who must not learn of each other.
    const open = { subject: 'open', text: 'open', from: 'shop@example.com' }
    await send('list@lab.test', {
      ...open,
      envelope: { from: 'shop@example.com', to: ['bob@lab.test', 'one-eve@lab.test', `${user}@lab.test`] },
    })
    await http.request('folders', { json: { account: user, name: SECRET }, headers: admin })
  }
  await http.request('newsgroups', { json: { name: `two.${SECRET}` }, headers: bearer(two) })
})
afterAll(() => http[Symbol.asyncDispose]())

const strangers = { tenant: bearer(one), 'account of a tenant': basic('one-eve', 'secret') }
const mail = ['', '/t/one'].flatMap((base) => [
  `${base}/api/v1/messages?limit=1000`,
  `${base}/api/v1/messages?query=${SECRET}`,
  `${base}/api/v1/messages?account=alice`,
  `${base}/api/v1/messages?query=captured:yes`,
  `${base}/api/v1/messages?newsgroup=two.${SECRET}`,
  `${base}/api/v1/folders`,
  `${base}/api/v1/folders?account=alice`,
  `${base}/api/v1/accounts`,
  `${base}/api/v1/sessions`,
  `${base}/api/v1/sessions?user=alice`,
  `${base}/mailpit/api/v1/messages`,
  `${base}/mailpit/api/v1/search?query=${SECRET}`,
  `${base}/mailpit/api/v1/tags`,
  `${base}/mailpit/api/v1/info`,
  `${base}/mailhog/api/v2/messages`,
  `${base}/maildev/email`,
  `${base}/smtp4dev/api/messages?searchTerms=${SECRET}`,
  `${base}/greenmail/api/user`,
  `${base}/maildev/api/email/summary?search=${SECRET}`,
  `${base}/mailhog/api/v2/search?kind=containing&query=${SECRET}`,
])

describe.each(Object.entries(strangers))('a %s', (_, headers) => {
  it('finds nothing of others in any list', async () => {
    for (const path of mail) {
      const { status, body } = await http.request(path, { headers })
      expect(status, path).toBeLessThan(500)
      const text = JSON.stringify(body).replaceAll(encodeURIComponent(path), '')
      expect(text, path).not.toMatch(/xyzzy|alice|two-|bob@/)
    }
  })

  it('counts nothing of others', async () => {
    const { body } = await http.request('status', { headers })
    expect(body).toMatchObject({ messages: 2, memory: {} })
    expect((await http.request(`messages?query=${SECRET}`, { headers })).body).toEqual({
      items: [],
      next: null,
      total: 0,
    })
    expect((await http.request('messages', { headers })).body.total).toBe(2)
  })

  it('learns nothing of others by waiting', async () => {
    for (const json of [{ subject: SECRET }, { to: 'alice' }, { account: 'alice' }, { query: 'captured:yes' }]) {
      const { status, body } = await http.request('wait', { json: { ...json, timeout: '50ms' }, headers })
      expect(status).toBe(404)
      expect(JSON.stringify([body.arrived, body.sessions])).not.toMatch(/xyzzy|alice|two-|bob@/)
    }
  })

  it('hears nothing of others in events', async () => {
    const gone = new AbortController()
    const response = await fetch(`${http.base}/api/v1/events?lastEventId=0`, { headers, signal: gone.signal })
    await http.lab.deliver({ to: 'one-eve@lab.test', subject: 'last' }, { to: 'one-eve' })
    let text = ''
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString()
      if (/"subject":"last"/.test(text)) break
    }
    gone.abort()
    expect(text).toMatch(/"subject":"open"/)
    expect(text).not.toMatch(/xyzzy|alice|two-|bob@/)
    await http.request('messages?query=subject:last', { method: 'DELETE', headers })
  })

  it('is not told who else got a blind copy, nor who sent it', async () => {
    const { items } = (await http.request('messages?query=subject:open', { headers })).body
    expect(items[0].envelope).toEqual({ from: 'shop@example.com', to: ['one-eve@lab.test'] })
    const { delivery } = (await http.request(`messages/${items[0].id}`, { headers })).body
    expect(delivery).toMatchObject({ protocol: 'smtp', tls: { version: 'TLSv1.3' } })
    expect(JSON.stringify(delivery)).not.toMatch(/alice|two-|127\.0\.0\.1/)
  })

  it('sees nothing of outgoing mail in the APIs of other tools', async () => {
    for (const path of ['/smtp4dev/api/server', '/mailpit/api/v1/webui', '/maildev/config', '/maildev/api/config']) {
      const seen = JSON.stringify((await http.request(path, { headers: bearer(watcher) })).body)
      expect(seen, path).toContain('relay.corp.example')
      const { status, body } = await http.request(path, { headers })
      expect(status, path).toBe(200)
      expect(JSON.stringify(body), path).not.toMatch(/relay\.corp|relayuser|2525|"(?:Enabled|isOutgoingEnabled)":true/)
    }
  })

  it('finds no blind copy by a search or by the order of a list', async () => {
    for (const part of ['alice@', 'bob@', 'one-eve@']) {
      const path = `/mailhog/api/v2/search?kind=to&query=${part}`
      expect((await http.request(path, { headers })).body.total, part).toBe(part === 'one-eve@' ? 2 : 0)
    }
    // As far as the caller knows, all three have the same recipient. The last one would be the first of all by its blind copy.
    await http.lab.deliver({ to: 'list@lab.test', subject: 'blind' }, { to: ['alice@lab.test', 'one-eve@lab.test'] })
    const { results } = (await http.request('/smtp4dev/api/messages?sortColumn=to', { headers })).body
    await http.request('messages?query=subject:blind', { method: 'DELETE', headers: bearer(ci) })
    expect(results.map(({ subject }: { subject: string }) => subject)).toEqual(['blind', 'open', 'open'])
  })

  it('moves nothing into the newsgroups of others', async () => {
    await http.request('messages/import?to=one.own@lab.test', {
      body: 'From: a@b.example\r\nNewsgroups: one.own\r\nSubject: own\r\n\r\nText\r\n',
      headers: { ...bearer(ci), 'content-type': 'message/rfc822' },
    })
    const [article] = (await http.request('messages?newsgroup=one.own', { headers })).body.items
    expect(article?.subject).toBe('own')
    const { status, body } = await http.request(`messages/${article.id}/move`, {
      json: { folder: `two.${SECRET}` },
      headers,
    })
    // Accounts move no articles at all.
    expect(status).toBe(headers === strangers.tenant ? 404 : 403)
    expect(body.detail).not.toMatch(/two\.xyzzy,|, two\.xyzzy/)
    await http.request('messages?newsgroup=one.own', { method: 'DELETE', headers: bearer(ci) })
  })
})

it.each(Object.entries(strangers))('a search does not find the blind copies of others: %s', async (_, headers) => {
  const total = async (query: string) => (await http.request(`messages?query=${query}`, { headers })).body.total
  for (const query of ['bcc:alice', 'addressed:alice', 'alice@lab.test', 'bcc:bob']) expect(await total(query)).toBe(0)
  expect(await total('bcc:one-eve@lab.test')).toBeGreaterThan(0)
})
