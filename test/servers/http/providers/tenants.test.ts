import { beforeAll, describe, expect, it } from 'vitest'
import { bearer, HttpLab, type RequestOptions } from '../client.ts'
import { EventReceiver } from './receiver.ts'

const receiver = await EventReceiver.ofTests()
const keyed = ['ses', 'sendgrid', 'postmark', 'mailgun', 'resend', 'brevo', 'mailjet'] as const
const names = [...keyed, 'graph', 'gmail'] as const
const http = HttpLab.ofTests({
  directory: { mode: 'open' },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    { protocol: 'http', providers: names.map((provider) => ({ provider, webhooks: [{ url: receiver.url }] })) },
  ],
})

let tokens: readonly string[] = []
beforeAll(async () => {
  const created = ['one', 'two'].map((name) => http.request('tenants', { json: { name, accounts: ['alice'] } }))
  tokens = (await Promise.all(created)).map(({ body }) => body.token)
})
const countMessages = async (): Promise<number> => (await http.lab.messages()).length

const OWN = 'one-alice@lab.test'
const OTHER = 'two-alice@lab.test'
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
const sigV4 = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=AKIALAB1/20261203/eu-west-1/ses/aws4_request, SignedHeaders=host;x-amz-date, Signature=' +
    '0'.repeat(64),
  'x-amz-date': '20261203T000000Z',
}
const form = (fields: Readonly<Record<string, string>>) => ({
  body: `${new URLSearchParams(fields)}`,
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
})
const mime = (to: string) => `From: ${OWN}\r\nTo: ${OWN}\r\nBcc: ${to}\r\nSubject: x\r\n\r\nx\r\n`

type Sending = (to: string) => readonly [path: string, request: RequestOptions]
/** Of each provider: the path and the request that send to an address, hidden as Bcc where the provider has it. */
const sendings: Readonly<Record<(typeof names)[number], Sending>> = {
  ses: (to) => [
    '/ses/v2/email/outbound-emails',
    {
      headers: sigV4,
      json: {
        FromEmailAddress: OWN,
        Destination: { ToAddresses: [OWN], BccAddresses: [to] },
        Content: { Simple: { Subject: { Data: 'x' }, Body: { Text: { Data: 'x' } } } },
      },
    },
  ],
  sendgrid: (to) => [
    '/sendgrid/v3/mail/send',
    {
      headers: bearer('SG.key'),
      json: {
        personalizations: [{ to: [{ email: OWN }], bcc: [{ email: to }] }],
        from: { email: OWN },
        subject: 'x',
        content: [{ type: 'text/plain', value: 'x' }],
      },
    },
  ],
  postmark: (to) => [
    '/postmark/email',
    {
      headers: { 'x-postmark-server-token': '11111111-2222-3333-4444-555555555555' },
      json: { From: OWN, To: OWN, Bcc: to, Subject: 'x', TextBody: 'x' },
    },
  ],
  mailgun: (to) => {
    const { body, headers } = form({ from: OWN, to: OWN, bcc: to, subject: 'x', text: 'x' })
    return ['/mailgun/v3/lab.test/messages', { body, headers: { ...headers, ...basic('api:key') } }]
  },
  resend: (to) => [
    '/resend/emails',
    { headers: bearer('re_key'), json: { from: OWN, to: OWN, bcc: to, subject: 'x', text: 'x' } },
  ],
  brevo: (to) => [
    '/brevo/v3/smtp/email',
    {
      headers: { 'api-key': 'xkeysib-key' },
      json: {
        sender: { email: OWN },
        to: [{ email: OWN }],
        bcc: [{ email: to }],
        subject: 'x',
        textContent: 'x',
      },
    },
  ],
  mailjet: (to) => [
    '/mailjet/v3.1/send',
    {
      headers: basic('id:secret'),
      json: {
        Messages: [{ From: { Email: OWN }, To: [{ Email: OWN }], Bcc: [{ Email: to }], Subject: 'x', TextPart: 'x' }],
      },
    },
  ],
  graph: (to) => [
    '/graph/v1.0/me/sendMail',
    { body: Buffer.from(mime(to)).toString('base64'), headers: { 'content-type': 'text/plain' } },
  ],
  gmail: (to) => ['/gmail/v1/users/me/messages/send', { json: { raw: Buffer.from(mime(to)).toString('base64url') } }],
}

/** Sends a request below a tenant; to Graph and Gmail, as an account. */
async function ask(tenant: string, path: string, options: RequestOptions = {}, user = 'one-alice') {
  const isAccount = /^\/(?:graph|gmail)\//.test(path)
  const headers = isAccount ? bearer(await http.lab.accessToken({ user })) : {}
  return http.request(`/t/${tenant}${path}`, { ...options, headers: { ...headers, ...options.headers } })
}

describe.each(names)('%s below the path of a tenant', (name) => {
  it('sends to the accounts of the tenant, and to no other', async () => {
    const [path, own] = sendings[name](OWN)
    expect((await ask('one', path, own)).status).toBeLessThan(300)
    const count = await countMessages()
    const [, other] = sendings[name](OTHER)
    const refused = await ask('one', path, other)
    expect([400, 422]).toContain(refused.status)
    expect(JSON.stringify(refused.body)).toContain('tenant one')
    expect(await countMessages()).toBe(count)
    expect((await http.request('/t/two/api/v1/messages', { headers: bearer(tokens[1] ?? '') })).body.total).toBe(0)
  })

  it('shows what was sent to the webhooks to administrators only', async () => {
    const answers = await Promise.all(
      tokens.map((token, at) =>
        http.request(`/t/${['one', 'two'][at]}/api/v1/webhooks/deliveries`, { headers: bearer(token) }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual([403, 403])
  })
})

describe.each(['graph', 'gmail'] as const)('%s with an access token of another tenant', (name) => {
  const reads = {
    graph: ['/graph/v1.0/me/messages', `/graph/v1.0/users/${OTHER}/messages`, '/graph/v1.0/subscriptions'],
    gmail: ['/gmail/v1/users/me/messages', `/gmail/v1/users/${OTHER}/messages`, '/gmail/v1/users/me/history'],
  }
  it('sends, reads and watches nothing', async () => {
    const count = await countMessages()
    const [path, own] = sendings[name](OTHER)
    const answers = [await ask('two', path, own)]
    for (const one of reads[name]) answers.push(await ask('two', one))
    if (name === 'gmail')
      answers.push(await ask('two', '/gmail/v1/users/me/watch', { json: { topicName: 'projects/a/topics/b' } }))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]))
    expect(await countMessages()).toBe(count)
  })

  it('reads nothing of another account of its own tenant by its address', async () => {
    for (const one of reads[name].filter((path) => path.includes(OTHER))) {
      const { status } = await ask('one', one)
      expect(status).toBe(403)
    }
  })
})

describe('scheduled mail of a tenant', () => {
  const at = () => new Date(http.lab.clock.now() + 3_600_000)
  const queued = async (): Promise<number> => (await http.request('queue')).body.total
  const batch = { batch_id: 'batch' }
  /** Of each provider with scheduled mail: a message that waits, and the requests that would stop it. */
  const rows = {
    sendgrid: () => {
      const [path, { headers = {}, json }] = sendings.sendgrid(OWN)
      const stop = { headers, json: { ...batch, status: 'cancel' } }
      const later = { ...(json as object), ...batch, send_at: Math.ceil(at().getTime() / 1000) }
      return { path, later: { headers, json: later }, stops: [['/sendgrid/v3/user/scheduled_sends', stop]] }
    },
    mailgun: () => {
      const [path, { headers = {}, body }] = sendings.mailgun(OWN)
      const later = { headers, body: `${body}&${new URLSearchParams({ 'o:deliverytime': at().toUTCString() })}` }
      return { path, later, stops: [['/mailgun/v3/lab.test/envelopes', { method: 'DELETE', headers }]] }
    },
    resend: () => {
      const [path, { headers = {}, json }] = sendings.resend(OWN)
      const stops = [
        ['/resend/emails/ID/cancel', { method: 'POST', headers }],
        ['/resend/emails/ID', { method: 'PATCH', headers, json: { scheduled_at: 'in 1 min' } }],
      ]
      return { path, later: { headers, json: { ...(json as object), scheduled_at: at().toISOString() } }, stops }
    },
    brevo: () => {
      const [path, { headers = {}, json }] = sendings.brevo(OWN)
      const later = { headers, json: { ...(json as object), scheduledAt: at().toISOString() } }
      return { path, later, stops: [['/brevo/v3/smtp/email/ID', { method: 'DELETE', headers }]] }
    },
  }

  it.each(Object.keys(rows) as (keyof typeof rows)[])('of %s is stopped by itself only', async (name) => {
    const { path, later, stops } = rows[name]()
    const { body } = await ask('one', path, later)
    const id = encodeURIComponent(body.id ?? body.messageId ?? '')
    const stop = async (tenant: string) => {
      for (const [target, request] of stops)
        await ask(tenant, String(target).replace('ID', id), request as RequestOptions)
      return queued()
    }
    expect(await stop('two')).toBe(1)
    if (name === 'sendgrid') {
      const pause = { headers: bearer('SG.key'), json: { ...batch, status: 'pause' } }
      await ask('one', '/sendgrid/v3/user/scheduled_sends', pause)
      const listed = await ask('two', '/sendgrid/v3/user/scheduled_sends', { headers: bearer('SG.key') })
      expect(listed.body).toEqual([])
    }
    expect(await stop('one')).toBe(0)
  })

  it('is sent by Resend for the same idempotency key in another tenant, and with another key', async () => {
    const count = await countMessages()
    const [path, { headers, json }] = sendings.resend('')
    const send = (tenant: string, key: string) =>
      ask(tenant, path, {
        headers: { ...headers, ...bearer(key), 'idempotency-key': 'k' },
        json: { ...(json as object), to: `${tenant}-alice@lab.test`, bcc: [] },
      })
    expect((await send('one', 're_1_same')).status).toBe(200)
    expect((await send('two', 're_1_same')).status).toBe(200)
    expect((await send('one', 're_2_same')).status).toBe(200)
    expect(await countMessages()).toBe(count + 3)
  })
})
