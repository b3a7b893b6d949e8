import { generateKeyPairSync } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EventReceiver } from '../../servers/http/providers/receiver.ts'
import { type ClientLab, startClientLab } from '../../support/client-lab.ts'
import { fetchedClient } from '../../support/fetched-client.ts'
import { runProgram } from '../../support/run-program.ts'

const installed = fetchedClient('provider-sdks-1/node_modules/svix/package.json')
const folder = installed === undefined ? '' : join(installed, '../../..')
const receiver = await EventReceiver.ofTests()
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const base64Key = privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')
const templates = {
  welcome: { subject: 'Hello {{name}}', text: 'Welcome, {{name}}' },
  'd-1': { subject: 'Hello {{name}}', html: '<p>{{name}}</p>' },
}
const senders = ['lab.test']

let client: ClientLab
beforeAll(async () => {
  client = await startClientLab({
    directory: { mode: 'open' },
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
        ],
      },
    ],
  })
})
afterAll(() => client[Symbol.asyncDispose]())

/** Runs a program that uses an SDK over https, with the root of the lab in NODE_EXTRA_CA_CERTS alone. Returns what it prints. */
async function run(name: string): Promise<unknown[]> {
  const base = `https://localhost:${client.lab.server('http').tlsPort}`
  const program = join(import.meta.dirname, `${name}.mjs`)
  const env = { NODE_EXTRA_CA_CERTS: client.caFile, AWS_EC2_METADATA_DISABLED: 'true' }
  const { stdout, stderr } = await runProgram(process.execPath, [program, folder, base], { env })
  const lines = stdout.trim().split('\n')
  if (stdout === '') throw new Error(stderr)
  return lines.map((line) => JSON.parse(Buffer.from(line, 'latin1').toString('utf8')))
}

const messageTo = (user: string) => client.lab.waitForMessage({ to: `${user}@lab.test` })
const LONG = { timeout: 120_000 }

describe.skipIf(!installed)('the SDKs of providers', LONG, () => {
  it('@aws-sdk/client-sesv2 and @aws-sdk/client-ses', async () => {
    const region = 'EU-WEST-1'
    const rejected = `Email address is not verified. The following identities failed the check in region ${region}: x@example.com`
    expect(await run('ses')).toEqual([
      'string',
      'string',
      'string',
      ['SUCCESS', 'SUCCESS'],
      expect.objectContaining({ name: 'UnrecognizedClientException', httpStatusCode: 403 }),
      expect.objectContaining({ name: 'NotFoundException', httpStatusCode: 404 }),
      { name: 'MessageRejected', message: rejected, httpStatusCode: 400 },
      { name: 'TooManyRequestsException', message: 'Maximum sending rate exceeded.', httpStatusCode: 429 },
      expect.objectContaining({ name: 'NotImplemented', httpStatusCode: 501 }),
      'string',
      'string',
      50_000,
      { name: 'MessageRejected', message: rejected, httpStatusCode: 400 },
      expect.objectContaining({ name: 'InvalidClientTokenId', httpStatusCode: 403 }),
    ])
    const message = await messageTo('alice')
    expect([message.subject, message.text, message.html]).toEqual(['Grüße', 'Hello', '<p>Hello</p>'])
    expect((await messageTo('bob')).subject).toBe('Raw')
    expect((await messageTo('carol')).text).toBe('Welcome, Ann')
    expect([(await messageTo('dave')).subject, (await messageTo('erin')).subject]).toEqual(['Hello Dave', 'Hello Erin'])
    expect((await messageTo('grace')).text).toBe('Hello & <goodbye>')
    await messageTo('heidi')
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
})
