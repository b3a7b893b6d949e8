import { documented, keysOf, number, text, UUID } from '../documented.ts'

const table = documented('brevo', 'api.brevo.com', { keys: keysOf('xkeysib-good', (answer) => `xkeysib-${answer}`) })

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
