import { createHash } from 'node:crypto'
import { ImapFlow } from 'imapflow'
import { describe, expect, it } from 'vitest'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const http = HttpLab.ofTests({
  directory: {
    accounts: [
      { user: 'alice', password: 'secret', quota: { size: '1MiB', messages: 100 } },
      { user: 'bob', password: 'secret' },
    ],
  },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    { protocol: 'http', jmap: { maxSizeUpload: '100KB', maxObjectsInGet: 5 } },
  ],
})
const alice = new JmapClient(http)
const bob = new JmapClient(http, 'bob')

const upload = async (client: JmapClient, body: string | Buffer, type = 'text/plain') => {
  const headers = { ...client.headers, 'content-type': type }
  return http.request(`/jmap/upload/${client.user}`, { method: 'POST', headers, body })
}

const download = async (client: JmapClient, blobId: string, rest = 'file.bin', user = client.user) => {
  const response = await fetch(`${http.base}/jmap/download/${user}/${blobId}/${rest}`, { headers: client.headers })
  return { status: response.status, headers: response.headers, octets: Buffer.from(await response.arrayBuffer()) }
}

describe('an upload', () => {
  it.each([
    ['octets of every value', Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))],
    ['a line without an end', Buffer.from('From x\n.\r\nline')],
    ['nothing', Buffer.alloc(0)],
  ])('is downloaded as it was: %s', async (_, octets) => {
    const { status, body } = await upload(alice, octets, 'image/png')
    expect([status, body]).toEqual([
      201,
      { accountId: 'alice', blobId: expect.stringMatching(/^U/), type: 'image/png', size: octets.length },
    ])
    const found = await download(alice, body.blobId, 'a%22%C3%BC.png?type=image%2Fpng')
    expect(found.octets.equals(octets)).toBe(true)
    expect(found.headers.get('content-type')).toBe('image/png')
    expect(found.headers.get('content-disposition')).toBe(
      `attachment; filename="a__.png"; filename*=UTF-8''a%22%C3%BC.png`,
    )
    expect(found.headers.get('content-security-policy')).toContain('sandbox')
  })

  it('belongs to its account', async () => {
    const { body } = await upload(alice, 'secret')
    expect((await download(bob, body.blobId)).status).toBe(404)
    expect((await download(bob, body.blobId, 'x', 'alice')).status).toBe(404)
    const foreign = await http.request('/jmap/upload/alice', { method: 'POST', headers: bob.headers, body: 'x' })
    expect(foreign.status).toBe(404)
  })

  it('that is too large is refused', async () => {
    const { status, body } = await upload(alice, Buffer.alloc(100_001))
    expect([status, body]).toMatchObject([400, { type: 'urn:ietf:params:jmap:error:limit', limit: 'maxSizeUpload' }])
  })

  it('makes room for itself: the oldest go', async () => {
    const ids: string[] = []
    for (let n = 0; n < 5; n++) ids.push((await upload(bob, Buffer.alloc(90_000, n + 1))).body.blobId)
    const states = await Promise.all(ids.map(async (id) => (await download(bob, id)).status))
    expect(states).toEqual([404, 200, 200, 200, 200])
  })

  it('is neither mail nor counted as such', async () => {
    await upload(alice, 'From: x\r\n\r\nx')
    expect((await http.request('messages')).body.total ?? 0).toBe(0)
    expect(await alice.ask('Quota/get', { ids: null })).toMatchObject({ list: [{ used: 0 }, { used: 0 }] })
  })
})

/** Puts a message into the INBOX of an account. */
const put = (user: string, body: string) =>
  http.request(`messages/import?to=${user}`, { body, headers: { 'content-type': 'message/rfc822' } })

const MESSAGE = [
  ...['From: a@b.test', 'Subject: With a part', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=x', ''],
  ...[
    '--x',
    '',
    'Hello',
    '--x',
    'Content-Type: image/png',
    'Content-Transfer-Encoding: base64',
    '',
    'cGFydA==',
    '--x--',
    '',
  ],
].join('\r\n')

it('messages and their parts are downloaded, and found by what they are', async () => {
  await put('bob', MESSAGE)
  const imap = new ImapFlow({ ...http.lab.imapflow({ user: 'bob', pass: 'secret' }), logger: false })
  await imap.connect()
  await imap.mailboxOpen('INBOX')
  const { emailId: blob = '' } = (await imap.fetchOne('1', { uid: true })) as { emailId?: string }
  await imap.logout()
  expect((await download(bob, blob)).octets.toString()).toBe(MESSAGE)
  expect((await download(bob, `${blob}-2`)).octets.toString()).toBe('part')
  const others = [download(alice, `${blob}-2`), download(bob, `${blob}-7`), download(bob, `${blob}-0`)]
  expect((await Promise.all(others)).map(({ status }) => status)).toEqual([404, 404, 404])
  const one = [expect.any(String)]
  expect(
    await bob.ask('Blob/lookup', { ids: [blob, 'none'], typeNames: ['Mailbox', 'Thread', 'Email'] }),
  ).toMatchObject({
    list: [{ id: blob, matchedIds: { Mailbox: one, Thread: one, Email: [blob] } }],
    notFound: ['none'],
  })
})

describe('Blob/upload and Blob/get', () => {
  it('put blobs together from text, base64 and ranges of others', async () => {
    const data = [{ 'data:asText': 'Hello, ' }, { 'data:asBase64': 'd29ybGQ=' }]
    const create = { a: { data, type: 'text/plain' }, b: { data: [{ blobId: '#a', offset: 7, length: 5 }] } }
    const properties = ['data', 'size', 'digest:sha', 'digest:sha-256']
    const [[, made] = [], [, got] = []] = await alice.call(
      ['Blob/upload', { create }],
      ['Blob/get', { ids: ['#a', '#b'], properties }],
    )
    expect(made.created).toMatchObject({ a: { size: 12, type: 'text/plain' }, b: { size: 5 } })
    const sha = (text: string, name: string) => createHash(name).update(text).digest('base64')
    expect(got.list).toMatchObject([
      { 'data:asText': 'Hello, world', size: 12, 'digest:sha': sha('Hello, world', 'sha1') },
      { 'data:asText': 'world', 'digest:sha-256': sha('world', 'sha256') },
    ])
  })

  it('tell what cannot be text, and what is cut', async () => {
    const create = { a: { data: [{ 'data:asBase64': '/w==' }] }, b: { data: [{ 'data:asText': 'text' }] } }
    const [, [, all] = [], [, cut] = []] = await alice.call(
      ['Blob/upload', { create }],
      ['Blob/get', { ids: ['#a'], properties: ['data', 'data:asText'] }],
      ['Blob/get', { ids: ['#b'], offset: 2, length: 9 }],
    )
    expect(all.list).toMatchObject([{ 'data:asText': null, 'data:asBase64': '/w==', isEncodingProblem: true }])
    expect(cut.list).toMatchObject([{ 'data:asText': 'xt', size: 4, isTruncated: true }])
  })

  it.each([
    ['two sources in one', { data: [{ 'data:asText': 'x', 'data:asBase64': 'eA==' }] }, 'invalidProperties'],
    ['no base64', { data: [{ 'data:asBase64': 'x' }] }, 'invalidProperties'],
    ['an unknown blob', { data: [{ blobId: 'U999' }] }, 'blobNotFound'],
    ['another type', { data: 'text' }, 'invalidProperties'],
    ['no object', 7, 'invalidProperties'],
    ['too many', { data: Array(65).fill({ 'data:asText': 'x' }) }, 'invalidProperties'],
    ['too much', { data: Array(3).fill({ 'data:asText': 'x'.repeat(50_000) }) }, 'tooLarge'],
  ])('refuse %s', async (_, object, type) => {
    expect((await alice.ask('Blob/upload', { create: { a: object } })).notCreated.a.type).toBe(type)
  })

  it.each([
    ['Blob/get', { ids: 'x' }, 'invalidArguments'],
    ['Blob/get', { ids: ['x'], properties: ['digest:crc'] }, 'invalidArguments'],
    ['Blob/get', { ids: Array.from({ length: 6 }, (_, n) => `U${n}`) }, 'requestTooLarge'],
    ['Blob/lookup', { ids: ['x'], typeNames: ['Contact'] }, 'unknownDataType'],
    ['Blob/copy', { fromAccountId: 'bob', blobIds: ['x'] }, 'fromAccountNotFound'],
    ['Blob/get', { accountId: 'bob', ids: [] }, 'accountNotFound'],
  ])('%s refuses %j', async (name, args, type) => {
    expect((await alice.ask(name, args)).type).toBe(type)
  })
})

describe('Quota', () => {
  it('has the limits of the account and what is used', async () => {
    const { list, state } = await alice.ask('Quota/get', { ids: null })
    expect(list).toMatchObject([
      { id: 'size', resourceType: 'octets', used: 0, hardLimit: 1024 ** 2, scope: 'account', types: ['Email'] },
      { id: 'messages', resourceType: 'count', used: 0, hardLimit: 100 },
    ])
    expect(await alice.ask('Quota/changes', { sinceState: state })).toMatchObject({ updated: [], newState: state })
    await put('alice', MESSAGE)
    expect((await alice.ask('Quota/changes', { sinceState: state })).type).toBe('cannotCalculateChanges')
    const sort = [{ property: 'used', isAscending: false }]
    expect((await alice.ask('Quota/query', { sort })).ids).toEqual(['size', 'messages'])
    expect((await alice.ask('Quota/query', { filter: { resourceType: 'count' } })).ids).toEqual(['messages'])
  })

  it('is empty without limits', async () => {
    expect((await bob.ask('Quota/get', { ids: null })).list).toEqual([])
  })
})
