import { documented, text, UUID } from '../documented.ts'

const table = documented('ses', 'email.eu-west-1.amazonaws.com')

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
