import { bearer } from '../../client.ts'
import { documented, keysOf, number, text } from '../documented.ts'

const table = documented('sendgrid', 'api.sendgrid.com', { keys: keysOf('SG.good', (answer) => `SG.${answer}`) })

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
  ['no JSON', send, { headers: { ...key, 'content-type': 'application/json' }, text: '{' }, 400, errors('Bad Request')],
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
