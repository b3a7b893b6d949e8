import { createHmac } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { basic, bearer, HttpLab } from '../client.ts'
import { EventReceiver, type Received } from './receiver.ts'

const receiver = await EventReceiver.ofTests()
const SVIX = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAAAAAA'
const webhooks = (secret?: string) => [{ url: receiver.url, ...(secret === undefined ? {} : { secret }) }]

const http = HttpLab.ofTests({
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    {
      protocol: 'http',
      providers: [
        { provider: 'mailgun', senders: ['lab.test'], webhooks: webhooks('signing-key') },
        { provider: 'resend', senders: ['lab.test'], webhooks: webhooks(`whsec_${SVIX}`) },
        { provider: 'brevo', senders: ['lab.test'], webhooks: webhooks(), quota: 1 },
        { provider: 'mailjet', senders: ['lab.test'], webhooks: webhooks(), suppressed: ['gone@lab.test'] },
      ],
    },
  ],
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))
const messageTo = (user: string) => http.lab.waitForMessage({ to: `${user}@lab.test` })

describe('Mailgun', () => {
  const send = (fields: Record<string, string>, domain = 'lab.test') =>
    http.request(`/mailgun/v3/${domain}/messages`, {
      headers: { ...basic('api', 'key'), 'content-type': 'application/x-www-form-urlencoded' },
      body: `${new URLSearchParams(fields)}`,
    })
  const fields = {
    from: 'shop@lab.test',
    to: 'alice@lab.test',
    subject: 'Hi',
    text: 'Hello',
    'v:order': '17',
    'o:tag': 'a',
  }

  it('sends, and signs its events by HMAC', async () => {
    const { status, body } = await send(fields)
    expect([status, body]).toEqual([
      200,
      { id: expect.stringMatching(/^<.+@lab\.test>$/), message: 'Queued. Thank you.' },
    ])
    const [accepted, delivered] = (await receiver.take(2)) as [Received, Received]
    expect(accepted.json['event-data'].event).toBe('accepted')
    const { signature, 'event-data': data } = delivered.json
    const hmac = createHmac('sha256', 'signing-key').update(signature.timestamp + signature.token)
    expect(signature.signature).toBe(hmac.digest('hex'))
    expect(data).toMatchObject({
      event: 'delivered',
      recipient: 'alice@lab.test',
      tags: ['a'],
      'user-variables': { order: '17' },
    })
    expect(`<${data.message.headers['message-id']}>`).toBe(body.id)
  })

  it('writes to each recipient alone if they have variables', async () => {
    await send({
      ...fields,
      to: 'alice@lab.test, bob@lab.test',
      subject: 'Hi %recipient.name%',
      'recipient-variables': JSON.stringify({ 'alice@lab.test': { name: 'Ann' }, 'bob@lab.test': { name: 'Bob' } }),
    })
    expect([(await messageTo('alice')).subject, (await messageTo('bob')).subject]).toEqual(['Hi Ann', 'Hi Bob'])
    await receiver.take(4)
  })

  it('answers with the errors of Mailgun, and sends nothing in test mode', async () => {
    expect((await send(fields, 'example.com')).body).toEqual({ message: 'Domain not found: example.com' })
    expect((await send({ ...fields, from: '' })).body).toEqual({ message: "'from' parameter is missing" })
    expect((await send({ ...fields, 'o:testmode': 'yes' })).status).toBe(200)
    expect((await http.request('messages')).body.total).toBe(0)
    const other = await http.request('/mailgun/v3/domains', { headers: basic('api', 'key') })
    expect(other.status).toBe(501)
  })
})

describe('Resend', () => {
  const send = (json: object, headers: Record<string, string> = {}) =>
    http.request('/resend/emails', { json, headers: { ...bearer('re_key'), ...headers } })
  const email = { from: 'shop@lab.test', to: 'alice@lab.test', subject: 'Hi', text: 'Hello' }

  it('sends once for an idempotency key, and signs its events as Svix does', async () => {
    const key = { 'Idempotency-Key': 'a' }
    const first = await send(email, key)
    expect((await send(email, key)).body).toEqual(first.body)
    expect((await send({ ...email, text: 'Other' }, key)).status).toBe(409)
    const [sent, delivered] = (await receiver.take(2)) as [Received, Received]
    expect([sent.json.type, delivered.json.type]).toEqual(['email.sent', 'email.delivered'])
    const { 'svix-id': id, 'svix-timestamp': time, 'svix-signature': signature } = delivered.headers
    const hmac = createHmac('sha256', Buffer.from(SVIX, 'base64')).update(`${id}.${time}.${delivered.text}`)
    expect(signature).toBe(`v1,${hmac.digest('base64')}`)
    expect((await http.request('messages')).body.total).toBe(1)
  })

  it('has its addresses for tests, and its errors', async () => {
    await send({ ...email, to: ['bounced+a@resend.dev', 'complained@resend.dev', 'suppressed@resend.dev'] })
    const types = (await receiver.take(6)).map(({ json }) => json.type)
    expect(types.slice(2)).toEqual(['email.bounced', 'email.delivered', 'email.complained', 'email.suppressed'])
    expect((await send({ ...email, from: 'x@example.com' })).body).toMatchObject({
      statusCode: 403,
      name: 'validation_error',
    })
    expect((await send({ ...email, subject: undefined })).body.message).toBe('Missing `subject` field.')
    expect((await http.request('/resend/emails', { json: email })).body.name).toBe('missing_api_key')
  })
})

describe('Brevo', () => {
  it('sends, limits the messages of a day, and reports events', async () => {
    const json = {
      sender: { email: 'shop@lab.test' },
      to: [{ email: 'alice@lab.test' }],
      subject: 'Hi',
      textContent: 'Hello',
    }
    const send = () => http.request('/brevo/v3/smtp/email', { json, headers: { 'api-key': 'xkeysib-a' } })
    const { status, body } = await send()
    expect([status, body.messageId]).toEqual([201, expect.stringMatching(/^<.+>$/)])
    expect((await receiver.take(2)).map(({ json: event }) => [event.event, event['message-id']])).toEqual([
      ['request', body.messageId],
      ['delivered', body.messageId],
    ])
    expect(await send()).toMatchObject({ status: 402, body: { code: 'not_enough_credits' } })
  })
})

describe('Mailjet', () => {
  it('answers for each message, and reports events with its numbers', async () => {
    const message = (To: string, From = 'shop@lab.test') => ({
      From: { Email: From },
      To: [{ Email: To }],
      Subject: 'Hi',
      TextPart: 'Hello',
      CustomID: 'order-17',
    })
    const Messages = [message('alice@lab.test'), message('bob@lab.test', 'x@example.com'), message('gone@lab.test')]
    const { status, body } = await http.request('/mailjet/v3.1/send', {
      json: { Messages },
      headers: basic('id', 'secret'),
    })
    expect([status, body.Messages.map(({ Status }: { Status: string }) => Status)]).toEqual([
      400,
      ['success', 'error', 'success'],
    ])
    const [sent, blocked] = (await receiver.take(2)) as [Received, Received]
    const { MessageID } = body.Messages[0].To[0]
    expect(sent.json).toMatchObject({ event: 'sent', email: 'alice@lab.test', MessageID, CustomID: 'order-17' })
    expect(blocked.json).toMatchObject({ event: 'blocked', email: 'gone@lab.test' })
  })
})
