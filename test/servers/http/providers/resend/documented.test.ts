import { bearer } from '../../client.ts'
import { documented, keysOf, number, text, UUID } from '../documented.ts'

const table = documented('resend', 'api.resend.com', { keys: keysOf('re_good', (answer) => `re_${answer}`) })

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
