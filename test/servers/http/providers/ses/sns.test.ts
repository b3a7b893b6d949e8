import { createVerify } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { HttpLab } from '../../client.ts'
import { EventReceiver, type Received } from '../receiver.ts'

const confirmed = await EventReceiver.ofTests()
const raw = await EventReceiver.ofTests()

const http = HttpLab.ofTests({
  certificates: 'memory',
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    {
      protocol: 'http',
      providers: [
        {
          provider: 'ses',
          webhooks: [
            { url: confirmed.url, sns: { confirm: true, signatureVersion: '2' } },
            { url: raw.url, sns: { rawDelivery: true } },
          ],
        },
      ],
    },
  ],
})
beforeEach(() => http.request('reset', { method: 'POST', json: {} }))

const headers = {
  authorization: `AWS4-HMAC-SHA256 Credential=AKIALAB/20261125/eu-west-1/ses/aws4_request, SignedHeaders=host, Signature=${'0'.repeat(64)}`,
  'x-amz-date': '20261125T164000Z',
}
const send = () =>
  http.request('/ses/v2/email/outbound-emails', {
    json: {
      FromEmailAddress: 'shop@lab.test',
      Destination: { ToAddresses: ['success@simulator.amazonses.com'] },
      Content: { Simple: { Subject: { Data: 'Hi' }, Body: { Text: { Data: 'Hello' } } } },
    },
    headers,
  })
const subscribe = (Endpoint: string) =>
  http.request('/ses/', {
    method: 'POST',
    body: `${new URLSearchParams({ Action: 'Subscribe', Protocol: 'http', Endpoint })}`,
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
  })

async function isSigned({ json }: Received, names: readonly string[]): Promise<boolean> {
  const text = names.map((name) => `${name}\n${json[name]}\n`).join('')
  const certificate = await (await fetch(json.SigningCertURL)).text()
  return createVerify('RSA-SHA256').update(text).verify(certificate, json.Signature, 'base64')
}

describe('Amazon SNS', () => {
  it('sends nothing to an endpoint before it confirms its subscription, and nothing after it unsubscribes', async () => {
    expect((await subscribe(confirmed.url)).body).toContain('<SubscriptionArn>pending confirmation</SubscriptionArn>')
    const [asked] = (await confirmed.take(1)) as [Received]
    expect([asked.json.Type, asked.headers['x-amz-sns-message-type']]).toEqual([
      'SubscriptionConfirmation',
      'SubscriptionConfirmation',
    ])
    const fields = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
    expect([asked.json.SignatureVersion, await isSigned(asked, fields)]).toEqual(['2', true])
    await send()
    await raw.take(1)
    expect(confirmed.requests).toEqual([])

    const wrong = await fetch(asked.json.SubscribeURL.replace(/Token=.*/, 'Token=1'))
    expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining('Invalid parameter: Token')])
    const answer = await (await fetch(asked.json.SubscribeURL)).text()
    expect(answer).toMatch(/<ConfirmSubscriptionResult><SubscriptionArn>arn:aws:sns:eu-west-1:/)
    await send()
    const [first] = (await confirmed.take(1)) as [Received]
    expect([first.json.Type, JSON.parse(first.json.Message).notificationType]).toEqual(['Notification', 'Delivery'])
    expect(await isSigned(first, ['Message', 'MessageId', 'Timestamp', 'TopicArn', 'Type'])).toBe(true)

    expect((await fetch(first.json.UnsubscribeURL)).status).toBe(200)
    await send()
    await raw.take(2)
    expect(confirmed.requests).toEqual([])
  })

  it('delivers events as they are if the delivery is raw', async () => {
    await send()
    const [event] = (await raw.take(1)) as [Received]
    expect(event.json.notificationType).toBe('Delivery')
    expect(event.headers).toMatchObject({
      'x-amz-sns-rawdelivery': 'true',
      'x-amz-sns-message-type': 'Notification',
      'x-amz-sns-topic-arn': 'arn:aws:sns:eu-west-1:123456789012:sealpost',
    })
  })

  it('subscribes only endpoints of the configuration', async () => {
    const { status, body } = await subscribe('http://127.0.0.1:1/other')
    expect([status, body]).toEqual([400, expect.stringContaining('<Code>InvalidParameterValue</Code>')])
  })
})
