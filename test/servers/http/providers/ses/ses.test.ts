import { createVerify } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { HttpLab } from '../../client.ts'
import { askByName } from '../ask.ts'
import { EventReceiver } from '../receiver.ts'

const receiver = await EventReceiver.ofTests()

const http = HttpLab.ofTests({
  certificates: 'memory',
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    {
      protocol: 'http',
      providers: [{ provider: 'ses', templates: { a: { text: 'Hello {{name}}' } }, webhooks: [{ url: receiver.url }] }],
    },
  ],
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

/** A signature of the right form. Without keys in the configuration nobody verifies it. */
const headers = {
  authorization: `AWS4-HMAC-SHA256 Credential=AKIALAB/20261125/eu-west-1/ses/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
  'x-amz-date': '20261125T164000Z',
}
const send = (json: object) => http.request('/ses/v2/email/outbound-emails', { json, headers })
const simple = { Simple: { Subject: { Data: 'Hi' }, Body: { Text: { Data: 'Hello' } } } }
const email = (to: string, more: object = {}) => ({
  FromEmailAddress: 'shop@lab.test',
  Destination: { ToAddresses: [to] },
  Content: simple,
  ...more,
})

describe('Amazon SES', () => {
  it('notifies of deliveries, bounces and complaints, signed with a certificate of the lab', async () => {
    const to = ['success', 'bounce', 'complaint', 'suppressionlist']
    const Destination = { ToAddresses: to.map((user) => `${user}@simulator.amazonses.com`) }
    const { status, body } = await send(email('', { Destination }))
    expect([status, typeof body.MessageId]).toEqual([200, 'string'])
    const requests = await receiver.take(5)
    const messages = requests.map(({ json }) => JSON.parse(json.Message))
    expect(messages.map(({ notificationType, bounce }) => [notificationType, bounce?.bounceSubType])).toEqual([
      ['Delivery', undefined],
      ['Bounce', 'General'],
      ['Delivery', undefined],
      ['Complaint', undefined],
      ['Bounce', 'OnAccountSuppressionList'],
    ])
    expect(messages[0].mail.messageId).toBe(body.MessageId)
    const { json, headers: sent } = requests[0] as (typeof requests)[0]
    expect(sent['x-amz-sns-message-type']).toBe('Notification')
    const names = ['Message', 'MessageId', 'Timestamp', 'TopicArn', 'Type']
    const text = names.map((name) => `${name}\n${json[name]}\n`).join('')
    const certificate = await (await fetch(json.SigningCertURL)).text()
    expect(createVerify('RSA-SHA1').update(text).verify(certificate, json.Signature, 'base64')).toBe(true)
  })

  it('publishes every event of a message with a configuration set', async () => {
    await send(
      email('event+opened.0s@lab.test', { ConfigurationSetName: 'lab', EmailTags: [{ Name: 'a', Value: 'b' }] }),
    )
    const messages = (await receiver.take(3)).map(({ json }) => JSON.parse(json.Message))
    expect(messages.map(({ eventType }) => eventType)).toEqual(['Send', 'Delivery', 'Open'])
    expect(messages[0].mail.tags).toMatchObject({ 'ses:configuration-set': ['lab'], a: ['b'] })
  })

  it('gives each entry of SendBulkEmail a status of its own', async () => {
    const entries = [{ ToAddresses: ['alice@lab.test'] }, { ToAddresses: ['not an address'] }, {}]
    const json = {
      FromEmailAddress: 'shop@lab.test',
      DefaultContent: { Template: { TemplateName: 'a', TemplateData: '{"name":"Ann"}' } },
      BulkEmailEntries: entries.map((Destination) => ({ Destination })),
    }
    const { status, body } = await http.request('/ses/v2/email/outbound-bulk-emails', { json, headers })
    expect([status, body]).toEqual([
      200,
      {
        BulkEmailEntryResults: [
          { Status: 'SUCCESS', MessageId: expect.any(String) },
          { Status: 'INVALID_PARAMETER', Error: expect.stringContaining('not an address') },
          { Status: 'INVALID_PARAMETER', Error: 'the message has no recipient' },
        ],
      },
    ])
    const unknown = { ...json, DefaultContent: { Template: { TemplateName: 'unknown' } } }
    const second = await http.request('/ses/v2/email/outbound-bulk-emails', { json: unknown, headers })
    expect(second.body.BulkEmailEntryResults[0]).toMatchObject({ Status: 'TEMPLATE_NOT_FOUND' })
    const many = { ...json, BulkEmailEntries: Array(51).fill({ Destination: entries[0] }) }
    const refused = await http.request('/ses/v2/email/outbound-bulk-emails', { json: many, headers })
    expect([refused.status, refused.body.message]).toEqual([400, expect.stringContaining('more than 50 entries')])
  })

  it('offers both versions at the root for requests that name its host', async () => {
    const asked = (path: string, type: string, body: string) =>
      askByName(http, 'email.eu-west-1.amazonaws.com', path, { ...headers, 'content-type': type }, body)
    const two = await asked('/v2/email/outbound-emails', 'application/json', JSON.stringify(email('alice@lab.test')))
    expect(two.status).toBe(200)
    const form = new URLSearchParams({
      Action: 'SendTemplatedEmail',
      Source: 'shop@lab.test',
      'Destination.ToAddresses.member.1': 'bob@lab.test',
      Template: 'a',
      TemplateData: '{"name":"Bob"}',
    })
    const one = await asked('/', 'application/x-www-form-urlencoded', `${form}`)
    expect([one.status, one.text]).toEqual([200, expect.stringMatching(/<SendTemplatedEmailResult><MessageId>0102/)])
    expect((await http.lab.waitForMessage({ to: 'bob@lab.test' })).text).toBe('Hello Bob')
    await receiver.take(2)
    const missing = await asked('/', 'application/x-www-form-urlencoded', 'Action=VerifyEmailIdentity')
    expect([missing.status, missing.text]).toEqual([501, expect.stringContaining('<Code>NotImplemented</Code>')])
  })

  it('refuses templates that the configuration lacks, and requests without a signature', async () => {
    const unknown = await send(email('alice@lab.test', { Content: { Template: { TemplateName: 'b' } } }))
    expect([unknown.status, unknown.headers.get('x-amzn-errortype')]).toEqual([404, 'NotFoundException'])
    const json = email('alice@lab.test')
    const unsigned = await http.request('/ses/v2/email/outbound-emails', { json })
    expect([unsigned.status, unsigned.body.__type]).toEqual([403, 'MissingAuthenticationTokenException'])
    const bad = await send({ ...json, Content: {} })
    expect([bad.status, bad.body.__type]).toEqual([400, 'BadRequestException'])
  })
})
