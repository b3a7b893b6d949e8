import { describe, expect, it } from 'vitest'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'mallory'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: [{ protocol: 'smtp' }, { protocol: 'http' }],
})
const [alice, mallory] = [new JmapClient(http), new JmapClient(http, 'mallory')]

const upload = async (body: string, client = mallory): Promise<string> =>
  (await http.request(`/jmap/upload/${client.user}`, { body, headers: client.headers })).body.blobId
const inboxOf = async (client: JmapClient): Promise<string> =>
  (await client.ask('Mailbox/query', { filter: { role: 'inbox' } })).ids[0]
const create = async (email: object) => {
  const mailboxIds = { [await inboxOf(mallory)]: true }
  return mallory.ask('Email/set', { create: { k: { mailboxIds, ...email } } })
}

describe('another account', () => {
  it('shows none of its blobs, Emails and Mailboxes', async () => {
    const inbox = await inboxOf(alice)
    const uploaded = await upload('Subject: Secret\r\n\r\nSecret', alice)
    const emails = { k: { blobId: uploaded, mailboxIds: { [inbox]: true } } }
    const { id } = (await alice.ask('Email/import', { emails })).created.k
    for (const blobId of [uploaded, id, `${id}-1`, `${uploaded}-1`, '..%2Falice', '%2e%2e', `..%2Falice%2F${id}`])
      for (const account of ['mallory', 'alice']) {
        const path = `/jmap/download/${account}/${blobId}/x`
        expect((await http.request(path, { headers: mallory.headers })).status, path).toBe(404)
      }
    expect((await mallory.ask('Email/get', { ids: [id] })).notFound).toEqual([id])
    expect((await mallory.ask('Mailbox/get', { ids: [inbox] })).notFound).toEqual([inbox])
    expect((await mallory.ask('Email/query', { filter: { inMailbox: inbox } })).ids).toEqual([])
    const made = await create({ mailboxIds: { [inbox]: true } })
    expect(made.notCreated.k).toMatchObject({ type: 'invalidProperties', properties: ['mailboxIds'] })
    const changed = await mallory.ask('Mailbox/set', {
      create: { k: { name: 'below', parentId: inbox } },
      update: { [inbox]: { name: 'x' } },
    })
    const { notDestroyed } = await mallory.ask('Mailbox/set', { destroy: [inbox] })
    expect(changed.notCreated.k.properties).toEqual(['parentId'])
    expect([changed.notUpdated[inbox].type, notDestroyed[inbox].type]).toEqual(['notFound', 'notFound'])
    const [answer] = await mallory.call(['Email/get', { accountId: 'alice', ids: [id] }])
    expect([answer?.[0], answer?.[1].type]).toEqual(['error', 'accountNotFound'])
  })
})

describe('a download', () => {
  it('does not run in a browser, whatever its type and name', async () => {
    const blobId = await upload('<script>alert(1)</script>')
    const get = (query: string) =>
      fetch(`${http.base}/jmap/download/mallory/${blobId}/${query}`, { headers: mallory.headers })
    for (const type of ['text/html', 'image/svg+xml', 'text/html; charset=utf-7']) {
      const { headers } = await get(`x.html?type=${encodeURIComponent(type)}`)
      expect(headers.get('content-type')).toBe(type)
      expect(headers.get('content-disposition')).toMatch(/^attachment; /)
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; sandbox")
      expect(headers.get('x-content-type-options')).toBe('nosniff')
    }
    const name = '"; filename="evil.exe"\r\nX-Injected: 1\u202e'
    const { headers } = await get(encodeURIComponent(name))
    expect(headers.get('x-injected')).toBeNull()
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="[^"\r\n]*"; filename\*=UTF-8''[\w.%-]*$/)
    for (const type of ['text/html\r\nX-Injected: 1', 'text/plain; name="\u2603"', 'text/plain; name="\u00e4"', 'x']) {
      const answer = await get(`x?type=${encodeURIComponent(type)}`)
      expect([type, answer.status, answer.headers.get('x-injected')]).toEqual([type, 200, null])
      expect(answer.headers.get('content-type')).toBe('application/octet-stream')
    }
  })
})

describe('Email/set', () => {
  it('adds no lines to a header', async () => {
    const evil = 'A\r\nX-Injected: 1\r\n\r\nBody'
    const attached = (part: object) => ({ attachments: [{ blobId: 'B', type: 'text/plain', ...part }] })
    const B = await upload('text')
    const emails = [
      { subject: evil },
      { from: [{ name: evil, email: 'a@b.test' }] },
      { to: [{ name: null, email: `a@b.test${evil}` }] },
      { messageId: [evil] },
      { 'header:X-A': evil },
      { 'header:X-A': ' a\nX-Injected: 1' },
      { 'header:X-A': ' a\rX-Injected: 1' },
      { 'header:X-A:asText': evil },
      { 'header:X-A:asURLs': [evil] },
      { 'header:X-A:asMessageIds': [evil] },
      { 'header:X-A:asDate': '2020-01-01T00:00:00Z\r\nX-Injected: 1' },
      { 'header:X-A:asGroupedAddresses': [{ name: evil, addresses: [{ name: evil, email: 'a@b.test' }] }] },
      { 'header:X-A:asAddresses:all': [[{ name: evil, email: 'a@b.test' }]] },
      { 'header:X\r\nX-Injected': ' 1' },
      ...['name', 'type', 'charset', 'disposition', 'cid', 'location'].map((one) => attached({ [one]: evil })),
      attached({ language: [evil] }),
      attached({ 'header:X-A': evil }),
      attached({ 'header:Content-Type': ` text/plain${evil}` }),
    ]
    for (const given of emails) {
      const email = JSON.parse(JSON.stringify(given).replace('"blobId":"B"', `"blobId":"${B}"`))
      const { created, notCreated } = await create(email)
      expect([given, created?.k ?? notCreated?.k]).toEqual([given, expect.anything()])
      if (!created) continue
      const { body } = await http.request(`/jmap/download/mallory/${created.k.blobId}/x`, { headers: mallory.headers })
      expect(`${body}`, JSON.stringify(given)).not.toMatch(/(?:^|[\r\n])X-Injected/)
    }
  })

  it('refuses values of any type', async () => {
    const bare = { toString: 1, valueOf: 1 }
    const [accountId] = await mallory.call(['Email/get', { accountId: bare, ids: [] }])
    expect(accountId?.[1].type).toBe('accountNotFound')
    const emails = { k: { blobId: bare, mailboxIds: { [await inboxOf(mallory)]: true } } }
    expect((await mallory.ask('Email/import', { emails })).notCreated.k.properties).toEqual(['blobId'])
    expect((await mallory.ask('Email/query', { filter: { operator: bare, conditions: [] } })).type).toBe(
      'unsupportedFilter',
    )
    for (const name of ['Email', 'EmailSubmission', 'SieveScript', 'Mailbox'])
      expect([name, (await mallory.ask(`${name}/query`, { sort: [{ property: bare }] })).type]).toEqual([
        name,
        'unsupportedSort',
      ])
    expect((await create({ sentAt: bare })).notCreated.k.properties).toEqual(['sentAt'])
    expect((await mallory.ask('Blob/get', { ids: [await upload('x')], offset: bare })).type).toBe('invalidArguments')
    expect((await mallory.ask('Quota/query', { filter: { name: bare } })).ids).toEqual([])
    const made = await mallory.ask('Mailbox/set', { create: JSON.parse('{"__proto__":{"name":"proto"}}') })
    expect(Object.keys(made.created ?? {})).toEqual(['__proto__'])
  })
})

describe('much work', () => {
  it('is refused, or done soon', { timeout: 120_000 }, async () => {
    const paths = Object.fromEntries(Array.from({ length: 90_000 }, (_, at) => [`keywords/k${at}`, true]))
    const { id } = (await create({ subject: 'Much' })).created.k
    expect((await mallory.ask('Email/set', { update: { [id]: paths } })).notUpdated[id].type).toBe('tooManyKeywords')
    expect(
      (await mallory.ask('Email/set', { update: { [id]: { [`keywords${'/a'.repeat(2_000_000)}`]: true } } }))
        .notUpdated[id].type,
    ).toBe('invalidPatch')
    const lists = Array.from({ length: 40_000 }, () => [])
    const [, referred] = await mallory.call(
      ['Core/echo', { lists }],
      ['Core/echo', { '#x': { resultOf: 'c0', name: 'Core/echo', path: `/lists/*/*${'/x'.repeat(1_000_000)}` } }],
    )
    expect(referred?.[1].x).toEqual([])
    expect((await mallory.ask('Email/get', { ids: Array.from({ length: 90_000 }, (_, at) => `M${at}`) })).type).toBe(
      'requestTooLarge',
    )
    const texts = [`"${'a'.repeat(90_000)}`, `"${'\\a'.repeat(45_000)}`, ` 'a`.repeat(20), ` '\\`.repeat(20)]
    for (const filter of [...texts.map((text) => ({ text })), { header: ['('.repeat(1_000), '*'.repeat(1_000)] }])
      expect(await mallory.ask('Email/query', { filter })).toMatchObject({ ids: [] })
    for (const text of [`"${'a'.repeat(9_000_000)}`, `"${'\\a'.repeat(3_000_000)}`])
      expect((await mallory.ask('Email/query', { filter: { text } })).type).toBe('unsupportedFilter')
    const quoted = `"${'a'.repeat(9_000_000)}"@b.test`
    expect((await create({ to: [{ name: null, email: quoted }] })).notCreated.k.properties).toEqual(['to'])
    const blobId = `U1${'-1'.repeat(2_000_000)}`
    expect((await mallory.ask('Blob/get', { ids: [blobId] })).notFound).toEqual([blobId])
  })
})
