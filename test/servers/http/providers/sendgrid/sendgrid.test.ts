import { createVerify, generateKeyPairSync } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../../client.ts'
import { askByName } from '../ask.ts'
import { EventReceiver, type Received } from '../receiver.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const secret = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
const [receiver, faulty] = [await EventReceiver.ofTests(), await EventReceiver.ofTests()]
const KEY = 'SG.key-of-the-lab-1234'

const http = HttpLab.ofTests({
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    {
      protocol: 'http',
      limits: { messageSize: '2KB' },
      providers: [
        {
          provider: 'sendgrid',
          keys: [
            { secret: KEY },
            { secret: 'SG.limited', answer: 'rate-limit' },
            { secret: 'SG.empty', answer: 'quota' },
          ],
          senders: ['lab.test'],
          suppressed: ['gone@lab.test'],
          templates: { 'd-1': { subject: 'Hello {{name}}', html: '<p>{{name}}</p>' } },
          webhooks: [
            { url: receiver.url, secret },
            { url: faulty.url, events: ['sent', 'delivered'], faults: ['duplicates', 'wrong-order'] },
          ],
        },
      ],
    },
  ],
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const send = (json: object, headers: Record<string, string> = bearer(KEY)) =>
  http.request('/sendgrid/v3/mail/send', { json, headers })
const mail = {
  personalizations: [{ to: [{ email: 'alice@lab.test', name: 'Alice' }], custom_args: { order: '17' } }],
  from: { email: 'shop@lab.test', name: 'Shop' },
  subject: 'Welcome',
  content: [{ type: 'text/plain', value: 'Hello' }],
  categories: ['welcome'],
}
const namesIn = (events: { readonly event: string }[]): string[] => events.map(({ event }) => event)

describe('SendGrid', () => {
  it('sends a message that is found by its metadata, with the session of the request', async () => {
    const answer = await send(mail)
    expect([answer.status, answer.body, answer.headers.get('x-message-id')]).toEqual([202, '', expect.any(String)])
    const message = await http.lab.waitForMessage({ to: 'alice@lab.test', sentBy: 'sendgrid' })
    expect(message.text).toBe('Hello')
    const id = answer.headers.get('x-message-id')
    const by = {
      provider: 'sendgrid',
      name: 'SendGrid',
      key: '1234',
      id,
      tags: ['welcome'],
      arguments: { order: '17' },
    }
    expect([message.sentBy, message.toJSON().sentBy]).toEqual([by, by])
    const queries = [
      'tag:welcome',
      'tag:sendgrid',
      'sent-by:sendgrid',
      'header:X-Sealpost-Arguments:17',
      'header:"X-Sealpost-Sent-By:SendGrid, API, key ending in 1234"',
    ]
    for (const query of queries) {
      const found = await http.request(`messages?query=${encodeURIComponent(query)}`)
      expect([query, found.body.total]).toEqual([query, 1])
    }
    const [{ session, sentBy, id: own }] = (await http.request('messages?query=tag:welcome')).body.items
    expect([sentBy, (await http.request(`messages/${own}`)).body.sentBy]).toEqual([by, by])
    expect((await http.request('messages?query=sent-by:resend')).body.total).toBe(0)
    const { transcript } = (await http.request(`sessions/${session}`)).body
    expect(JSON.stringify(transcript)).toContain('POST /sendgrid/v3/mail/send')
    expect(JSON.stringify(transcript)).toContain('categories')
    const [request] = await receiver.take(1)
    expect(namesIn(request?.json)).toEqual(['processed', 'delivered'])
    expect(request?.json[0]).toMatchObject({ email: 'alice@lab.test', order: '17', category: ['welcome'] })
    const { 'x-twilio-email-event-webhook-timestamp': time, 'x-twilio-email-event-webhook-signature': signature } =
      request?.headers ?? {}
    const signed = createVerify('sha256').update(`${time}${request?.text}`)
    expect(signed.verify(publicKey, String(signature), 'base64')).toBe(true)
    // Faults of the other webhook.
    const again = await faulty.take(2)
    expect(again.map(({ json }) => namesIn(json))).toEqual([
      ['delivered', 'processed'],
      ['delivered', 'processed'],
    ])
    expect(again[0]?.text).toBe(again[1]?.text)
  })

  it('is at the root for requests that name its host', async () => {
    const headers = { ...bearer(KEY), 'content-type': 'application/json' }
    const { status } = await askByName(http, 'api.sendgrid.com', '/v3/mail/send', headers, JSON.stringify(mail))
    expect(status).toBe(202)
    await receiver.take(1)
    await faulty.take(2)
    expect((await askByName(http, 'api.resend.example', '/v3/mail/send', headers, '{}')).status).toBe(421)
  })

  it('makes a message of a dynamic template for each personalization', async () => {
    const to = (user: string) => [{ email: `${user}@lab.test` }]
    const personalizations = ['alice', 'bob'].map((name) => ({
      to: to(name),
      dynamic_template_data: { name: `<${name}>` },
    }))
    expect((await send({ from: mail.from, template_id: 'd-1', personalizations })).status).toBe(202)
    const message = await http.lab.waitForMessage({ to: 'bob@lab.test' })
    expect([message.subject, message.html]).toEqual(['Hello <bob>', '<p>&lt;bob&gt;</p>'])
    await receiver.take(2)
    await faulty.take(4)
  })

  it('sends nothing in sandbox mode', async () => {
    expect((await send({ ...mail, mail_settings: { sandbox_mode: { enable: true } } })).status).toBe(200)
    expect((await http.request('messages')).body.total).toBe(0)
  })

  it('reports bounces, complaints and suppressed recipients as events, without mail about them', async () => {
    const users = [
      'bounce+550.0s',
      'bounce+4.2.2.0s',
      'bounce+delayed.0s',
      'complaint+abuse.0s',
      'gone',
      'event+clicked.0s',
    ]
    const to = users.map((user) => ({ email: `${user}@lab.test` }))
    await send({ ...mail, personalizations: [{ to }] })
    const [request] = (await receiver.take(1)) as [Received]
    const seen = (request.json as { event: string; email: string }[])
      .filter(({ event }) => event !== 'processed')
      .map(({ event, email }) => [email.split('@')[0], event])
    expect(seen).toEqual([
      ['bounce+550.0s', 'bounce'],
      ['bounce+4.2.2.0s', 'bounce'],
      ['bounce+delayed.0s', 'deferred'],
      ['complaint+abuse.0s', 'delivered'],
      ['complaint+abuse.0s', 'spamreport'],
      ['gone', 'dropped'],
      ['event+clicked.0s', 'delivered'],
      ['event+clicked.0s', 'click'],
    ])
    const found = await http.request('messages')
    expect(found.body.items.map(({ subject }: { subject: string }) => subject)).toEqual(['Welcome'])
    await faulty.take(2)
  })

  it('reports an event of a message later', async () => {
    await send(mail)
    await receiver.take(1)
    await faulty.take(2)
    const [{ id }] = (await http.request('messages?query=tag:welcome')).body.items
    expect((await http.request(`messages/${id}/report`, { json: { report: 'event+opened' } })).status).toBe(200)
    const [request] = await receiver.take(1)
    expect(request?.json).toMatchObject([{ event: 'open', email: 'alice@lab.test', order: '17' }])
    await http.lab.deliver({ from: 'a@lab.test', to: 'alice@lab.test', subject: 'By hand' }, { to: 'alice' })
    const other = (await http.request('messages?query=subject:hand')).body.items[0].id
    expect((await http.request(`messages/${other}/report`, { json: { report: 'event+opened' } })).status).toBe(409)
  })

  it('answers with the errors of SendGrid', async () => {
    const errorOf = async (json: object, headers?: Record<string, string>) => {
      const { status, body } = await send(json, headers)
      return [status, body.errors?.[0]]
    }
    const grant = 'The provided authorization grant is invalid, expired, or revoked'
    expect(await errorOf(mail, bearer('SG.wrong'))).toEqual([401, { message: grant, field: null, help: null }])
    expect(await errorOf(mail, {})).toEqual([401, { message: grant, field: null, help: null }])
    expect(await errorOf({ ...mail, from: { email: 'x@example.com' } })).toMatchObject([403, { field: 'from' }])
    expect(await errorOf({ ...mail, template_id: 'd-2' })).toMatchObject([400, { field: 'template_id' }])
    const nobody = { ...mail, personalizations: [{ to: [] }] }
    expect(await errorOf(nobody)).toMatchObject([400, { field: 'personalizations.0.to' }])
    const large = { ...mail, content: [{ type: 'text/plain', value: 'x'.repeat(3000) }] }
    expect(await errorOf(large)).toMatchObject([413, {}])
    expect(await errorOf(mail, bearer('SG.empty'))).toMatchObject([401, { message: 'Maximum credits exceeded' }])
    const limited = await send(mail, bearer('SG.limited'))
    expect([limited.status, limited.headers.get('x-ratelimit-remaining')]).toEqual([429, '0'])
    const other = await http.request('/sendgrid/v3/stats', { headers: bearer(KEY) })
    expect([other.status, other.body.errors[0].message]).toEqual([
      501,
      expect.stringContaining('GET /v3/stats of SendGrid'),
    ])
  })
})
