import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net'
import { join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import pino from 'pino'
import { afterEach, describe, expect, it } from 'vitest'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { openCertificateStore } from '../../../src/tls/pki/certificate-store/store.ts'
import type { CertificateStore } from '../../../src/tls/pki/certificate-store/types.ts'
import { newFolder } from '../../support/folder.ts'
import { basic, bearer, HttpLab } from './client.ts'
import { opensslHmac } from './hmac.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwAAAAAAAA'
const admin = 'admin-admin-admin'

interface Request {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly path: string
}

/** A program that is told of events. It answers each request with the next status, then with 204. */
class Receiver {
  readonly requests: Request[] = []
  readonly #server: Server
  readonly #isTls: boolean
  #wake = (): void => {}

  readonly #statuses: (number | Record<string, string>)[]

  private constructor(statuses: (number | Record<string, string>)[], tls?: SecureContextOptions) {
    this.#statuses = statuses
    this.#isTls = tls !== undefined
    const answer: RequestListener = async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      this.requests.push({ headers: request.headers, body, path: request.url ?? '' })
      const status = statuses.shift() ?? 204
      if (typeof status !== 'number') response.writeHead(302, status)
      else if (status > 0) response.writeHead(status)
      if (status !== 0) response.end('ignored')
      this.#wake()
    }
    this.#server = tls ? createTlsServer(tls, answer) : createServer(answer)
    receivers.push(this)
  }

  static start(...statuses: (number | Record<string, string>)[]): Promise<Receiver> {
    return Receiver.#listening(new Receiver(statuses))
  }

  /** Starts a receiver with the certificate for localhost that a store issues. */
  static async startTls(store: CertificateStore): Promise<Receiver> {
    const [installed] = await store.resolve('hook', { kind: 'auto' }, ['localhost', '127.0.0.1'])
    const { certificatePem = '', chainPem = [], privateKeyPem: key = '' } = installed ?? {}
    return Receiver.#listening(new Receiver([], { cert: [certificatePem, ...chainPem].join(''), key }))
  }

  static async #listening(receiver: Receiver): Promise<Receiver> {
    receiver.#server.listen(0, '127.0.0.1')
    await once(receiver.#server, 'listening')
    return receiver
  }

  answerNext(status: number): void {
    this.#statuses.push(status)
  }

  get url(): string {
    return `${this.#isTls ? 'https' : 'http'}://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`
  }

  /** Resolves with the first requests once there are so many. */
  async received(count: number): Promise<Request[]> {
    while (this.requests.length < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.requests.slice(0, count)
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

const receivers: Receiver[] = []
const labs: HttpLab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab[Symbol.asyncDispose]()
  for (const receiver of receivers.splice(0)) receiver.close()
})

type WebhookInput = NonNullable<LabInput['webhooks']>[number]

async function startLab(webhooks: WebhookInput[], more: LabInput = {}): Promise<HttpLab> {
  const lab = await HttpLab.start({
    certificates: 'memory',
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    access: { tokens: [{ name: 'ci', token: admin }] },
    virtualServers: [{ protocol: 'http', authentication: ['basic'], certificate: 'none' }],
    webhooks,
    ...more,
  })
  labs.push(lab)
  return lab
}

const deliver = (lab: HttpLab, subject: string): Promise<unknown> =>
  lab.lab.deliver({ to: 'alice@lab.test', subject, text: 'x' }, { to: 'alice' })

// biome-ignore lint/suspicious/noExplicitAny: tests check the shape themselves
async function deliveries(lab: HttpLab, query = ''): Promise<any[]> {
  return (await lab.request(`webhooks/deliveries?${query}`, { headers: bearer(admin) })).body.items
}

/** Resolves with the deliveries once one is in a state. */
// biome-ignore lint/suspicious/noExplicitAny: tests check the shape themselves
async function untilState(lab: HttpLab, state: string): Promise<any[]> {
  for (;;) {
    const found = await deliveries(lab, `state=${state}`)
    if (found.length > 0) return found
  }
}

describe('a webhook', () => {
  it('with a token in its URL gets it, and the API does not show it', async () => {
    const receiver = await Receiver.start()
    const lab = await startLab([{ url: `${receiver.url}?token=s3cret-s3cret`, secret: SECRET }])
    await deliver(lab, 'Hello')
    const [request] = await receiver.received(1)
    expect(request?.path).toBe('/hook?token=s3cret-s3cret')
    const shown = `${receiver.url}?token=***`
    expect((await untilState(lab, 'delivered'))[0].url).toBe(shown)
    const { items } = (await lab.request('webhooks', { headers: bearer(admin) })).body
    expect(items).toMatchObject([{ url: shown, delivered: 1 }])
    for (const url of [shown, `${receiver.url}?token=s3cret-s3cret`]) {
      expect(await deliveries(lab, `url=${encodeURIComponent(url)}`)).toHaveLength(1)
    }
    expect(await deliveries(lab, 'url=http://other.test/')).toEqual([])
  })

  it('gets the events that it names, signed', async () => {
    const receiver = await Receiver.start()
    const lab = await startLab([{ url: receiver.url, secret: SECRET }])
    await lab.request('newsgroups', { json: { name: 'lab.other' }, headers: bearer(admin) })
    await deliver(lab, 'Hello')
    const [request] = await receiver.received(1)
    const { headers, body } = request as Request
    expect(JSON.parse(body)).toMatchObject({
      type: 'message.received',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      data: { id: expect.any(String), message: { subject: 'Hello' } },
    })
    expect(headers['content-type']).toBe('application/json')
    const [id, timestamp] = [headers['webhook-id'], headers['webhook-timestamp']]
    expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(60)
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64')
    expect(headers['webhook-signature']).toBe(`v1,${opensslHmac(key, `${id}.${timestamp}.${body}`)}`)
    const [known] = await untilState(lab, 'delivered')
    expect(known).toMatchObject({
      id,
      url: receiver.url,
      event: 'message.received',
      attempts: 1,
      status: 204,
      error: null,
    })
  })

  it('gets an event whose kept connection was closed just then', async () => {
    const used = new WeakSet<Socket>()
    const server = createServer((request, response) => {
      if (used.has(request.socket)) return request.socket.destroy()
      used.add(request.socket)
      request.resume().once('end', () => response.writeHead(204).end())
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    const lab = await startLab([{ url, secret: SECRET, retries: ['1h'] }])
    await deliver(lab, 'First')
    await untilState(lab, 'delivered')
    await deliver(lab, 'Second')
    await expect.poll(() => deliveries(lab, 'state=delivered')).toMatchObject([{ attempts: 1 }, { attempts: 1 }])
    server.closeAllConnections()
    server.close()
  })

  it('with a filter gets only the events of messages that match', async () => {
    const receiver = await Receiver.start()
    const events: WebhookInput['events'] = ['message.received', 'session.closed']
    const lab = await startLab([{ url: receiver.url, secret: SECRET, events, filter: 'subject:wanted' }])
    for (const subject of ['Other', 'Wanted', 'Another', 'Also wanted']) await deliver(lab, subject)
    const bodies = (await receiver.received(2)).map(({ body }) => JSON.parse(body).data.message.subject)
    expect(bodies).toEqual(['Wanted', 'Also wanted'])
  })

  it('with a filter gets the events of messages that are deleted', async () => {
    const receiver = await Receiver.start()
    const events: WebhookInput['events'] = ['message.deleted']
    const lab = await startLab([{ url: receiver.url, secret: SECRET, events, filter: 'account:alice -is:flagged' }])
    const headers = bearer(admin)
    for (const subject of ['One', 'Two', 'Three']) await deliver(lab, subject)
    const { items } = (await lab.request('messages', { headers })).body
    const [three, two, one] = items.map(({ id }: { id: string }) => id)
    await lab.request(`messages/${two}`, { method: 'PATCH', json: { flagged: true }, headers })
    for (const id of [one, two, three]) await lab.request(`messages/${id}`, { method: 'DELETE', headers })
    const requests = await receiver.received(2)
    expect(requests.map(({ body }) => JSON.parse(body).data.id)).toEqual([one, three])
  })

  it('gets an event again, with the same id, until it accepts it', async () => {
    const receiver = await Receiver.start(500, 404)
    const lab = await startLab([{ url: receiver.url, secret: SECRET, retries: ['5ms', '5ms', '5ms'] }])
    await deliver(lab, 'Again')
    const requests = await receiver.received(3)
    expect(new Set(requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(await untilState(lab, 'delivered')).toMatchObject([{ attempts: 3, status: 204, error: null }])
  })

  it.each([
    ['answers with errors', [500, 500], { retries: ['5ms'] }, 2, 'answered 500'],
    ['is gone', [410], { retries: ['5ms'] }, 1, 'answered 410'],
    ['does not answer', [0], { retries: [], timeout: '200ms' }, 1, 'no answer within 200 ms'],
  ] as const)(
    'that %s gets no more attempts in the end',
    async (_, statuses, { retries, ...more }, attempts, error) => {
      const receiver = await Receiver.start(...statuses)
      const lab = await startLab([{ url: receiver.url, secret: SECRET, retries: [...retries], ...more }])
      await deliver(lab, 'Lost')
      expect(await untilState(lab, 'failed')).toMatchObject([{ attempts, error }])
      expect(receiver.requests).toHaveLength(attempts)
      const { items } = (await lab.request('webhooks', { headers: bearer(admin) })).body
      expect(items).toEqual([
        { url: receiver.url, events: ['message.received'], filter: null, pending: 0, delivered: 0, failed: 1 },
      ])
    },
  )

  it.each([
    ['resets the connection', 'Content-Length: 9', (socket) => socket.resetAndDestroy()],
    ['breaks the protocol', 'Transfer-Encoding: chunked', (socket) => socket.write('no chunk\r\n')],
    ['never ends', 'Transfer-Encoding: chunked', (socket) => socket.write(`fffffff\r\n${'x'.repeat(100_000)}`)],
  ] as readonly [string, string, (socket: Socket) => void][])(
    'whose answer %s after its head has the event, and the lab goes on',
    async (_, field, proceed) => {
      const server = createSocketServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      const lab = await startLab([{ url, secret: SECRET, retries: [] }])
      const connected = once(server, 'connection') as Promise<[Socket]>
      await deliver(lab, 'Broken off')
      const [socket] = await connected
      socket.on('error', () => {})
      await once(socket, 'data')
      socket.write(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n`)
      // The lab has read the head when it has answered a later request.
      await deliveries(lab)
      proceed(socket)
      expect(await untilState(lab, 'delivered')).toMatchObject([{ attempts: 1, status: 200, error: null }])
      socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  )

  it.each([
    ['over HTTP', (lab: HttpLab) => lab.request('reset', { json: {}, headers: bearer(admin) })],
    ['of a test', (lab: HttpLab) => lab.lab.reset()],
  ])('does not get events of messages that a reset %s has deleted', async (_, reset) => {
    const receiver = await Receiver.start(500)
    const events: WebhookInput['events'] = ['message.received', 'lab.reset']
    const lab = await startLab([{ url: receiver.url, secret: SECRET, events, retries: ['1h'] }])
    await deliver(lab, 'Before')
    while ((await deliveries(lab, 'state=pending'))[0]?.attempts !== 1);
    await reset(lab)
    await untilState(lab, 'delivered')
    expect(await deliveries(lab)).toMatchObject([{ event: 'lab.reset', state: 'delivered' }])
    const types = receiver.requests.map(({ body }) => JSON.parse(body).type)
    expect(types).toEqual(['message.received', 'lab.reset'])
  })

  it('cannot send the lab to another host', async () => {
    const other = await Receiver.start()
    const receiver = await Receiver.start({ location: other.url })
    const lab = await startLab([{ url: receiver.url, secret: SECRET, retries: [] }])
    await deliver(lab, 'Redirected')
    expect(await untilState(lab, 'failed')).toMatchObject([{ status: 302, error: expect.stringMatching(/redirects/) }])
    expect(other.requests).toEqual([])
  })

  it('that is unreachable says why, and keeps its event for a later attempt', async () => {
    const receiver = await Receiver.start()
    const { url } = receiver
    receiver.close()
    const lab = await startLab([{ url, secret: SECRET, retries: ['1h'] }])
    await deliver(lab, 'Later')
    for (;;) {
      const [one] = await deliveries(lab, 'state=pending')
      if (one?.attempts !== 1) continue
      expect(one).toMatchObject({ error: expect.stringMatching(/ECONNREFUSED/), status: null })
      expect(Date.parse(one.nextAttemptAt)).toBeGreaterThan(Date.now() + 3_000_000)
      return
    }
  })

  it('gets an event after a restart of the lab if the store is durable', async () => {
    const folder = newFolder()
    const receiver = await Receiver.start(0)
    const store = { lmdb: join(folder, 'data') }
    const first = await startLab([{ url: receiver.url, secret: SECRET }], { store })
    await deliver(first, 'Durable')
    await receiver.received(1)
    await labs.pop()?.[Symbol.asyncDispose]()
    const again = await startLab([{ url: receiver.url, secret: SECRET, retries: ['1h'] }], { store })
    const [before, after] = await receiver.received(2)
    expect(after?.headers['webhook-id']).toBe(before?.headers['webhook-id'])
    expect(after?.body).toBe(before?.body)
    expect(await untilState(again, 'delivered')).toMatchObject([{ id: after?.headers['webhook-id'] }])
    receiver.answerNext(500)
    await deliver(again, 'Never')
    await receiver.received(3)
    await labs.pop()?.[Symbol.asyncDispose]()
    const without = await startLab([], { store, webhooks: [{ url: `${receiver.url}/other`, secret: SECRET }] })
    expect(await deliveries(without)).toMatchObject([
      { state: 'failed', error: expect.stringMatching(/no longer lists/) },
    ])
  })

  it('is shown, without its secret, to those who see the lab', async () => {
    const receiver = await Receiver.start()
    const lab = await startLab([{ url: receiver.url, secret: SECRET }])
    const { status, body } = await lab.request('webhooks', { headers: bearer(admin) })
    expect([status, JSON.stringify(body)]).toEqual([200, expect.not.stringContaining('MfKQ9r8G')])
    for (const path of ['webhooks', 'webhooks/deliveries']) {
      expect((await lab.request(path, { headers: basic('alice', 'secret') })).status).toBe(403)
    }
  })
})

describe('a webhook with https', () => {
  const openStore = (folder: string): Promise<CertificateStore> =>
    openCertificateStore({ folder, key: 'p256', clock: systemClock, log: pino({ level: 'silent' }) })

  it('trusts the roots of the lab', async () => {
    const certificates = join(newFolder(), 'certs')
    const store = await openStore(certificates)
    const receiver = await Receiver.startTls(store)
    await store.close()
    const lab = await startLab([{ url: receiver.url, secret: SECRET, retries: [] }], { certificates })
    await deliver(lab, 'Trusted')
    const [request] = await receiver.received(1)
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ data: { message: { subject: 'Trusted' } } })
    expect(await untilState(lab, 'delivered')).toMatchObject([{ status: 204, error: null }])
  })

  it('trusts the authority that it names, and no other', async () => {
    const folder = newFolder()
    const store = await openStore('memory')
    const [receiver, other] = [await Receiver.startTls(store), await Receiver.startTls(store)]
    writeFileSync(join(folder, 'root.pem'), store.rootPem)
    await store.close()
    const lab = await startLab([
      { url: receiver.url, secret: SECRET, retries: [], authority: join(folder, 'root.pem') },
      { url: other.url, secret: SECRET, retries: [] },
    ])
    await deliver(lab, 'Trusted')
    await receiver.received(1)
    expect(await untilState(lab, 'delivered')).toMatchObject([{ url: receiver.url }])
    const [failed] = await untilState(lab, 'failed')
    expect(failed).toMatchObject({ url: other.url, error: expect.stringMatching(/certificate.*authority: FILE/) })
    expect(other.requests).toEqual([])
  })
})

describe('the configuration of a webhook', () => {
  const url = 'http://127.0.0.1:9/hook'
  const SELF = new URL(import.meta.url).pathname

  it.each([
    [{ url }, /webhooks\[0\]: has no key for signatures; create one with openssl/],
    [{ url, secret: SECRET, secretFile: 'x' }, /secretFile: secret is set too; keep one of them/],
    [{ url, secret: 'short' }, /webhooks\[0\]\.secret: .*write at least 24 octets in base64/],
    [{ url: 'ftp://x/', secret: SECRET }, /webhooks\[0\]\.url: .*write a URL such as/],
    [{ url: 'http://me:x@127.0.0.1/', secret: SECRET }, /has a user name; remove it: requests are authenticated/],
    [{ url, secret: SECRET, authority: 'root.pem' }, /webhooks\[0\]\.authority: has no effect.*https/],
    [{ url: 'https://127.0.0.1:9/', secret: SECRET, authority: '/missing' }, /webhooks\[0\] \(http.*\): .*missing/],
    [
      { url: 'https://127.0.0.1:9/', secret: SECRET, authority: SELF },
      /webhooks\[0\] \(http.*\): .* has no certificate/,
    ],
    [{ url, secretFile: '/missing' }, /webhooks\[0\]\.secretFile: cannot read \/missing: no such file/],
    [{ url, secret: SECRET, filter: 'larger:much' }, /webhooks\[0\] \(http.*\): /],
    [
      { url, secret: SECRET, events: ['message.received', 'message.deleted'], filter: 'subject:x' },
      /webhooks\[0\] \(http.*\): filter: subject:x needs the content of messages/,
    ],
  ] as [WebhookInput, RegExp][])('%j is refused with a reason', async (webhook, expected) => {
    await expect(startLab([webhook])).rejects.toThrow(expected)
  })

  it('changes with a reload, and reads the secret from a file', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'hook.secret'), `${SECRET}\n`)
    const receiver = await Receiver.start()
    const lab = await startLab([])
    await lab.lab.reload({
      certificates: 'memory',
      directory: { accounts: [{ user: 'alice', password: 'secret' }] },
      webhooks: [{ url: receiver.url, secretFile: join(folder, 'hook.secret') }],
      virtualServers: [{ protocol: 'http', certificate: 'none' }],
    })
    await deliver(lab, 'Reloaded')
    const [request] = await receiver.received(1)
    const { headers, body } = request as Request
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64')
    expect(headers['webhook-signature']).toBe(`v1,${opensslHmac(key, signed)}`)
  })
})
