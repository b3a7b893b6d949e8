import { once } from 'node:events'
import { request } from 'node:https'
import { describe, expect, it } from 'vitest'
import { basic, bearer, HttpLab } from '../client.ts'

// The requests of the documentation of each provider and of its SDKs, at the address of the provider, over TLS.

const refusals = ['unverified-sender', 'rate-limit', 'quota', 'too-large', 'suspended'] as const
const keysOf = (good: string, of: (answer: string) => string) => [
  { secret: good },
  ...refusals.map((answer) => ({ secret: of(answer), answer })),
]
const TOKEN = '11111111-2222-3333-4444-555555555555'
const tokenOf = (answer: string): string =>
  `${answer.length}`.padStart(8, '0').concat('-2222-3333-4444-', answer.replaceAll(/[^a-f]/g, '').padStart(12, '0'))
const templates = {
  welcome: { subject: 'Hello {{name}}', text: 'Welcome, {{name}}' },
  '1': { subject: 'Hello {{name}}', text: 'Welcome, {{name}}' },
}
const shared = { senders: ['lab.test'], suppressed: ['gone@lab.test'], templates }

const http = HttpLab.ofTests({
  certificates: 'memory',
  alternativeNames: [
    'email.eu-west-1.amazonaws.com',
    'graph.microsoft.com',
    'gmail.googleapis.com',
    ...['sendgrid.com', 'postmarkapp.com', 'mailgun.net', 'resend.com', 'brevo.com', 'mailjet.com'].map(
      (name) => `api.${name}`,
    ),
  ],
  directory: { mode: 'open', accounts: [{ user: 'alice', password: 'secret' }] },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    {
      protocol: 'http',
      providers: [
        { provider: 'ses', ...shared },
        { provider: 'sendgrid', ...shared, keys: keysOf('SG.good', (answer) => `SG.${answer}`) },
        { provider: 'postmark', ...shared, keys: keysOf(TOKEN, tokenOf) },
        { provider: 'mailgun', ...shared, keys: keysOf('good', (answer) => answer) },
        { provider: 'resend', ...shared, keys: keysOf('re_good', (answer) => `re_${answer}`) },
        { provider: 'brevo', ...shared, keys: keysOf('xkeysib-good', (answer) => `xkeysib-${answer}`) },
        { provider: 'mailjet', ...shared, keys: keysOf('good', (answer) => answer) },
        'graph',
        'gmail',
      ],
    },
  ],
})

type Fields = Readonly<Record<string, string>>
interface Sent {
  readonly headers?: Fields
  readonly json?: unknown
  readonly text?: string
  readonly form?: Readonly<Record<string, string>> | FormData
}
type Row = readonly [name: string, target: string, sent: Sent, status: number, answer: unknown, headers?: object]

/** Sends a request to the address of a provider, as an application behind a hosts entry does. */
async function ask(target: string, { headers = {}, json, text, form }: Sent) {
  const [method, address = ''] = target.split(' ')
  const { hostname, pathname, search } = new URL(address)
  const encoded =
    form === undefined ? undefined : new Response(form instanceof FormData ? form : new URLSearchParams(form))
  const type = json === undefined ? encoded?.headers.get('content-type') : 'application/json'
  const body = json === undefined ? (encoded ? Buffer.from(await encoded.arrayBuffer()) : text) : JSON.stringify(json)
  const asked = request({
    host: '127.0.0.1',
    port: http.lab.server('http').tlsPort,
    servername: hostname,
    ca: http.lab.ca,
    method,
    path: pathname + search,
    headers: { host: hostname, ...(type ? { 'content-type': type } : {}), ...headers },
  })
  asked.end(body)
  const [response] = await once(asked, 'response')
  let received = ''
  for await (const chunk of response) received += chunk
  const isJson = /json/.test(response.headers['content-type'] ?? '')
  return { status: response.statusCode, headers: response.headers, answer: isJson ? JSON.parse(received) : received }
}

const table = (rows: readonly Row[]) =>
  it.each(rows.map((row) => [...row] as const))('%s', async (_, target, sent, status, answer, headers = {}) => {
    const got = await ask(target, sent)
    expect(got).toEqual({ status, answer, headers: expect.objectContaining(headers) })
  })

const UUID = expect.stringMatching(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/)
const text = (form: RegExp) => expect.stringMatching(form)
const number = text(/^\d+$/)

describe('Amazon SES', () => {
  const signed = {
    authorization: `AWS4-HMAC-SHA256 Credential=AKIALAB/20261125/eu-west-1/ses/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
    'x-amz-date': '20261125T164000Z',
  }
  const host = 'https://email.eu-west-1.amazonaws.com'
  const id = text(/^0102[\da-f]{12}-[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}-\d{6}$/)
  const requestId = { 'x-amzn-requestid': UUID }
  const one = `POST ${host}/`
  const two = `POST ${host}/v2/email/outbound-emails`
  const bulk = `POST ${host}/v2/email/outbound-bulk-emails`
  const data = (Data: string) => ({ Data, Charset: 'UTF-8' })
  const Simple = { Subject: data('Hi'), Body: { Text: data('Hello'), Html: data('<p>Hello</p>') } }
  const email = (more: object = {}, to = 'alice@lab.test') => ({
    FromEmailAddress: 'Shop <shop@lab.test>',
    Destination: { ToAddresses: [to] },
    Content: { Simple },
    ...more,
  })
  const raw = Buffer.from('From: shop@lab.test\r\nTo: alice@lab.test\r\nSubject: Raw\r\n\r\nHello').toString('base64')
  const hidden = Buffer.from(
    'From: shop@lab.test\r\nTo: undisclosed-recipients:;\r\nBcc: alice@lab.test\r\n\r\nHello',
  ).toString('base64')
  const simple = {
    Action: 'SendEmail',
    Source: 'shop@lab.test',
    'Destination.ToAddresses.member.1': 'alice@lab.test',
    'Message.Subject.Data': 'Hi',
    'Message.Body.Text.Data': 'Hello',
  }
  const refused = (type: string, message: unknown) => ({ __type: type, message })
  const xml = (content: string) =>
    text(
      new RegExp(
        `^<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error>${content}</Error><RequestId>[\\da-f-]{36}</RequestId></ErrorResponse>$`,
      ),
    )
  const rejected =
    'Email address is not verified. The following identities failed the check in region EU-WEST-1: x@example.com'
  table([
    ['SendEmail, simple', two, { headers: signed, json: email() }, 200, { MessageId: id }, requestId],
    [
      'SendEmail, raw',
      two,
      { headers: signed, json: email({ Content: { Raw: { Data: raw } } }) },
      200,
      { MessageId: id },
    ],
    [
      'SendEmail, raw, with recipients in Bcc only',
      two,
      { headers: signed, json: email({ Destination: undefined, Content: { Raw: { Data: hidden } } }) },
      200,
      { MessageId: id },
    ],
    [
      'SendEmail, template',
      two,
      {
        headers: signed,
        json: email({ Content: { Template: { TemplateName: 'welcome', TemplateData: '{"name":"Ann"}' } } }),
      },
      200,
      { MessageId: id },
    ],
    [
      'SendEmail, headers, tags and attachments',
      two,
      {
        headers: signed,
        json: email({
          ReplyToAddresses: ['help@lab.test'],
          ConfigurationSetName: 'lab',
          EmailTags: [{ Name: 'a', Value: 'b' }],
          Content: {
            Simple: {
              ...Simple,
              Headers: [{ Name: 'X-A', Value: 'b' }],
              Attachments: [{ FileName: 'a.txt', RawContent: 'dGV4dA==', ContentType: 'text/plain' }],
            },
          },
        }),
      },
      200,
      { MessageId: id },
    ],
    [
      'SendBulkEmail',
      bulk,
      {
        headers: signed,
        json: {
          FromEmailAddress: 'shop@lab.test',
          DefaultContent: { Template: { TemplateName: 'welcome', TemplateData: '{"name":"you"}' } },
          BulkEmailEntries: [
            {
              Destination: { ToAddresses: ['alice@lab.test'] },
              ReplacementEmailContent: { ReplacementTemplate: { ReplacementTemplateData: '{"name":"Ann"}' } },
            },
          ],
        },
      },
      200,
      { BulkEmailEntryResults: [{ Status: 'SUCCESS', MessageId: id }] },
      requestId,
    ],
    [
      'no signature',
      two,
      { json: email() },
      403,
      refused('MissingAuthenticationTokenException', 'Missing Authentication Token'),
      { 'x-amzn-errortype': 'MissingAuthenticationTokenException', ...requestId },
    ],
    [
      'an unverified sender',
      two,
      { headers: signed, json: email({ FromEmailAddress: 'x@example.com' }) },
      400,
      refused('MessageRejected', rejected),
      { 'x-amzn-errortype': 'MessageRejected' },
    ],
    [
      'an unknown template',
      two,
      { headers: signed, json: email({ Content: { Template: { TemplateName: 'x' } } }) },
      404,
      refused('NotFoundException', text(/template x/i)),
    ],
    [
      'an address without a domain',
      two,
      { headers: signed, json: email({}, 'alice') },
      400,
      refused('BadRequestException', "Missing final '@domain'"),
    ],
    [
      'version 1: SendEmail',
      one,
      { headers: signed, form: simple },
      200,
      text(
        /^<SendEmailResponse xmlns="http:\/\/ses\.amazonaws\.com\/doc\/2010-12-01\/"><SendEmailResult><MessageId>0102[^<]*<\/MessageId><\/SendEmailResult><ResponseMetadata><RequestId>[^<]*<\/RequestId><\/ResponseMetadata><\/SendEmailResponse>$/,
      ),
      { 'content-type': 'text/xml', ...requestId },
    ],
    [
      'version 1: SendRawEmail',
      one,
      { headers: signed, form: { Action: 'SendRawEmail', 'RawMessage.Data': raw } },
      200,
      text(/<SendRawEmailResult><MessageId>0102/),
    ],
    [
      'version 1: SendTemplatedEmail',
      one,
      { headers: signed, form: { ...simple, Action: 'SendTemplatedEmail', Template: 'welcome', TemplateData: '{}' } },
      200,
      text(/<SendTemplatedEmailResult><MessageId>0102/),
    ],
    [
      'version 1: GetSendQuota',
      one,
      { headers: signed, form: { Action: 'GetSendQuota' } },
      200,
      text(
        /<GetSendQuotaResult><Max24HourSend>50000\.0<\/Max24HourSend><MaxSendRate>14\.0<\/MaxSendRate><SentLast24Hours>\d+\.0<\/SentLast24Hours><\/GetSendQuotaResult>/,
      ),
    ],
    [
      'version 1: an unverified sender',
      one,
      { headers: signed, form: { ...simple, Source: 'x@example.com' } },
      400,
      xml(`<Type>Sender</Type><Code>MessageRejected</Code><Message>${rejected}</Message>`),
    ],
    [
      'version 1: an unknown template',
      one,
      { headers: signed, form: { ...simple, Action: 'SendTemplatedEmail', Template: 'x', TemplateData: '{}' } },
      400,
      xml('<Type>Sender</Type><Code>TemplateDoesNotExist</Code><Message>.*</Message>'),
    ],
    [
      'version 1: no signature',
      one,
      { form: simple },
      403,
      xml('<Type>Sender</Type><Code>MissingAuthenticationToken</Code><Message>Missing Authentication Token</Message>'),
    ],
  ])
})

describe('SendGrid', () => {
  const send = 'POST https://api.sendgrid.com/v3/mail/send'
  const key = bearer('SG.good')
  const help = (anchor: string) => `http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html#${anchor}`
  const errors = (message: unknown, field: string | null = null, anchor?: string) => ({
    errors: [{ message, field, help: anchor ? help(anchor) : null }],
  })
  const hello = {
    personalizations: [{ to: [{ email: 'alice@lab.test' }] }],
    from: { email: 'shop@lab.test' },
    subject: 'Hello, World!',
    content: [{ type: 'text/plain', value: 'Heya!' }],
  }
  const { subject: _, ...noSubject } = hello
  const { content: __, ...noContent } = hello
  const { from: ___, ...noFrom } = hello
  const full = {
    personalizations: [
      {
        to: [{ email: 'alice@lab.test', name: 'Alice' }],
        cc: [{ email: 'bob@lab.test' }],
        bcc: [{ email: 'carol@lab.test' }],
        custom_args: { order: '17' },
        substitutions: { '-name-': 'Alice' },
      },
      { to: [{ email: 'dave@lab.test' }], subject: 'Another', headers: { 'X-A': 'b' } },
    ],
    from: { email: 'shop@lab.test', name: 'Shop' },
    reply_to: { email: 'help@lab.test', name: 'Help' },
    subject: 'Your order',
    content: [{ type: 'text/html', value: '<p>Hello -name-</p>' }],
    attachments: [{ content: 'PGgxPg==', filename: 'index.html', type: 'text/html', disposition: 'attachment' }],
    categories: ['cake', 'pie'],
    send_at: 1617260400,
    asm: { group_id: 12345, groups_to_display: [12345] },
    ip_pool_name: 'transactional email',
    mail_settings: {
      bypass_list_management: { enable: false },
      footer: { enable: false },
      sandbox_mode: { enable: false },
    },
    tracking_settings: { click_tracking: { enable: true, enable_text: false }, open_tracking: { enable: true } },
  }
  const refused = (answer: string) => ({ headers: bearer(`SG.${answer}`), json: hello })
  table([
    ['the first example', send, { headers: key, json: hello }, 202, '', { 'x-message-id': text(/^[\w-]{22}$/) }],
    ['every setting', send, { headers: key, json: full }, 202, ''],
    [
      'a dynamic template',
      send,
      {
        headers: key,
        json: {
          ...noSubject,
          content: undefined,
          template_id: 'welcome',
          personalizations: [{ to: [{ email: 'a@lab.test' }], dynamic_template_data: { name: 'Ann' } }],
        },
      },
      202,
      '',
    ],
    [
      'sandbox mode',
      send,
      { headers: key, json: { ...hello, mail_settings: { sandbox_mode: { enable: true } } } },
      200,
      '',
    ],
    [
      'no personalizations',
      send,
      { headers: key, json: { ...hello, personalizations: undefined } },
      400,
      errors(
        'The personalizations field is required and must have at least one personalization.',
        'personalizations',
        '-Personalizations-Errors-',
      ),
    ],
    [
      'no recipient',
      send,
      { headers: key, json: { ...hello, personalizations: [{ to: [] }] } },
      400,
      errors(
        'The to array is required for all personalization objects, and must have at least one email object with a valid email address.',
        'personalizations.0.to',
        'message.personalizations.to',
      ),
    ],
    [
      'a bad recipient',
      send,
      { headers: key, json: { ...hello, personalizations: [{ to: [{ email: 'alice' }] }] } },
      400,
      errors('Does not contain a valid address.', 'personalizations.0.to.0.email', 'message.recipient-errors'),
    ],
    [
      'no sender',
      send,
      { headers: key, json: noFrom },
      400,
      errors(text(/^The from object must be provided/), 'from.email', 'message.from'),
    ],
    [
      'no subject',
      send,
      { headers: key, json: noSubject },
      400,
      errors(
        'The subject is required. You can get around this requirement if you use a template with a subject defined or if every personalization has a subject defined.',
        'subject',
        'message.subject',
      ),
    ],
    [
      'no content',
      send,
      { headers: key, json: noContent },
      400,
      errors(
        text(/^Unless a valid template_id is provided, .* but only one block is required\.$/),
        'content',
        'message.content',
      ),
    ],
    [
      'no JSON',
      send,
      { headers: { ...key, 'content-type': 'application/json' }, text: '{' },
      400,
      errors('Bad Request'),
    ],
    [
      'a bad key',
      send,
      { headers: bearer('SG.bad'), json: hello },
      401,
      errors('The provided authorization grant is invalid, expired, or revoked'),
    ],
    [
      'an unverified sender',
      send,
      refused('unverified-sender'),
      403,
      errors(text(/^The from address does not match a verified Sender Identity/), 'from'),
    ],
    [
      'the rate limit',
      send,
      refused('rate-limit'),
      429,
      errors('too many requests'),
      { 'x-ratelimit-limit': number, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': number },
    ],
    ['no credits', send, refused('quota'), 401, errors('Maximum credits exceeded')],
    ['a batch', 'POST https://api.sendgrid.com/v3/mail/batch', { headers: key }, 201, { batch_id: text(/^[\w-]+$/) }],
    ['its id', 'GET https://api.sendgrid.com/v3/mail/batch/abc', { headers: key }, 200, { batch_id: 'abc' }],
    ['scheduled sends', 'GET https://api.sendgrid.com/v3/user/scheduled_sends', { headers: key }, 200, []],
  ])
})

describe('Postmark', () => {
  const url = 'POST https://api.postmarkapp.com'
  const key = { 'X-Postmark-Server-Token': TOKEN, accept: 'application/json' }
  const email = {
    From: 'Shop <shop@lab.test>',
    To: 'alice@lab.test',
    Cc: 'bob@lab.test',
    Bcc: 'carol@lab.test',
    Subject: 'Test',
    Tag: 'Invitation',
    HtmlBody: '<b>Hello</b>',
    TextBody: 'Hello',
    ReplyTo: 'reply@lab.test',
    Headers: [{ Name: 'CUSTOM-HEADER', Value: 'value' }],
    TrackOpens: true,
    TrackLinks: 'None',
    Metadata: { color: 'blue' },
    Attachments: [{ Name: 'readme.txt', Content: 'dGVzdA==', ContentType: 'text/plain' }],
    MessageStream: 'outbound',
  }
  const sent = { ErrorCode: 0, Message: 'OK', MessageID: UUID, SubmittedAt: text(/^\d{4}-\d\d-\d\dT/), To: email.To }
  const whole = { ...sent, Cc: email.Cc }
  const template = { From: 'shop@lab.test', To: email.To, TemplateAlias: 'welcome', TemplateModel: { name: 'Ann' } }
  const error = (ErrorCode: number, Message: unknown) => ({ ErrorCode, Message })
  const inactive =
    'You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: gone@lab.test. Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression.'
  const gone = { From: 'shop@lab.test', To: 'gone@lab.test', TextBody: 'x' }
  const refused = (answer: string) => ({ headers: { 'X-Postmark-Server-Token': tokenOf(answer) }, json: email })
  const bad = (json: object) => ({ headers: key, json })
  table([
    ['email', `${url}/email`, { headers: key, json: email }, 200, whole],
    ['batch', `${url}/email/batch`, { headers: key, json: [email, gone] }, 200, [whole, error(406, inactive)]],
    ['template by alias', `${url}/email/withTemplate/`, { headers: key, json: template }, 200, sent],
    [
      'template by id',
      `${url}/email/withTemplate`,
      { headers: key, json: { ...template, TemplateAlias: undefined, TemplateId: 1 } },
      200,
      sent,
    ],
    [
      'batch of templates',
      `${url}/email/batchWithTemplates`,
      { headers: key, json: { Messages: [template] } },
      200,
      [sent],
    ],
    [
      'the key for tests',
      `${url}/email`,
      { headers: { 'X-Postmark-Server-Token': 'POSTMARK_API_TEST' }, json: email },
      200,
      { ...whole, Message: 'Test job accepted' },
    ],
    ['no key', `${url}/email`, { json: email }, 401, error(10, 'Request does not contain a valid Server token.')],
    [
      'a bad key',
      `${url}/email`,
      { headers: { 'X-Postmark-Server-Token': TOKEN.replace('1', '2') }, json: email },
      401,
      error(
        10,
        'The Server Token you provided in the X-Postmark-Server-Token request header was invalid. Please verify that you are using a valid token.',
      ),
    ],
    ['an inactive recipient', `${url}/email`, bad(gone), 422, error(406, inactive)],
    [
      'an unverified sender',
      `${url}/email`,
      bad({ ...email, From: 'x@example.com' }),
      422,
      error(
        400,
        "The 'From' address you supplied (x@example.com) is not a Sender Signature on your account. Please add and confirm this address in order to be able to use it in the 'From' field of your messages.",
      ),
    ],
    [
      'a bad recipient',
      `${url}/email`,
      bad({ ...email, To: 'test' }),
      422,
      error(300, "Invalid 'To' address: 'test'."),
    ],
    ['no sender', `${url}/email`, bad({ ...email, From: undefined }), 422, error(300, "Invalid 'From' address: ''.")],
    [
      'no body',
      `${url}/email`,
      bad({ From: 'shop@lab.test', To: 'a@lab.test' }),
      422,
      error(300, 'Provide either email TextBody or HtmlBody or both.'),
    ],
    ['a wrong field', `${url}/email`, bad({ ...email, From: 1 }), 422, error(403, "Invalid request field(s): 'From'.")],
    [
      'no JSON',
      `${url}/email`,
      { headers: { ...key, 'content-type': 'application/json' }, text: '{' },
      422,
      error(402, 'Invalid JSON.'),
    ],
    [
      'a batch that is too long',
      `${url}/email/batch`,
      bad(Array(501).fill({ From: 'shop@lab.test' })),
      422,
      error(410, 'You may only send up to 500 messages in a single batched request.'),
    ],
    [
      'an unknown template',
      `${url}/email/withTemplate`,
      bad({ ...template, TemplateAlias: 'x' }),
      422,
      error(1101, "The Template's 'Alias' associated with this request is not valid or was not found."),
    ],
    ['no credits', `${url}/email`, refused('quota'), 422, error(405, 'You ran out of credits.')],
    [
      'an account that may not send',
      `${url}/email`,
      refused('suspended'),
      422,
      error(413, 'This account is not approved to send email.'),
    ],
    ['the rate limit', `${url}/email`, refused('rate-limit'), 429, error(429, 'Rate limit exceeded.')],
  ])
})

describe('Mailgun', () => {
  const send = 'POST https://api.mailgun.net/v3/lab.test/messages'
  const key = basic('api', 'good')
  const form = {
    from: 'Shop <shop@lab.test>',
    to: 'alice@lab.test',
    subject: 'Hello',
    text: 'Testing some Mailgun awesomness!',
  }
  const { text: _, ...bare } = form
  const queued = { id: text(/^<\d{14}\.[\da-f]{16}@lab\.test>$/), message: 'Queued. Thank you.' }
  const files = new FormData()
  for (const [name, value] of Object.entries({ ...form, html: '<img src="cid:a.png">', cc: 'bob@lab.test' }))
    files.append(name, value)
  files.append('to', 'carol@lab.test')
  files.append('attachment', new Blob(['text'], { type: 'text/plain' }), 'a.txt')
  files.append('inline', new Blob(['png'], { type: 'image/png' }), 'a.png')
  const mime = new FormData()
  mime.append('to', 'alice@lab.test')
  mime.append('message', new Blob(['From: shop@lab.test\r\nSubject: MIME\r\n\r\nHello']), 'message.mime')
  const message = (words: unknown) => ({ message: words })
  const refused = (answer: string) => ({ headers: basic('api', answer), form })
  const until = /: (?:request|recipient) limit exceeded, try again after \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/
  table([
    ['a form', send, { headers: key, form }, 200, queued],
    ['files', send, { headers: key, form: files }, 200, queued],
    [
      'recipient variables, tags, options, variables and headers',
      send,
      {
        headers: key,
        form: {
          ...form,
          'recipient-variables': '{"alice@lab.test":{"first":"Alice","id":1}}',
          'o:tag': 'September newsletter',
          'o:dkim': 'yes',
          'o:tracking': 'false',
          'v:my-var': '{"my_message_id": 123}',
          'h:X-My-Header': 'www/mailgun-email-send',
        },
      },
      200,
      queued,
    ],
    [
      'a template',
      send,
      { headers: key, form: { ...form, template: 'welcome', 't:variables': '{"name":"Ann"}' } },
      200,
      queued,
    ],
    ['test mode', send, { headers: key, form: { ...form, 'o:testmode': 'yes' } }, 200, queued],
    ['MIME', `${send}.mime`, { headers: key, form: mime }, 200, queued],
    [
      'MIME that is no file',
      `${send}.mime`,
      { headers: key, form: { to: 'a@lab.test', message: 'x' } },
      400,
      message("'message' parameter is not a file"),
    ],
    ['no sender', send, { headers: key, form: { ...form, from: '' } }, 400, message("'from' parameter is missing")],
    [
      'a bad recipient',
      send,
      { headers: key, form: { ...form, to: 'alice' } },
      400,
      message("'to' parameter is not a valid address. please check documentation"),
    ],
    [
      'no content',
      send,
      { headers: key, form: bare },
      400,
      message("Need at least one of 'text' or 'html' parameters specified"),
    ],
    [
      'a bad time',
      send,
      { headers: key, form: { ...form, 'o:deliverytime': 'soon' } },
      400,
      message('soon is not an RFC-2822 compliant date'),
    ],
    [
      'bad variables',
      send,
      { headers: key, form: { ...form, 'recipient-variables': '{' } },
      400,
      message("'recipient-variables' parameter is not a valid JSON"),
    ],
    [
      'an unknown domain',
      send.replace('lab.test', 'example.com'),
      { headers: key, form },
      404,
      message('Domain not found: example.com'),
    ],
    [
      'a bad key',
      send,
      { headers: basic('api', 'bad'), form },
      401,
      'Forbidden',
      { 'www-authenticate': 'Basic realm="MG API"' },
    ],
    ['the rate limit', send, refused('rate-limit'), 429, message(text(until)), { 'retry-after': number }],
    ['the quota', send, refused('quota'), 429, message(text(until))],
    [
      'a domain that waits',
      send,
      refused('suspended'),
      400,
      message(text(/^Domain lab\.test is not allowed to send: Please activate/)),
    ],
    [
      'the queue of a domain',
      'DELETE https://api.mailgun.net/v3/lab.test/envelopes',
      { headers: key },
      200,
      message('done'),
    ],
  ])
})

describe('Resend', () => {
  const send = 'POST https://api.resend.com/emails'
  const key = bearer('re_good')
  const email = {
    from: 'Acme <shop@lab.test>',
    to: ['alice@lab.test'],
    subject: 'hello world',
    html: '<p>it works!</p>',
  }
  const error = (statusCode: number, name: string, message: unknown) => ({ statusCode, name, message })
  const refused = (answer: string) => ({ headers: bearer(`re_${answer}`), json: email })
  const limits = {
    'ratelimit-limit': number,
    'ratelimit-remaining': '0',
    'ratelimit-reset': number,
    'retry-after': number,
  }
  const sent = { id: UUID }
  table([
    ['an email', send, { headers: key, json: email }, 200, sent],
    [
      'every setting',
      send,
      {
        headers: { ...key, 'Idempotency-Key': 'welcome-user/123456789' },
        json: {
          ...email,
          to: 'alice@lab.test',
          cc: ['bob@lab.test'],
          bcc: 'carol@lab.test',
          reply_to: 'help@lab.test',
          text: 'it works!',
          headers: { 'X-Entity-Ref-ID': '123' },
          tags: [{ name: 'category', value: 'confirm_email' }],
          attachments: [{ filename: 'invoice.pdf', content: 'cGRm', content_type: 'application/pdf' }],
        },
      },
      200,
      sent,
    ],
    [
      'a template',
      send,
      { headers: key, json: { ...email, html: undefined, template: { id: 'welcome', variables: { name: 'Ann' } } } },
      200,
      sent,
    ],
    ['a time', send, { headers: key, json: { ...email, scheduled_at: 'in 1 hour' } }, 200, sent],
    ['a batch', `${send}/batch`, { headers: key, json: [email, email] }, 200, { data: [sent, sent] }],
    ['no key', send, { json: email }, 401, error(401, 'missing_api_key', 'Missing API Key')],
    [
      'a bad key',
      send,
      { headers: bearer('re_bad'), json: email },
      401,
      error(401, 'validation_error', 'API key is invalid'),
    ],
    [
      'a key of another form',
      send,
      { headers: bearer('abc'), json: email },
      400,
      error(400, 'validation_error', 'API key is invalid'),
    ],
    [
      'an unverified sender',
      send,
      { headers: key, json: { ...email, from: 'x@example.com' } },
      403,
      error(
        403,
        'validation_error',
        'The example.com domain is not verified. Please, add and verify your domain on https://resend.com/domains',
      ),
    ],
    [
      'no recipient',
      send,
      { headers: key, json: { ...email, to: undefined } },
      422,
      error(422, 'missing_required_field', 'Missing `to` field.'),
    ],
    [
      'no sender',
      send,
      { headers: key, json: { ...email, from: undefined } },
      422,
      error(422, 'missing_required_field', 'Missing `from` field.'),
    ],
    [
      'a bad recipient',
      send,
      { headers: key, json: { ...email, to: 'alice' } },
      422,
      error(
        422,
        'validation_error',
        'Invalid `to` field. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.',
      ),
    ],
    [
      'a long idempotency key',
      send,
      { headers: { ...key, 'Idempotency-Key': 'a'.repeat(257) }, json: email },
      400,
      error(400, 'invalid_idempotency_key', 'Idempotency keys, if present, must have between 1 and 256 characters.'),
    ],
    ['an unknown email', `${send}/x/cancel`, { headers: key }, 404, error(404, 'not_found', 'Email not found')],
    [
      'the rate limit',
      send,
      refused('rate-limit'),
      429,
      error(429, 'rate_limit_exceeded', text(/^Too many requests\. You can only make /)),
      limits,
    ],
    [
      'the quota',
      send,
      refused('quota'),
      429,
      error(429, 'daily_quota_exceeded', 'You have reached your daily email sending quota.'),
      limits,
    ],
    ['a suspended key', send, refused('suspended'), 403, error(403, 'suspended_api_key', text(/suspended/))],
  ])
})

describe('Brevo', () => {
  const send = 'POST https://api.brevo.com/v3/smtp/email'
  const key = { 'api-key': 'xkeysib-good', accept: 'application/json' }
  const email = {
    sender: { name: 'Sender Alex', email: 'shop@lab.test' },
    to: [{ email: 'alice@lab.test', name: 'Alice' }],
    subject: 'Hello world',
    htmlContent: '<html><body><p>Hello,</p></body></html>',
  }
  const id = text(/^<\d{12}\.\d{11}@smtp-relay\.mailin\.fr>$/)
  const error = (code: string, message: unknown) => ({ code, message })
  const refused = (answer: string) => ({ headers: { 'api-key': `xkeysib-${answer}` }, json: email })
  const limits = { 'x-sib-ratelimit-limit': number, 'x-sib-ratelimit-remaining': '0', 'x-sib-ratelimit-reset': number }
  const { sender: _, ...noSender } = email
  table([
    ['an email', send, { headers: key, json: email }, 201, { messageId: id }],
    [
      'message versions',
      send,
      { headers: key, json: { ...email, messageVersions: [{ to: [{ email: 'bob@lab.test' }], params: { a: 'b' } }] } },
      201,
      { messageIds: [id] },
    ],
    [
      'a template',
      send,
      { headers: key, json: { ...email, htmlContent: undefined, subject: undefined, templateId: 1 } },
      201,
      { messageId: id },
    ],
    [
      'a time',
      send,
      { headers: key, json: { ...email, scheduledAt: '2099-04-05T12:30:00+02:00' } },
      202,
      { messageId: id, batchId: UUID },
    ],
    [
      'a sandbox',
      send,
      { headers: key, json: { ...email, headers: { 'X-Sib-Sandbox': 'drop' } } },
      201,
      { messageId: id },
    ],
    [
      'a bad key',
      send,
      { headers: { 'api-key': 'xkeysib-bad' }, json: email },
      401,
      error('unauthorized', 'Key not found'),
    ],
    ['no sender', send, { headers: key, json: noSender }, 400, error('missing_parameter', 'sender is missing')],
    [
      'a bad sender',
      send,
      { headers: key, json: { ...email, sender: { email: 'alex' } } },
      400,
      error('invalid_parameter', 'valid sender email required'),
    ],
    [
      'a bad recipient',
      send,
      { headers: key, json: { ...email, to: [{ email: 'alice' }] } },
      400,
      error('invalid_parameter', 'email is not valid in to'),
    ],
    ['no credits', send, refused('quota'), 402, error('not_enough_credits', 'Not enough credit, plan upgrade needed')],
    [
      'an account that waits',
      send,
      refused('suspended'),
      403,
      error('permission_denied', text(/^Unable to send email\. Your SMTP account is not yet activated\./)),
    ],
    ['the rate limit', send, refused('rate-limit'), 429, error('too_many_requests', 'Too many requests'), limits],
  ])
})

describe('Mailjet', () => {
  const send = 'POST https://api.mailjet.com/v3.1/send'
  const key = basic('id', 'good')
  const message = {
    From: { Email: 'shop@lab.test', Name: 'Mailjet Pilot' },
    To: [{ Email: 'alice@lab.test', Name: 'passenger 1' }],
    Subject: 'Your email flight plan!',
    TextPart: 'Dear passenger 1, welcome to Mailjet!',
    HTMLPart: '<h3>Dear passenger 1, welcome!</h3>',
  }
  const { TextPart: _, HTMLPart: __, ...bare } = message
  const all = (...Messages: object[]) => ({ headers: key, json: { Messages } })
  const to = (Email = 'alice@lab.test') => ({
    Email,
    MessageUUID: UUID,
    MessageID: expect.any(Number),
    MessageHref: text(/^https:\/\/api\.mailjet\.com\/v3\/REST\/message\/\d+$/),
  })
  const success = { Status: 'success', CustomID: '', To: [to()], Cc: [], Bcc: [] }
  const failed = (ErrorCode: string, StatusCode: number, ErrorMessage: unknown, ErrorRelatedTo: string[]) => ({
    Status: 'error',
    Errors: [{ ErrorIdentifier: UUID, ErrorCode, StatusCode, ErrorMessage, ErrorRelatedTo }],
  })
  const invalid = failed('mj-0013', 400, '"invalid@" is an invalid email address.', ['To[0].Email'])
  const refused = (answer: string) => ({ headers: basic('id', answer), json: { Messages: [message] } })
  table([
    ['a message', send, all(message), 200, { Messages: [success] }],
    [
      'every setting, and settings for all',
      send,
      {
        headers: key,
        json: {
          Globals: { From: message.From, CustomID: 'all' },
          Messages: [
            {
              ...message,
              Cc: [{ Email: 'bob@lab.test' }],
              CustomID: 'AppGettingStartedTest',
              EventPayload: 'Eticket,1234',
              CustomCampaign: 'summer',
              TemplateLanguage: true,
              Variables: { day: 'Monday' },
              Headers: { 'X-My-header': 'X2332X-324-432-534' },
              Attachments: [{ ContentType: 'text/plain', Filename: 'test.txt', Base64Content: 'VGhpcw==' }],
              InlinedAttachments: [
                { ContentType: 'image/gif', Filename: 'logo.gif', ContentID: 'id1', Base64Content: 'R0lG' },
              ],
            },
          ],
        },
      },
      200,
      { Messages: [{ ...success, CustomID: 'AppGettingStartedTest', Cc: [to('bob@lab.test')] }] },
    ],
    ['a template', send, all({ ...bare, TemplateID: 1, Variables: { name: 'Ann' } }), 200, { Messages: [success] }],
    [
      'sandbox mode',
      send,
      { headers: key, json: { Messages: [message], SandboxMode: true } },
      200,
      { Messages: [success] },
    ],
    [
      'a bad recipient beside a good one',
      send,
      all(message, { ...message, To: [{ Email: 'invalid@' }] }),
      400,
      { Messages: [success, invalid] },
    ],
    [
      'an unverified sender',
      send,
      all({ ...message, From: { Email: 'x@example.com' } }),
      403,
      {
        Messages: [
          failed('send-0008', 403, '"x@example.com" is not an authorized sender email address for your account.', [
            'From',
          ]),
        ],
      },
    ],
    [
      'no content',
      send,
      all(bare),
      400,
      {
        Messages: [
          failed('send-0003', 400, 'At least "HTMLPart", "TextPart" or "TemplateID" must be provided.', [
            'HTMLPart',
            'TextPart',
            'TemplateID',
          ]),
        ],
      },
    ],
    [
      'no JSON',
      send,
      { headers: { ...key, 'content-type': 'application/json' }, text: '{' },
      400,
      {
        ErrorIdentifier: UUID,
        ErrorCode: 'mj-0002',
        StatusCode: 400,
        ErrorMessage: 'Malformed JSON, please review the syntax and properties types.',
      },
    ],
    [
      'a bad key',
      send,
      { headers: basic('id', 'bad'), json: { Messages: [message] } },
      401,
      {
        ErrorIdentifier: UUID,
        StatusCode: 401,
        ErrorMessage: text(/^API key authentication\/authorization failure\./),
      },
    ],
    ['the rate limit', send, refused('rate-limit'), 429, 'Rate limit exceeded', { 'content-type': 'text/html' }],
    [
      'a large message',
      send,
      refused('too-large'),
      400,
      {
        ErrorIdentifier: UUID,
        ErrorCode: 'mj-0011',
        StatusCode: 400,
        ErrorMessage: 'Input payload must be less than 15MB.',
      },
    ],
  ])
})
