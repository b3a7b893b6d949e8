import { basic } from '../../client.ts'
import { documented, keysOf, number, text } from '../documented.ts'

const table = documented('mailgun', 'api.mailgun.net', { keys: keysOf('good', (answer) => answer) })

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
