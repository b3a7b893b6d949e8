import { once } from 'node:events'
import { request } from 'node:https'
import { expect, it } from 'vitest'
import { bearer, HttpLab } from '../client.ts'
import { EventReceiver } from './receiver.ts'

const receiver = await EventReceiver.ofTests(500, 503)

const http = HttpLab.ofTests({
  certificates: 'memory',
  alternativeNames: ['api.sendgrid.com'],
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    {
      protocol: 'http',
      providers: [
        { provider: 'sendgrid', webhooks: [{ url: receiver.url, retries: ['1ms', '1ms'], events: ['delivered'] }] },
      ],
    },
  ],
})

const mail = (to: string) => ({
  personalizations: [{ to: [{ email: to }] }],
  from: { email: 'shop@lab.test' },
  subject: 'Welcome',
  content: [{ type: 'text/plain', value: 'Hello' }],
})

it('catches an application whose address cannot be changed, by a hosts entry and the certificate of the lab', async () => {
  const asked = request({
    host: '127.0.0.1',
    port: http.lab.server('http').tlsPort,
    servername: 'api.sendgrid.com',
    ca: http.lab.ca,
    path: '/v3/mail/send',
    method: 'POST',
    headers: { ...bearer('SG.key'), host: 'api.sendgrid.com', 'content-type': 'application/json' },
  })
  asked.end(JSON.stringify(mail('alice@lab.test')))
  const [response] = await once(asked, 'response')
  response.resume()
  expect(response.statusCode).toBe(202)
  // Two answers of the receiver are errors, so that the same event comes three times.
  const attempts = await receiver.take(3)
  expect(new Set(attempts.map(({ text }) => text)).size).toBe(1)
})

it('has each provider below the path of a tenant, which gets only its own mail', async () => {
  await http.request('tenants', { json: { name: 'ci', accounts: ['alice'] } })
  const send = (to: string) =>
    http.request('/t/ci/sendgrid/v3/mail/send', { json: mail(to), headers: bearer('SG.key') })
  expect((await send('ci-alice@lab.test')).status).toBe(202)
  const other = await send('bob@lab.test')
  expect([other.status, other.body.errors[0].message]).toEqual([400, 'bob@lab.test is not an account of the tenant ci'])
  expect((await http.request('/t/ci/api/v1/messages')).body.total).toBe(1)
  await receiver.take(1)
})

it('leaves the paths of the lab as they are, and knows no other provider', async () => {
  expect((await http.request('status')).status).toBe(200)
  const other = await http.request('/postmark/email', {
    json: {},
    headers: { 'x-postmark-server-token': 'POSTMARK_API_TEST' },
  })
  expect(other.status).toBe(404)
})
