import { expect, it } from 'vitest'
import { bearer, HttpLab } from '../client.ts'

const templates = { loop: { subject: '{{a}}', html: '{{a}}{{{b}}}' } }
const names = ['ses', 'sendgrid', 'postmark', 'mailgun', 'resend', 'brevo', 'mailjet', 'graph', 'gmail'] as const
const http = HttpLab.ofTests({
  directory: { mode: 'open' },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'http', providers: names.map((provider) => ({ provider, templates })) },
  ],
})

const INJECTED = 'x\r\nBcc: eve@lab.test\r\nX-Injected: yes\r\n\r\nbody'
const PATH = '../../../../etc/passwd\u0000.txt'
const LOOP = { a: '{{a}}{{b}}', b: '{{{a}}}', __proto__: { c: 1 }, constructor: { name: 'x' } }
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
const sigV4 = {
  authorization:
    'AWS4-HMAC-SHA256 Credential=AKIALAB1/20261203/eu-west-1/ses/aws4_request, SignedHeaders=host;x-amz-date, Signature=00',
  'x-amz-date': '20261203T000000Z',
}
const graphMessage = {
  subject: INJECTED,
  body: { contentType: INJECTED, content: 'x' },
  toRecipients: [{ emailAddress: { address: 'bob@lab.test', name: INJECTED } }],
  categories: [INJECTED],
  internetMessageHeaders: [{ name: 'X-A', value: INJECTED }],
  attachments: [{ name: PATH, contentType: INJECTED, contentBytes: 'eA==', contentId: INJECTED, isInline: true }],
}

/** Of each provider: its path, the header of a request, and a message with hostile values. */
const requests: Readonly<Record<(typeof names)[number], readonly [path: string, headers: object, json: object]>> = {
  ses: [
    '/ses/v2/email/outbound-emails',
    sigV4,
    {
      FromEmailAddress: `"${INJECTED}" <alice@lab.test>`,
      Destination: { ToAddresses: ['bob@lab.test'] },
      EmailTags: [{ Name: INJECTED, Value: INJECTED }],
      Content: {
        Simple: {
          Subject: { Data: INJECTED },
          Body: { Text: { Data: 'x' } },
          Headers: [{ Name: 'X-A', Value: INJECTED }],
          Attachments: [{ FileName: PATH, RawContent: 'eA==', ContentType: INJECTED }],
        },
      },
    },
  ],
  sendgrid: [
    '/sendgrid/v3/mail/send',
    bearer('SG.x'),
    {
      personalizations: [
        {
          to: [{ email: 'bob@lab.test', name: INJECTED }],
          dynamic_template_data: LOOP,
          custom_args: { [INJECTED]: INJECTED },
        },
      ],
      from: { email: 'alice@lab.test', name: INJECTED },
      subject: INJECTED,
      template_id: 'loop',
      categories: [INJECTED],
      headers: { 'X-A': INJECTED },
      content: [{ type: 'text/plain', value: 'x' }],
      attachments: [{ content: 'eA==', filename: PATH, type: INJECTED, content_id: INJECTED, disposition: 'inline' }],
    },
  ],
  postmark: [
    '/postmark/email',
    { 'x-postmark-server-token': '11111111-2222-3333-4444-555555555555' },
    {
      From: `"${INJECTED}" <alice@lab.test>`,
      To: 'bob@lab.test',
      Subject: INJECTED,
      TextBody: 'x',
      Tag: INJECTED,
      Metadata: { [INJECTED]: INJECTED },
      Headers: [{ Name: 'X-A', Value: INJECTED }],
      Attachments: [{ Name: PATH, Content: 'eA==', ContentType: INJECTED, ContentID: INJECTED }],
    },
  ],
  mailgun: ['/mailgun/v3/lab.test/messages', basic('api:key'), {}],
  resend: [
    '/resend/emails',
    bearer('re_x'),
    {
      from: `${INJECTED} <alice@lab.test>`,
      to: 'bob@lab.test',
      subject: INJECTED,
      text: 'x',
      headers: { 'X-A': INJECTED },
      tags: [{ name: INJECTED, value: INJECTED }],
      attachments: [{ filename: PATH, content: 'eA==', content_type: INJECTED, content_id: INJECTED }],
    },
  ],
  brevo: [
    '/brevo/v3/smtp/email',
    { 'api-key': 'xkeysib-x' },
    {
      sender: { email: 'alice@lab.test', name: INJECTED },
      to: [{ email: 'bob@lab.test', name: INJECTED }],
      subject: INJECTED,
      textContent: 'x',
      params: LOOP,
      tags: [INJECTED],
      headers: { 'X-A': INJECTED },
      attachment: [{ name: PATH, content: 'eA==' }],
    },
  ],
  mailjet: [
    '/mailjet/v3.1/send',
    basic('id:secret'),
    {
      Messages: [
        {
          From: { Email: 'alice@lab.test', Name: INJECTED },
          To: [{ Email: 'bob@lab.test', Name: INJECTED }],
          Subject: INJECTED,
          TextPart: 'x',
          CustomID: INJECTED,
          Headers: { 'X-A': INJECTED },
          Variables: LOOP,
          Attachments: [{ Filename: PATH, ContentType: INJECTED, Base64Content: 'eA==' }],
        },
      ],
    },
  ],
  graph: ['/graph/v1.0/me/sendMail', {}, { message: graphMessage }],
  gmail: [
    '/gmail/v1/users/me/messages/send',
    {},
    {
      raw: Buffer.from(`To: bob@lab.test\r\nSubject: x\r\n\r\n${INJECTED}`).toString('base64url'),
      labelIds: [INJECTED],
    },
  ],
}

it.each(names)('survives hostile requests to %s', { timeout: 60_000 }, async (name) => {
  const [path, headers, json] = requests[name]
  const key = name === 'graph' || name === 'gmail' ? bearer(await http.lab.accessToken({ user: 'alice' })) : {}
  const ask = async (body: string, type = 'application/json', target = path) =>
    (await http.request(target, { method: 'POST', headers: { ...headers, ...key, 'content-type': type }, body })).status
  const bodies = [
    ...[
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{"__proto__":{"x":1}}',
      '['.repeat(10_000),
      `{"a":${'1'.repeat(100_000)}}`,
      '\u0000\ufeff{}',
    ],
    JSON.stringify(json),
    JSON.stringify(json).replaceAll('bob@lab.test', `bob@lab.test${'\\r\\n'}Bcc: eve@lab.test`),
    JSON.stringify(json).replaceAll('eA==', '!!!'),
    JSON.stringify(json).replaceAll('eA==', 'A'.repeat(40_000_000)),
    JSON.stringify(json).replaceAll('"x"', '{"a":[{}]}'),
    JSON.stringify(json).replaceAll('"x"', 'null'),
  ]
  for (const [index, body] of bodies.entries())
    for (const type of [
      'application/json',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      'text/plain',
    ]) {
      const status = await ask(body, type)
      expect([index, type, status, status < 500 || status === 501]).toEqual([index, type, status, true])
    }
  for (const target of [
    `${path}/../../../api/v1/messages`,
    `${path}/%2e%2e/%00`,
    `/t/nobody${path}`,
    `${path}?${'a=b&'.repeat(500)}`,
  ])
    expect([target, (await ask('{}', 'application/json', target)) < 502]).toEqual([target, true])
  for (const { subject, headers: fields, envelope, attachments } of await http.lab.messages()) {
    expect([subject, fields.get('x-injected'), fields.get('bcc')]).toEqual([subject, undefined, undefined])
    expect(envelope.to?.join() ?? '').not.toContain('eve@')
    for (const { filename = '' } of attachments) expect(filename).not.toMatch(/[\u0000\r\n]/)
  }
  expect((await http.request('health')).status).toBeLessThan(500)
})

it('keeps lines out of the fields of a form of Mailgun', async () => {
  const form = new FormData()
  const fields = {
    from: `${INJECTED} <alice@lab.test>`,
    to: 'bob@lab.test',
    subject: INJECTED,
    text: 'x',
    'o:tag': INJECTED,
    'h:X-A': INJECTED,
    'v:x': INJECTED,
  }
  for (const [field, value] of Object.entries(fields)) form.append(field, value)
  form.append('attachment', new Blob(['x']), PATH)
  const body = new Response(form)
  const { status } = await http.request('/mailgun/v3/lab.test/messages', {
    method: 'POST',
    headers: { ...basic('api:key'), 'content-type': body.headers.get('content-type') ?? '' },
    body: await body.text(),
  })
  expect([200, 400]).toContain(status)
  for (const { headers } of await http.lab.messages()) expect(headers.get('x-injected')).toBe(undefined)
})
