import { expect } from 'vitest'
import { basic } from '../../client.ts'
import { documented, keysOf, text, UUID } from '../documented.ts'

const table = documented('mailjet', 'api.mailjet.com', { keys: keysOf('good', (answer) => answer) })

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
