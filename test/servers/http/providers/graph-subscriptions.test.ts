import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab, type RequestOptions } from '../client.ts'

/** The answer of the receiver to a validation, and the notifications that it has got. */
let validation = (token: string): { status: number; text: string } => ({ status: 200, text: token })
interface Notification {
  readonly changeType: string
  readonly clientState?: string
  readonly subscriptionId: string
  readonly resourceData: { readonly id: string }
}
const received: Notification[] = []
/** The number of notifications in each request. */
let sizes: number[] = []
let wake = (): void => {}
const receiver = createServer(async (request, response) => {
  let text = ''
  for await (const chunk of request) text += chunk
  const token = new URL(request.url ?? '/', 'http://x').searchParams.get('validationToken')
  if (token !== null) {
    const { status, text: body } = validation(token)
    response.writeHead(status, { 'content-type': 'text/plain' }).end(body)
    return
  }
  const { value } = JSON.parse(text)
  received.push(...value)
  sizes.push(value.length)
  response.writeHead(202).end()
  wake()
}).listen(0, '127.0.0.1')
await once(receiver, 'listening')
afterAll(() => {
  receiver.closeAllConnections()
  receiver.close()
})
const notificationUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    { protocol: 'http', providers: [{ provider: 'graph', webhooks: [{ url: notificationUrl }] }] },
  ],
})
beforeEach(async () => {
  await http.request('reset', { method: 'POST', json: {} })
  received.length = 0
  sizes = []
  validation = (text) => ({ status: 200, text })
})

const ask = async (path: string, options: RequestOptions = {}, user = 'alice') =>
  http.request(`/graph/v1.0/${path}`, { ...options, headers: bearer(await http.lab.accessToken({ user })) })
const hours = (count: number): string => new Date(http.lab.clock.now() + count * 3_600_000).toISOString()
const subscribe = (given: object = {}, user = 'alice') => {
  const json = {
    changeType: 'created,updated,deleted',
    notificationUrl,
    resource: "me/mailFolders('inbox')/messages",
    expirationDateTime: hours(1),
    clientState: 'secret',
    ...given,
  }
  return ask('subscriptions', { json }, user)
}
const send = (to: string) =>
  http.lab.deliver(`From: bob@lab.test\r\nTo: ${to}\r\nSubject: one\r\n\r\nHello\r\n`, { to })
/** Waits for a number of notifications. */
const until = async (count: number): Promise<string[]> => {
  while (received.length < count) {
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
  return received.map(({ changeType }) => changeType)
}

describe('subscriptions', () => {
  it('notifies of new, changed and deleted messages of a folder', async () => {
    const { status, body } = await subscribe()
    expect([status, body.changeType, body.clientState]).toEqual([201, 'created,updated,deleted', 'secret'])
    await send('bob')
    await send('alice')
    expect(await until(1)).toEqual(['created'])
    const [{ resourceData, clientState, subscriptionId }] = received as [Notification]
    expect([clientState, subscriptionId]).toEqual(['secret', body.id])
    const path = `me/messages/${resourceData.id}`
    expect((await ask(path)).body.subject).toBe('one')
    await ask(path, { method: 'PATCH', json: { isRead: true } })
    expect(await until(2)).toEqual(['created', 'updated'])
    await ask(path, { method: 'DELETE' })
    expect(await until(3)).toEqual(['created', 'updated', 'deleted'])
    expect(received.at(-1)?.resourceData.id).toBe(resourceData.id)
  })

  it('sends the changes that are wanted, of all folders', async () => {
    await subscribe({ changeType: 'deleted', resource: 'users/alice@lab.test/messages' })
    await send('alice')
    const [{ id }] = (await ask('me/messages')).body.value
    const { body } = await ask(`me/messages/${id}/move`, { json: { destinationId: 'archive' } })
    await ask(`me/messages/${body.id}/permanentDelete`, { method: 'POST', json: {} })
    expect(await until(2)).toEqual(['deleted', 'deleted'])
  })

  it('tells a change of many messages in several notifications', async () => {
    await subscribe({ changeType: 'deleted' })
    const mails = Array.from({ length: 150 }, (_, at) => `From: a@b.test\r\nSubject: ${at}\r\n\r\nx\r\n`)
    for (const mail of mails) await http.lab.deliver(mail, { to: 'alice' })
    await http.request('messages/delete', { json: { account: 'alice', folder: 'INBOX' } })
    expect(await until(150)).toEqual(Array(150).fill('deleted'))
    expect(sizes.toSorted()).toEqual([100, 50])
    const twice = await subscribe({ changeType: Array(50_000).fill('created').join() })
    expect(twice.status).toBe(400)
  })

  it('lists, renews and deletes subscriptions, and ends them at their time', async () => {
    const { id } = (await subscribe()).body
    expect((await ask('subscriptions')).body.value).toMatchObject([{ id, notificationUrl }])
    expect((await ask('subscriptions', {}, 'bob')).body.value).toEqual([])
    expect((await ask(`subscriptions/${id}`, {}, 'bob')).status).toBe(404)
    expect((await ask(`subscriptions/${id}`, { method: 'DELETE' }, 'bob')).status).toBe(404)
    const renewed = await ask(`subscriptions/${id}`, { method: 'PATCH', json: { expirationDateTime: hours(2) } })
    expect(renewed.status).toBe(200)
    await http.lab.clock.advance('90m')
    expect((await ask(`subscriptions/${id}`)).status).toBe(200)
    await http.lab.clock.advance('1h')
    expect((await ask(`subscriptions/${id}`)).status).toBe(404)
    const other = (await subscribe()).body.id
    expect((await ask(`subscriptions/${other}`, { method: 'DELETE' })).status).toBe(204)
    await subscribe({ changeType: 'created' })
    await send('alice')
    expect(await until(1)).toEqual(['created'])
    expect(received.map(({ subscriptionId }) => subscriptionId)).not.toContain(other)
  })

  it('refuses what it cannot notify', async () => {
    const refusal = async (given: object, user?: string) => {
      const { status, body } = await subscribe(given, user)
      return [status, body.error?.code]
    }
    for (const given of [
      { notificationUrl: 'http://127.0.0.1:9/other' },
      { expirationDateTime: hours(-1) },
      { expirationDateTime: hours(24 * 8) },
      { resource: 'me/events' },
    ])
      expect([given, await refusal(given)]).toEqual([given, [400, 'ValidationError']])
    for (const given of [{ expirationDateTime: 'soon' }, { changeType: 'none' }])
      expect([given, await refusal(given)]).toEqual([given, [400, 'ErrorInvalidRequest']])
    expect(await refusal({ includeResourceData: true })).toEqual([501, 'NotImplemented'])
    for (const host of ['127.0.0.1:9', '169.254.169.254', '[::1]', 'localhost'])
      expect(await refusal({ notificationUrl: `http://${host}/hook` })).toEqual([400, 'ValidationError'])
    expect(await refusal({ resource: 'users/alice@lab.test/messages' }, 'bob')).toEqual([403, 'ExtensionError'])
    expect(await refusal({ resource: "me/mailFolders('outbox')/messages" })).toEqual([404, 'ErrorItemNotFound'])
    validation = () => ({ status: 200, text: 'other' })
    expect(await refusal({})).toEqual([400, 'ValidationError'])
    validation = (text) => ({ status: 500, text })
    expect(await refusal({})).toEqual([400, 'ValidationError'])
  })
})
