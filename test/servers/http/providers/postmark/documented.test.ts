import { documented, keysOf, text, UUID } from '../documented.ts'

const TOKEN = '11111111-2222-3333-4444-555555555555'
const tokenOf = (answer: string): string =>
  `${answer.length}`.padStart(8, '0').concat('-2222-3333-4444-', answer.replaceAll(/[^a-f]/g, '').padStart(12, '0'))
const table = documented('postmark', 'api.postmarkapp.com', { keys: keysOf(TOKEN, tokenOf) })

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
  ['a bad recipient', `${url}/email`, bad({ ...email, To: 'test' }), 422, error(300, "Invalid 'To' address: 'test'.")],
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
