import { beforeEach, describe, expect, it } from 'vitest'
import { HttpLab } from '../../client.ts'
import { EventReceiver } from '../receiver.ts'

const receiver = await EventReceiver.ofTests()
const TOKEN = '11111111-2222-3333-4444-555555555555'

const http = HttpLab.ofTests({
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    {
      protocol: 'http',
      limits: { rate: { messages: 20, per: '1h' } },
      providers: [
        {
          provider: 'postmark',
          suppressed: ['gone@lab.test'],
          webhooks: [{ url: receiver.url.replace('//', '//user:secret@') }],
        },
      ],
    },
  ],
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const send = (json: object, token = TOKEN) =>
  http.request('/postmark/email', { json, headers: { 'x-postmark-server-token': token } })
const email = { From: 'shop@lab.test', To: 'alice@lab.test', Subject: 'Hi', TextBody: 'Hello', Tag: 'welcome' }
// biome-ignore lint/suspicious/noExplicitAny: the events of Postmark
const events = async (count: number): Promise<any[]> => (await receiver.take(count)).map(({ json }) => json)

describe('Postmark', () => {
  it('sends, and reports each event with Basic authentication', async () => {
    const { status, body } = await send({ ...email, Metadata: { order: '17' } })
    expect([status, body]).toMatchObject([200, { ErrorCode: 0, Message: 'OK', To: 'alice@lab.test' }])
    const [request] = await receiver.take(1)
    expect(request?.headers.authorization).toBe(`Basic ${btoa('user:secret')}`)
    expect(request?.headers['webhook-id']).toBeUndefined()
    expect(request?.json).toMatchObject({
      RecordType: 'Delivery',
      MessageID: body.MessageID,
      Recipient: 'alice@lab.test',
      Tag: 'welcome',
      Metadata: { order: '17' },
      MessageStream: 'outbound',
    })
  })

  it('reports bounces of its addresses for tests and of those of the lab', async () => {
    const at = (user: string): string => `${user}@bounce-testing.postmarkapp.com`
    await send({ ...email, To: [at('HardBounce'), at('SoftBounce'), 'bounce+550.0s@lab.test'].join(', ') })
    expect((await events(3)).map(({ Type, Email }) => [Type, Email])).toEqual([
      ['HardBounce', at('HardBounce')],
      ['SoftBounce', at('SoftBounce')],
      ['HardBounce', 'bounce+550.0s@lab.test'],
    ])
  })

  it('reports opens, clicks, complaints and changes of subscriptions later', async () => {
    await send(email)
    await receiver.take(1)
    const [{ id }] = (await http.request('messages')).body.items
    for (const report of ['event+opened', 'event+clicked', 'complaint+abuse', 'event+unsubscribed'])
      expect((await http.request(`messages/${id}/report`, { json: { report } })).status).toBe(200)
    expect((await events(4)).map(({ RecordType }) => RecordType)).toEqual([
      'Open',
      'Click',
      'SpamComplaint',
      'SubscriptionChange',
    ])
  })

  it('refuses inactive recipients, and warns if only some are inactive', async () => {
    const { status, body } = await send({ ...email, To: 'gone@lab.test' })
    expect([status, body.ErrorCode]).toEqual([422, 406])
    const some = await send({ ...email, Cc: 'gone@lab.test' })
    expect(some.body.Message).toBe('Message OK, but will not deliver to these inactive addresses: gone@lab.test.')
    await receiver.take(1)
  })

  it('sends nothing with the test key', async () => {
    expect((await send(email, 'POSTMARK_API_TEST')).body.Message).toBe('Test job accepted')
    expect((await send(email, 'not-a-token')).body.ErrorCode).toBe(10)
    expect((await http.request('messages')).body.total).toBe(0)
  })

  it('limits the rate by `limits.rate`', async () => {
    const statuses: number[] = []
    for (let count = 0; count < 21; count++) statuses.push((await send(email)).status)
    expect(statuses.at(-1)).toBe(429)
    await receiver.take(statuses.filter((status) => status === 200).length)
  })
})
