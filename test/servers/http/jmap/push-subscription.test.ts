import { createECDH, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, expect, it } from 'vitest'
import { DEBIAN_PYTHON, needsModule } from '../../../support/programs.ts'
import { runProgram } from '../../../support/run-program.ts'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

// biome-ignore lint/suspicious/noExplicitAny: messages have the shapes of the RFC
const received: any[] = []
let wake = (): void => {}
const receiver = createServer(async (request, response) => {
  const content = Buffer.concat(await request.toArray())
  const coding = request.headers['content-encoding']
  const message = coding === undefined ? JSON.parse(content.toString()) : { coding, content }
  received.push({ ...message, mediaType: request.headers['content-type'] })
  response.writeHead(201).end()
  wake()
}).listen(0, '127.0.0.1')
await once(receiver, 'listening')
afterAll(() => {
  receiver.closeAllConnections()
  receiver.close()
})
const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/push`

const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  webhooks: [{ url, events: ['lab.reset'], secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }],
})
const alice = new JmapClient(http)
const bob = new JmapClient(http, 'bob')

/** Waits for the next message at the receiver. */
const next = async () => {
  while (received.length === 0) {
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
  return received.shift()
}
const set = (args: object, client = alice) => client.ask('PushSubscription/set', args)
const all = async (client = alice) => (await client.ask('PushSubscription/get', {})).list
const deliver = (to: string) =>
  http.lab.deliver(`From: x@lab.test\r\nTo: ${to}\r\nSubject: one\r\n\r\nHello\r\n`, { to: `${to}@lab.test` })
const inDays = (days: number): string => new Date(http.lab.clock.now() + days * 86_400_000).toISOString()

/** Creates a subscription and verifies it. Returns its id. */
async function subscribe(given: object = {}, client = alice): Promise<string> {
  const { created } = await set({ create: { a: { deviceClientId: 'd', url, ...given } } }, client)
  const { verificationCode } = await next()
  await set({ update: { [created.a.id]: { verificationCode } } }, client)
  return created.a.id
}
afterEach(async () => {
  for (const client of [alice, bob])
    await set({ destroy: (await all(client)).map(({ id }: { id: string }) => id) }, client)
  received.length = 0
})

it('RFC 8620 section 7.2.2: sends only the verification before the client returns its code', async () => {
  const response = await set({ create: { a: { deviceClientId: 'device', url, types: ['Mailbox', 'Email'] } } })
  expect(Object.keys(response)).not.toEqual(expect.arrayContaining(['accountId']))
  expect(response).not.toHaveProperty('newState')
  const { id } = response.created.a
  const verification = await next()
  expect(verification).toMatchObject({
    '@type': 'PushVerification',
    pushSubscriptionId: id,
    mediaType: 'application/json',
  })
  await deliver('alice')
  const wrong = await set({ update: { [id]: { verificationCode: 'x' } } })
  expect(wrong.notUpdated[id]).toMatchObject({ type: 'invalidProperties', properties: ['verificationCode'] })
  expect(await all()).toMatchObject([{ id, verificationCode: null }])
  const { verificationCode } = verification
  expect((await set({ update: { [id]: { verificationCode } } })).updated).toEqual({ [id]: null })
  expect(await all()).toMatchObject([{ id, deviceClientId: 'device', verificationCode, types: ['Mailbox', 'Email'] }])
  // The change before the verification would come first.
  await deliver('alice')
  const { changed } = await next()
  expect(Object.keys(changed.alice).sort()).toEqual(['Email', 'Mailbox'])
  expect(changed.alice.Email).toBe((await alice.ask('Email/get', { ids: [] })).state)
})

it('sends the types that the client wants now, only of its account, until it is destroyed', async () => {
  const id = await subscribe({ types: ['Thread'] })
  await set({ update: { [id]: { types: ['EmailDelivery'] } } })
  await deliver('bob')
  await deliver('alice')
  const message = await next()
  expect(message).toMatchObject({ '@type': 'StateChange', changed: { alice: { EmailDelivery: expect.any(String) } } })
  expect(Object.keys(message.changed.alice)).toEqual(['EmailDelivery'])
  expect((await set({ destroy: [id] })).destroyed).toEqual([id])
  await subscribe({}, bob)
  await deliver('alice')
  await deliver('bob')
  expect(Object.keys((await next()).changed)).toEqual(['bob'])
})

it('RFC 8620 section 7.2.1: shows neither the URL, nor the subscriptions of others', async () => {
  const id = await subscribe()
  expect((await all())[0]).not.toHaveProperty('url')
  expect(await alice.ask('PushSubscription/get', { properties: ['url'] })).toMatchObject({ type: 'forbidden' })
  expect(await bob.ask('PushSubscription/get', { ids: [id] })).toEqual({ list: [], notFound: [id] })
  expect((await set({ destroy: [id] }, bob)).notDestroyed[id].type).toBe('notFound')
})

it('needs no accountId', async () => {
  const methodCalls = [['PushSubscription/get', {}, 'a']]
  const { body } = await alice.post({ using: ['urn:ietf:params:jmap:core'], methodCalls })
  expect(body.methodResponses).toEqual([['PushSubscription/get', { list: [], notFound: [] }, 'a']])
})

it('ends after seven days at most, by the clock of the lab', async () => {
  const { created } = await set({ create: { a: { deviceClientId: 'd', url, expires: inDays(30) } } })
  const left = Date.parse(created.a.expires) - http.lab.clock.now()
  expect([left > 6.9 * 86_400_000, left <= 7 * 86_400_000]).toEqual([true, true])
  const { updated } = await set({ update: { [created.a.id]: { expires: inDays(1) } } })
  expect(Date.parse(updated[created.a.id].expires)).toBeLessThan(http.lab.clock.now() + 1.1 * 86_400_000)
  await http.lab.clock.advance('2d')
  expect(await all()).toEqual([])
})

it('refuses what it cannot keep, with the property', async () => {
  const right = { deviceClientId: 'd', url }
  const create = {
    url: { ...right, url: 'http://127.0.0.1:1/other' },
    deviceClientId: { url },
    keys: { ...right, keys: { p256dh: 'x', auth: 'y' } },
    'keys off the curve': { ...right, keys: { ...receiverKeys().keys, p256dh: `B${'A'.repeat(86)}` } },
    verificationCode: { ...right, verificationCode: 'x' },
    expires: { ...right, expires: inDays(-1) },
    types: { ...right, types: [1] },
    nothing: { ...right, nothing: 1 },
  }
  const { created, notCreated } = await set({ create })
  expect(created).toBeNull()
  expect(Object.keys(notCreated)).toEqual(Object.keys(create))
  for (const [name, { type, properties }] of Object.entries<{ type: string; properties: string[] }>(notCreated)) {
    expect(type).toBe('invalidProperties')
    expect(properties).toContain(name.split(' ')[0])
  }
  expect(received).toEqual([])
})

/** Returns the keys of a browser that subscribes, with its private key. */
function receiverKeys() {
  const browser = createECDH('prime256v1')
  const auth = randomBytes(16).toString('base64url')
  const p256dh = browser.generateKeys().toString('base64url')
  return { keys: { p256dh, auth }, privateKey: browser.getPrivateKey().toString('base64url') }
}

/** Decrypts as a browser does. The arguments are the private key and the secret, in base64url. */
const DECRYPT = `
import base64, sys, http_ece
from cryptography.hazmat.primitives.asymmetric import ec
key, auth = [base64.urlsafe_b64decode(one + "==") for one in sys.argv[1:3]]
private = ec.derive_private_key(int.from_bytes(key, "big"), ec.SECP256R1())
content = base64.b64decode(sys.stdin.read())
sys.stdout.buffer.write(http_ece.decrypt(content, private_key=private, auth_secret=auth, version="aes128gcm"))
`

it.skipIf(!needsModule('python', 'http_ece'))('RFC 8291: encrypts for the keys of the receiver', async () => {
  const { keys, privateKey } = receiverKeys()
  const decrypted = async ({ content, coding, mediaType }: Awaited<ReturnType<typeof next>>) => {
    expect([coding, mediaType]).toEqual(['aes128gcm', 'application/json'])
    const args = ['-c', DECRYPT, privateKey, keys.auth]
    const { stdout, stderr } = await runProgram(DEBIAN_PYTHON, args, { input: content.toString('base64') })
    expect(stderr).toBe('')
    return JSON.parse(stdout)
  }
  const { created } = await set({ create: { a: { deviceClientId: 'd', url, keys, types: ['Email'] } } })
  const { id } = created.a
  const { verificationCode, ...verification } = await decrypted(await next())
  expect(verification).toEqual({ '@type': 'PushVerification', pushSubscriptionId: id })
  await set({ update: { [id]: { verificationCode } } })
  await deliver('alice')
  const { state } = await alice.ask('Email/get', { ids: [] })
  expect(await decrypted(await next())).toEqual({ '@type': 'StateChange', changed: { alice: { Email: state } } })
  expect((await all())[0]).not.toHaveProperty('keys')
})
