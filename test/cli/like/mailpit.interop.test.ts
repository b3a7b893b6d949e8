import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pathToFileURL } from 'node:url'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fakeCypress } from '../../servers/http/fake-cypress.ts'
import { fetchedClient } from '../../support/fetched-client.ts'
import { opensslCertificate, run } from '../../support/openssl.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'
import { startHost } from '../../transport/outgoing/client/hosts.ts'

/** A project that uses Mailpit: only the command that starts the server is another. */

const mailpitApi = fetchedClient('mailpit-api-2.1.0/dist/index.mjs')
const cypressMailpit = fetchedClient('cypress-mailpit-2.0.0/dist/src/MailpitCommands.js')

/** Ports of their own let tests run beside each other. */
const PORTS = { MP_SMTP_BIND_ADDR: '127.0.0.1:0', MP_UI_BIND_ADDR: '127.0.0.1:0' }

// biome-ignore lint/suspicious/noExplicitAny: the client is another program, without types here
type Foreign = any

const load = async (path: string, name: string): Promise<Foreign> => (await import(pathToFileURL(path).href))[name]

const mail = { from: 'Shop <shop@example.com>', to: 'jane@example.org', subject: 'Welcome', text: 'Your code is 4711' }

describe.skipIf(!mailpitApi || !cypressMailpit)('an application written for Mailpit', () => {
  let place: Workplace
  let lab: StartedLab
  let base: string
  /** The settings of the application: host and port, and nothing about TLS. */
  const transport = () => createTransport({ host: '127.0.0.1', port: lab.endpoint('smtp').port as number })

  beforeAll(async () => {
    place = new Workplace()
    lab = await place.start(['--like', 'mailpit', '--', '--max', '3'], { env: { ...PORTS, MP_LABEL: 'Staging' } })
    base = `http://127.0.0.1:${lab.endpoint('http').port}`
  })
  afterAll(() => lab.end())

  it('sends with nodemailer and reads with mailpit-api', async () => {
    await transport().sendMail(mail)
    const mailpit = new (await load(mailpitApi as string, 'MailpitClient'))(base)
    const message = await mailpit.waitForMessage({ query: 'to:jane@example.org' }, { timeout: 20_000, interval: 20 })
    expect(message).toMatchObject({ Subject: 'Welcome', Text: 'Your code is 4711\n', Username: '' })
    expect(await mailpit.renderMessageText('latest')).toContain('4711')
    expect(await mailpit.getConfiguration()).toMatchObject({ Label: 'Staging', ChaosEnabled: false })
    await expect(mailpit.getChaosTriggers()).rejects.toThrow(/400.*Chaos is not enabled/s)
    await mailpit.sendMessage({ From: { Email: 'a@b.example' }, To: [{ Email: 'c@d.example' }], Subject: 'By API' })
    expect((await mailpit.listMessages()).messages.map(({ Subject }: Foreign) => Subject)).toEqual([
      'By API',
      'Welcome',
    ])
    await mailpit.deleteMessages()
    expect((await mailpit.listMessages()).total).toBe(0)
  })

  it('runs the commands of cypress-mailpit', async () => {
    fakeCypress(base)
    const commands = new (await load(cypressMailpit as string, 'MailpitCommands'))()
    await commands.mailpitDeleteAllEmails()
    await transport().sendMail(mail)
    const found = await commands.mailpitGetMail()
    expect(await commands.mailpitGetMailTextBody(found)).toContain('4711')
    await commands.mailpitHasEmailsByTo('jane@example.org')
    await commands.mailpitDeleteAllEmails()
  })

  it('gets events by WebSocket', async () => {
    const socket = new (await import('ws')).WebSocket(`${base.replace('http', 'ws')}/api/events`)
    await once(socket, 'open')
    const arrived = once(socket, 'message')
    await transport().sendMail(mail)
    const [octets] = await arrived
    expect(JSON.parse(String(octets))).toMatchObject({ Type: 'new', Data: { Subject: 'Welcome' } })
    socket.terminate()
  })

  it('is the lab of SEALPOST_LIKE to other commands', async () => {
    const env = { SEALPOST_LIKE: 'mailpit' }
    expect((await place.run(['mail', 'list', '--json'], { env })).stdout).toContain('Welcome')
    expect((await place.run(['healthcheck'], { env })).stdout).toContain('all 2 ports are healthy')
  })
})

describe.skipIf(!mailpitApi)('an application with the variables of Mailpit', () => {
  let place: Workplace
  let lab: StartedLab
  const identity = opensslCertificate(['127.0.0.1', 'localhost'])
  const hooks: { url: string; body: Foreign }[] = []
  const receiver = createServer(async (request, response) => {
    let body = ''
    for await (const part of request) body += part
    hooks.push({ url: request.url ?? '', body: JSON.parse(body) })
    response.end()
    receiver.emit('hook')
  })
  let host: Awaited<ReturnType<typeof startHost>>
  const auth = { user: 'app', pass: 'secret' }
  const tls = { ca: identity.certificatePem }
  const transport = (more: object = {}) =>
    createTransport({ host: '127.0.0.1', port: lab.endpoint('smtp').port as number, auth, tls, ...more })
  const client = async (more: object = { auth: { username: 'admin', password: 'pw' } }) =>
    new (await load(mailpitApi as string, 'MailpitClient'))(
      `http://127.0.0.1:${lab.endpoint('http').port}/mailpit`,
      more,
    )

  beforeAll(async () => {
    place = new Workplace()
    receiver.listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    host = await startHost()
    const env = {
      ...PORTS,
      MP_SMTP_AUTH_FILE: place.write('smtp-users', 'app:secret\n'),
      MP_SMTP_TLS_CERT: place.write('cert.pem', identity.certificatePem),
      MP_SMTP_TLS_KEY: place.write('key.pem', identity.privateKeyPem),
      MP_SMTP_ALLOWED_RECIPIENTS: '@example\\.org$',
      MP_SMTP_RELAY_HOST: '127.0.0.1',
      MP_SMTP_RELAY_PORT: `${host.port}`,
      MP_SMTP_RELAY_ALLOWED_RECIPIENTS: '@dev\\.example$',
      MP_UI_AUTH: 'admin:pw',
      MP_WEBROOT: '/mailpit/',
      MP_ENABLE_CHAOS: 'true',
      MP_POP3_AUTH: 'pop:pw',
      MP_POP3_BIND_ADDR: '127.0.0.1:0',
      MP_DATABASE: 'data/mailpit.db',
      MP_WEBHOOK_URL: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`,
      MP_USE_MESSAGE_DATES: 'true',
      MP_MAX_MESAGES: '7',
    }
    lab = await place.start(['--like', 'mailpit'], { env })
  })
  afterAll(async () => {
    await lab.end()
    await host[Symbol.asyncDispose]()
    receiver.close()
  })

  it('names the settings without a counterpart at the start', () => {
    const log = lab.stderr.join('')
    expect(log).toContain('MP_USE_MESSAGE_DATES: has no effect: Created is always the time')
    expect(log).toContain('MP_MAX_MESAGES: unknown variable of Mailpit, ignored; did you mean MP_MAX_MESSAGES?')
  })

  it('logs on to SMTP over the TLS of its certificate, and is told of the mail by a webhook', async () => {
    const told = once(receiver, 'hook')
    await transport().sendMail(mail)
    await told
    expect(hooks).toMatchObject([
      { url: '/hook', body: { Subject: 'Welcome', To: [{ Address: 'jane@example.org' }], Username: 'app' } },
    ])
    await expect(transport({ auth: { user: 'app', pass: 'wrong' } }).sendMail(mail)).rejects.toThrow(/535/)
    await expect(transport({ auth: undefined }).sendMail(mail)).rejects.toThrow(/530/)
    await expect(transport({ tls: {} }).sendMail(mail)).rejects.toThrow(/self-signed|certificate/)
    await expect(transport().sendMail({ ...mail, to: 'jane@other.example' })).rejects.toThrow(/550 5\.1\.0/)
  })

  it('logs on to the API, below its path', async () => {
    await expect((await client({})).listMessages()).rejects.toThrow(/401/)
    await expect((await client({ auth: { username: 'app', password: 'secret' } })).listMessages()).rejects.toThrow(
      /403/,
    )
    expect((await (await client()).listMessages()).messages[0].Subject).toBe('Welcome')
  })

  it('releases to the hosts that it allows', async () => {
    const mailpit = await client()
    await expect(mailpit.releaseMessage('latest', { To: ['x@other.example'] })).rejects.toThrow(/409/)
    expect(await mailpit.releaseMessage('latest', { To: ['team@dev.example'] })).toBe('ok')
    await expect.poll(() => host.received.length, { timeout: 20_000 }).toBe(1)
    expect(host.received[0]).toMatchObject({ from: 'shop@example.com', to: [{ address: 'team@dev.example' }] })
  })

  it('sets Chaos triggers', async () => {
    const mailpit = await client()
    await mailpit.setChaosTriggers({ Sender: { ErrorCode: 451, Probability: 100 } })
    await expect(transport().sendMail(mail)).rejects.toThrow(/451/)
    await mailpit.setChaosTriggers()
  })

  it('reads all mail by POP3', async () => {
    const { port } = lab.endpoint('pop3')
    const { stdout } = await run('curl', ['-s', '-u', 'pop:pw', `pop3://127.0.0.1:${port}/1`])
    expect(stdout).toContain('Your code is 4711')
  })
})
