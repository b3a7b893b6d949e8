import { createRequire } from 'node:module'
import { beforeEach, describe, expect, it } from 'vitest'
import { fetchedClient } from '../../support/fetched-client.ts'
import { startHost } from '../../transport/outgoing/client/hosts.ts'
import { HttpLab } from './client.ts'

/** The first attempt loads the client, which takes a while on a busy machine. */
const LONG = { timeout: 15_000 }

const mailhog = fetchedClient('mailhog-4.16.0/index.js')

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const client = (options: object = { basePath: '/mailhog/api' }) =>
  createRequire(import.meta.url)(mailhog as string)({
    port: http.lab.server('http').port,
    host: '127.0.0.1',
    ...options,
  })

const deliver = (to: string, subject: string, more: object = {}): Promise<void> =>
  http.lab.deliver({ from: 'Shop <shop@example.com>', to: `${to}@lab.test`, subject, ...more }, { to })

describe.skipIf(!mailhog)('mailhog', () => {
  it('releases a message to the host of a connector', async () => {
    await using host = await startHost()
    const smartHost = { host: '127.0.0.1', port: host.port, tls: 'none' as const }
    await using other = await HttpLab.start({ outgoing: { connectors: [{ name: 'Outside', smartHost }] } })
    const hog = client({ basePath: '/mailhog/api', port: other.lab.server('http').port })
    await other.lab.deliver({ subject: 'Hello' }, { to: 'alice', from: 'shop@lab.test' })
    const { ID } = await hog.latestTo('alice@lab.test')
    const answer = await hog.releaseMessage(ID, { email: 'dev@example.test', host: '127.0.0.1', port: `${host.port}` })
    expect(answer.statusCode).toBe(200)
    await other.lab.waitForSent('dev@example.test', LONG)
    expect(host.received).toMatchObject([{ from: 'shop@lab.test', to: [{ address: 'dev@example.test' }] }])
  })

  it('lists, searches and reads', async () => {
    await deliver('alice', 'Grüße', { text: 'Text größer', html: '<p>größer</p>' })
    await deliver('bob', 'Second', { text: 'Other', headers: { 'Reply-To': 'reply@example.com' } })
    const hog = client()
    const list = await hog.messages(0, 10)
    expect([list.total, list.count, list.start]).toEqual([2, 2, 0])
    const first = await hog.latestTo('alice@lab.test')
    expect([first.subject, first.text, first.html]).toEqual(['Grüße', 'Text größer', '<p>größer</p>'])
    expect([first.from, first.to]).toEqual(['Shop <shop@example.com>', 'alice@lab.test'])
    expect(first.date).toBeInstanceOf(Date)
    expect(Date.now() - first.deliveryDate).toBeGreaterThanOrEqual(0)
    expect((await hog.latestFrom('shop@example.com')).replyTo).toBe('reply@example.com')
    expect((await hog.latestContaining('größer')).subject).toBe('Grüße')
    expect(await hog.latestContaining('nothing')).toBe(0)
    expect((await hog.search('lab.test', 'to', 1, 1)).items[0].subject).toBe('Grüße')
  })

  it('reads attachments', async () => {
    await deliver('alice', 'File', { text: 'x', attachments: [{ filename: 'a.txt', content: 'octets' }] })
    const [file] = (await client().latestTo('alice')).attachments
    expect([file.name, file.type, file.encoding]).toEqual(['a.txt', 'text/plain', 'base64'])
    expect(client().decode(file.Body, file.encoding)).toBe('octets')
  })

  it('deletes one message and all', async () => {
    for (const subject of ['One', 'Two', 'Three']) await deliver('alice', subject)
    const hog = client()
    const { items } = await hog.messages()
    expect((await hog.deleteMessage(items[0].ID)).statusCode).toBe(200)
    expect((await hog.messages()).total).toBe(2)
    expect((await hog.deleteAll()).statusCode).toBe(200)
    expect((await hog.messages()).total).toBe(0)
  })

  it('works at the root, except that deleteAll() is refused', async () => {
    await deliver('alice', 'One')
    await deliver('alice', 'Two')
    const hog = client({})
    const { items } = await hog.messages()
    await hog.deleteMessage(items[0].ID)
    expect(await hog.deleteAll()).toMatchObject({ status: 400 })
    expect((await hog.latestTo('alice')).subject).toBe('One')
  })

  it('logs on as an account', async () => {
    await deliver('alice', 'One')
    expect((await client({ basePath: '/mailhog/api', auth: 'bob:secret' }).messages()).total).toBe(0)
    expect((await client({ basePath: '/mailhog/api', auth: 'alice:secret' }).messages()).total).toBe(1)
  })
})
