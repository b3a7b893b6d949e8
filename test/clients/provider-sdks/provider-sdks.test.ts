import { createHmac, generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EventReceiver, type Received } from '../../servers/http/providers/receiver.ts'
import { type ClientLab, startClientLab } from '../../support/client-lab.ts'
import { fetchedClient } from '../../support/fetched-client.ts'
import { runProgram } from '../../support/run-program.ts'

const installed = fetchedClient('provider-sdks-1/node_modules/svix/package.json')
const folder = installed === undefined ? '' : join(installed, '../../..')
const snsValidator = fetchedClient('sns-validator-0.3.5/index.js')
const receiver = await EventReceiver.ofTests()
const [oldSns, newSns] = [await EventReceiver.ofTests(), await EventReceiver.ofTests()]
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const base64Key = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
const templates = {
  welcome: { subject: 'Hello {{name}}', text: 'Welcome, {{name}}' },
  'd-1': { subject: 'Hello {{name}}', html: '<p>{{name}}</p>' },
}
const senders = ['lab.test']
const SVIX = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAAAAAA'

let client: ClientLab
beforeAll(async () => {
  client = await startClientLab({
    directory: { mode: 'open', accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [
      { protocol: 'smtp' },
      { protocol: 'pop3' },
      {
        protocol: 'http',
        providers: [
          {
            provider: 'ses',
            keys: [
              { id: 'AKIALAB1234', secret: 'secret-of-the-lab' },
              { id: 'AKIALIMITED', secret: 'secret-of-the-lab', answer: 'rate-limit' },
            ],
            senders,
            templates,
            webhooks: [
              { url: oldSns.url, sns: { confirm: true } },
              { url: newSns.url, sns: { signatureVersion: '2' } },
            ],
          },
          {
            provider: 'sendgrid',
            keys: [{ secret: 'SG.key-of-the-lab' }, { secret: 'SG.limited', answer: 'rate-limit' }],
            senders,
            templates,
            webhooks: [{ url: receiver.url, secret: base64Key }],
          },
          {
            provider: 'postmark',
            keys: [{ secret: '11111111-2222-3333-4444-555555555555' }],
            senders,
            templates,
            suppressed: ['gone@lab.test'],
          },
          {
            provider: 'mailgun',
            keys: [{ secret: 'key-of-the-lab' }],
            senders,
            templates,
            webhooks: [{ url: receiver.url, secret: 'signing-key', events: ['delivered'] }],
          },
          {
            provider: 'resend',
            keys: [{ secret: 're_key_of_the_lab' }, { secret: 're_limited', answer: 'rate-limit' }],
            senders,
            webhooks: [{ url: receiver.url, secret: SVIX, events: ['delivered'] }],
          },
          {
            provider: 'brevo',
            keys: [{ secret: 'xkeysib-key-of-the-lab' }, { secret: 'xkeysib-empty', answer: 'quota' }],
            senders,
          },
          { provider: 'mailjet', keys: [{ id: 'id-of-the-lab', secret: 'secret-of-the-lab' }], senders },
          'graph',
          { provider: 'gmail', webhooks: [{ url: receiver.url }] },
        ],
      },
    ],
  })
})
afterAll(() => client[Symbol.asyncDispose]())

/** Runs a program that uses an SDK over https, with the root of the lab in NODE_EXTRA_CA_CERTS alone. Returns what it prints. */
async function run(name: string, ...more: readonly string[]): Promise<unknown[]> {
  const base = `https://localhost:${client.lab.server('http').tlsPort}`
  const program = join(import.meta.dirname, `${name}.mjs`)
  const env = { NODE_EXTRA_CA_CERTS: client.caFile, AWS_EC2_METADATA_DISABLED: 'true' }
  const { status, stdout, stderr } = await runProgram(process.execPath, [program, folder, base, ...more], { env })
  const lines = stdout.trim().split('\n')
  if (status !== 0) throw new Error(stderr)
  return lines.map((line) => JSON.parse(Buffer.from(line, 'latin1').toString('utf8')))
}

const messageTo = (user: string) => client.lab.waitForMessage({ to: `${user}@lab.test` })
const LONG = { timeout: 120_000 }

describe.skipIf(!installed)('the SDKs of providers', LONG, () => {
  it('@aws-sdk/client-sesv2 and @aws-sdk/client-ses, and sns-validator verifies the events', async () => {
    const region = 'EU-WEST-1'
    const rejected = `Email address is not verified. The following identities failed the check in region ${region}: x@example.com`
    expect(await run('ses')).toEqual([
      'string',
      'string',
      'string',
      ['SUCCESS', 'SUCCESS'],
      expect.objectContaining({ name: 'InvalidSignatureException', httpStatusCode: 403 }),
      expect.objectContaining({ name: 'NotFoundException', httpStatusCode: 404 }),
      { name: 'MessageRejected', message: rejected, httpStatusCode: 400 },
      { name: 'TooManyRequestsException', message: 'Maximum sending rate exceeded.', httpStatusCode: 429 },
      expect.objectContaining({ name: 'NotImplemented', httpStatusCode: 501 }),
      'string',
      'string',
      50_000,
      { name: 'MessageRejected', message: rejected, httpStatusCode: 400 },
      expect.objectContaining({ name: 'SignatureDoesNotMatch', httpStatusCode: 403 }),
    ])
    const message = await messageTo('alice')
    expect([message.subject, message.text, message.html]).toEqual(['Grüße', 'Hello', '<p>Hello</p>'])
    expect((await messageTo('bob')).subject).toBe('Raw')
    expect((await messageTo('carol')).text).toBe('Welcome, Ann')
    expect([(await messageTo('dave')).subject, (await messageTo('erin')).subject]).toEqual(['Hello Dave', 'Hello Erin'])
    expect((await messageTo('grace')).text).toBe('Hello & <goodbye>')
    await messageTo('heidi')
    const received = [...(await oldSns.take(1)), ...(await newSns.take(1))]
    expect(received.map(({ json }) => [json.Type, json.SignatureVersion])).toEqual([
      ['SubscriptionConfirmation', '1'],
      ['Notification', '2'],
    ])
    if (snsValidator === undefined) return
    for (const { json, text } of received)
      expect(await run('sns', snsValidator, Buffer.from(text).toString('base64'))).toEqual([
        json.Type,
        'The message signature is invalid.',
      ])
  })

  it('@sendgrid/mail, and @sendgrid/eventwebhook verifies the events', async () => {
    await client.lab.reset()
    const grant = 'The provided authorization grant is invalid, expired, or revoked'
    expect(await run('sendgrid')).toEqual([
      [202, 'string'],
      202,
      202,
      { code: 403, message: expect.stringContaining('verified Sender Identity') },
      { code: 401, message: grant },
      { code: 429, message: 'too many requests' },
    ])
    const message = await messageTo('alice')
    expect([message.subject, message.attachments[0]?.filename]).toEqual(['Grüße', 'a.pdf'])
    expect((await messageTo('erin')).html).toBe('<p>Erin</p>')
    const [first] = await receiver.take(3)
    const { EventWebhook } = createRequire(`${folder}/package.json`)('@sendgrid/eventwebhook')
    const verifier = new EventWebhook()
    const key = verifier.convertPublicKeyToECDSA(publicKey.export({ format: 'der', type: 'spki' }).toString('base64'))
    const [signature, time] = ['signature', 'timestamp'].map(
      (name) => first?.headers[`x-twilio-email-event-webhook-${name}`],
    )
    expect(verifier.verifySignature(key, first?.text, signature, time)).toBe(true)
    expect(verifier.verifySignature(key, `${first?.text} `, signature, time)).toBe(false)
  })

  it('postmark', async () => {
    await client.lab.reset()
    expect(await run('postmark')).toEqual([
      [0, 'OK', 'Alice <alice@lab.test>, bob@lab.test'],
      0,
      [0, 406],
      [0],
      'Test job accepted',
      expect.objectContaining({ name: 'InactiveRecipientsError', code: 406, statusCode: 422 }),
      expect.objectContaining({ code: 400, statusCode: 422 }),
      expect.objectContaining({ name: 'InvalidAPIKeyError', code: 10, statusCode: 401 }),
      expect.objectContaining({ statusCode: 501 }),
    ])
    expect((await messageTo('carol')).text).toBe('Welcome, Carol')
    expect((await messageTo('bob')).attachments[0]?.filename).toBe('a.txt')
  })

  it('mailgun.js, and its events are signed by HMAC', async () => {
    await client.lab.reset()
    expect(await run('mailgun')).toEqual([
      [200, 'Queued. Thank you.', true],
      200,
      200,
      200,
      { status: 404, details: 'Domain not found: example.com' },
      { status: 401, details: 'Forbidden' },
      expect.objectContaining({ status: 404 }),
      501,
    ])
    const message = await messageTo('alice')
    expect([message.subject, message.text, message.attachments[0]?.filename]).toEqual([
      'Hello Ann',
      'Dear Ann',
      'a.pdf',
    ])
    expect((await messageTo('bob')).html).toBe('<p>Bob</p>')
    expect((await messageTo('carol')).subject).toBe('MIME')
    expect((await messageTo('dave')).text).toBe('Welcome, Dave')
    const [first] = (await receiver.take(4)) as [Received]
    const { signature, 'event-data': data } = first.json
    expect(
      createHmac('sha256', 'signing-key')
        .update(signature.timestamp + signature.token)
        .digest('hex'),
    ).toBe(signature.signature)
    expect(data).toMatchObject({ event: 'delivered', tags: ['welcome', 'spring'], 'user-variables': { order: '17' } })
  })

  it('resend, and svix verifies the events', async () => {
    await client.lab.reset()
    expect(await run('resend')).toEqual([
      ['string', true],
      expect.objectContaining({ statusCode: 409, name: 'invalid_idempotent_request' }),
      ['string', 'string'],
      expect.objectContaining({ statusCode: 403, name: 'validation_error' }),
      expect.objectContaining({ statusCode: 401, name: 'validation_error' }),
      expect.objectContaining({ statusCode: 429, name: 'rate_limit_exceeded' }),
      expect.objectContaining({ statusCode: 501 }),
    ])
    const message = await messageTo('alice')
    expect([message.subject, message.attachments[0]?.content.toString()]).toEqual(['Grüße', 'pdf'])
    await messageTo('dave')
    const [first] = await receiver.take(6)
    const { Webhook } = createRequire(`${folder}/package.json`)('svix')
    const names = ['svix-id', 'svix-timestamp', 'svix-signature']
    const headers = Object.fromEntries(names.map((name) => [name, first?.headers[name]]))
    const event = new Webhook(SVIX).verify(first?.text, headers)
    expect(event).toMatchObject({ type: 'email.delivered', data: { to: ['alice@lab.test'], tags: { order: '17' } } })
  })

  it('@getbrevo/brevo', async () => {
    await client.lab.reset()
    expect(await run('brevo')).toEqual([
      true,
      2,
      ['messageId'],
      { statusCode: 400, code: 'invalid_parameter' },
      { statusCode: 401, code: 'unauthorized' },
      { statusCode: 402, code: 'not_enough_credits' },
      { statusCode: 501, code: 'not_implemented' },
    ])
    const message = await messageTo('alice')
    expect([message.subject, message.text, message.html]).toEqual(['Hello Ann', 'Dear Ann', '<p>Ann</p>'])
    expect((await messageTo('carol')).text).toBe('Dear carol')
  })

  it('node-mailjet', async () => {
    await client.lab.reset()
    expect(await run('mailjet')).toEqual([
      [
        ['success', 'order-17', 'alice@lab.test', 'number'],
        ['success', 'order-17', 'bob@lab.test', 'number'],
      ],
      'success',
      [403, 'send-0008'],
      401,
      501,
    ])
    expect((await messageTo('bob')).subject).toBe('Grüße')
  })

  it('@microsoft/microsoft-graph-client, with an access token of the lab', async () => {
    await client.lab.reset()
    expect(await run('graph', await client.lab.accessToken({ user: 'alice' }))).toEqual([
      expect.anything(),
      expect.anything(),
      expect.anything(),
      { statusCode: 403, code: 'ErrorAccessDenied' },
      { statusCode: 403, code: 'ErrorSendAsDenied' },
      { statusCode: 401, code: 'InvalidAuthenticationToken' },
      { statusCode: 501, code: 'NotImplemented' },
    ])
    const message = await messageTo('carol')
    expect([message.from?.address, message.subject, message.html]).toEqual(['alice@lab.test', 'Grüße', '<p>Hello</p>'])
    expect((await messageTo('dave')).attachments[0]?.filename).toBe('a.txt')
    expect((await messageTo('erin')).subject).toBe('MIME')
    const { port } = client.lab.server('http')
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/messages?query=folder:sent`)
    const sent = (await answer.json()) as { readonly items: readonly { readonly subject: string }[] }
    expect(sent.items.map(({ subject }) => subject).sort()).toEqual(['Grüße', 'MIME'])
  })

  it('@microsoft/microsoft-graph-client reads and changes mail', async () => {
    await client.lab.reset()
    const names = ['Mail 1', 'Mail 2', 'Mail 3', 'Mail 4', 'Mail 5']
    for (const name of names)
      await client.lab.deliver(`From: bob@lab.test\r\nTo: alice@lab.test\r\nSubject: ${name}\r\n\r\nHi\r\n`, {
        to: 'alice',
      })
    expect(await run('graph-reading', await client.lab.accessToken({ user: 'alice' }))).toEqual([
      names.toReversed(),
      names,
      [1, [['Mail 3', 'bob@lab.test']]],
      5,
      [true, ['Red']],
      true,
      names,
      true,
      [{ reason: 'deleted' }],
      { statusCode: 404, code: 'ErrorItemNotFound' },
      'alice@lab.test',
      '2',
      [true, 'FW: Mail 5'],
      ['FW: Mail 5'],
      [200, 200, 404],
    ])
    const reply = await messageTo('bob')
    expect([reply.subject, reply.text.includes('By reply')]).toEqual(['RE: Mail 5', true])
  })

  it('@googleapis/gmail, with an access token of the lab', async () => {
    await client.lab.reset()
    expect(await run('gmail', await client.lab.accessToken({ user: 'alice' }))).toEqual([
      ['string', ['SENT']],
      { status: 403, reason: 'PERMISSION_DENIED' },
      { status: 400, reason: 'INVALID_ARGUMENT' },
      { status: 401, reason: 'UNAUTHENTICATED' },
      { status: 501, reason: 'UNIMPLEMENTED' },
      [true, 1, 'Hello\r\n'],
      ['STARRED', 'SENT'],
      1,
      { status: 404, reason: 'NOT_FOUND' },
      1,
      ['carol@lab.test'],
      ['messagesAdded', 'messagesAdded', 'messagesDeleted', 'labelsAdded'],
      [true, true],
    ])
    expect((await messageTo('bob')).subject).toBe('By Gmail')
    const [{ json }] = (await receiver.take(1)) as [Received]
    expect(json.subscription).toBe('projects/p/subscriptions/t')
  })
})
