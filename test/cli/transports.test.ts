import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { operations } from '../../src/api/operations.ts'
import { type ApiOptions, callNamed } from '../../src/cli/shared/api-client.ts'
import type { ApiError } from '../../src/cli/shared/failure.ts'
import { type StartedLab, Workplace } from '../support/sealpost.ts'

const TOKEN = 'token-token-token'
const CONFIGURATION = `certificates: { store: certs, key: p256 }
directory: { accounts: [{ user: alice, password: secret, sieve: keep; }] }
access:
  tokens: [{ name: ci, token: ${TOKEN} }]
news:
  groups: [{ name: lab.general }]
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: imap4, port: 0, tlsPort: 0 }
  - { protocol: nntp, port: 0, tlsPort: off, feeds: [{ peer: down.test, host: 127.0.0.1, port: 9 }] }
  - { protocol: http, port: 0, tlsPort: off, authentication: [basic] }
`

const place = new Workplace()
let lab: StartedLab
let socket: ApiOptions
let url: ApiOptions

beforeAll(async () => {
  const config = place.write('lab.yaml', CONFIGURATION)
  lab = await place.start(['--config', config])
  // The folder of the control socket.
  const { TMPDIR = '', XDG_RUNTIME_DIR = '' } = place.environment()
  vi.stubEnv('TMPDIR', TMPDIR)
  vi.stubEnv('XDG_RUNTIME_DIR', XDG_RUNTIME_DIR)
  socket = { config }
  url = { url: `http://127.0.0.1:${lab.endpoint('http').port}`, token: TOKEN }
  await fill()
  // The feed tries again while operations are called: its answers have the same times then.
  await callNamed(socket, 'clock.change', { frozen: true })
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await lab.end()
})

/** Values that the inputs of operations need. */
const known = { message: '', article: '', session: '', verify: '', audit: '' }

/** Gives every operation something to answer. */
async function fill(): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port: lab.endpoint('smtp').port, ignoreTLS: true })
  await transport.sendMail({
    from: 'shop@example.com',
    to: 'alice@lab.test',
    subject: 'Grüße',
    html: '<p>Your code is <b>123456</b>.</p>',
    attachments: [{ filename: 'ä.bin', content: Buffer.from([0, 128, 255]) }],
  })
  const first = async (name: string, input = {}) =>
    ((await callNamed(socket, name, input)) as { items: { id: string }[] }).items[0]?.id ?? ''
  known.message = await first('messages.list')
  const posted = { newsgroups: ['lab.general'], subject: 'Version 2', text: 'It is out.' }
  known.article =
    ((await callNamed(socket, 'articles.post', posted)) as { articles: { id: string }[] }).articles[0]?.id ?? ''
  known.session = await first('sessions.list', { protocol: 'smtp' })
  await callNamed(socket, 'messages.update', { id: known.message, tags: ['one'] })
  await callNamed(socket, 'requests.create', { for: 'smtp', commonName: 'mail.lab.test' })
  await callNamed(socket, 'faults.add', { when: { verb: 'NOOP' }, do: { reply: '451 4.7.1 Later' } })
  const start = async (name: string, input: object) =>
    ((await callNamed(socket, name, { ...input })) as { id: string }).id
  known.verify = await start('verify.start', { virtualServers: ['default-imap4-virtual-server'], only: ['reachable'] })
  known.audit = await start('audit.start', { protocols: ['pop3'], forms: ['implicit'], names: ['p256'] })
  const isDone = async (): Promise<boolean> =>
    ((await callNamed(socket, 'jobs.get', { id: known.verify })) as { state: string }).state === 'done'
  const isOpen = (): Promise<unknown> => callNamed(socket, 'audit.targets', { id: known.audit }).catch(() => undefined)
  for (const condition of [isDone, isOpen]) await vi.waitUntil(condition, { timeout: 30_000 })
}

const message = () => ({ id: known.message })
const article = () => ({ id: known.article })
const authority = async () => {
  const { items } = (await callNamed(socket, 'authorities.list', {})) as { items: { name: string }[] }
  return { name: items[0]?.name }
}
const certificate = async () => {
  const { items } = (await callNamed(socket, 'certificates.list', {})) as { items: { thumbprint: string }[] }
  return { name: items[0]?.thumbprint }
}

const feed = async () => {
  const { items } = (await callNamed(socket, 'feeds.list', {})) as { items: { id: string }[] }
  return { id: items[0]?.id }
}

/** The input of each operation that needs one. Without lists of its own calls: those over HTTP are sessions. */
const inputs: Readonly<Record<string, () => object | Promise<object>>> = {
  'messages.get': message,
  'messages.checks': message,
  'messages.headers': message,
  'messages.text': message,
  'messages.history': message,
  'messages.html': message,
  'messages.raw': message,
  'messages.structure': message,
  'messages.thread': message,
  'messages.part': () => ({ id: known.message, part: '2' }),
  'messages.export': () => ({ ids: [known.message] }),
  assertNothingSent: () => ({ to: 'nobody' }),
  wait: () => ({ to: 'alice', subject: 'grüße', timeout: '1s' }),
  'sessions.list': () => ({ protocol: 'smtp', failed: false, limit: 5 }),
  'sessions.get': () => ({ id: known.session }),
  'sessions.handshake': () => ({ id: known.session }),
  // Each call over HTTP causes a line.
  'log.list': () => ({ query: 'Default SMTP session' }),
  'newsgroups.get': () => ({ name: 'lab.general' }),
  'newsgroups.threads': () => ({ name: 'lab.general' }),
  'articles.followUp': article,
  'feeds.get': feed,
  'feeds.queue': feed,
  'clientSettings.document': () => ({ document: 'autoconfig', account: 'alice' }),
  'requests.get': () => ({ for: 'smtp' }),
  'virtualServers.get': () => ({ id: 'default-smtp-virtual-server' }),
  'certificates.get': certificate,
  'folders.get': async () => {
    const { items } = (await callNamed(socket, 'folders.list', { account: 'alice' })) as { items: { id: string }[] }
    return { id: items[0]?.id }
  },
  'faults.get': () => ({ id: 'f1' }),
  'accounts.get': () => ({ user: 'alice' }),
  'scripts.list': () => ({ user: 'alice' }),
  'scripts.get': () => ({ user: 'alice', name: 'configuration' }),
  'authorities.get': authority,
  'authorities.export': authority,
  'authorities.issued': authority,
  'authorities.service': authority,
  'authorities.orders': authority,
  'audit.targets': () => ({ id: known.audit }),
  'statistics.get': () => ({ since: '2100-01-01T00:00:00Z' }),
  'jobs.get': () => ({ id: known.verify }),
  'jobs.report': () => ({ id: known.verify, format: 'json' }),
}

/** They answer about the caller and its cookie, which only HTTP has. */
const ofHttp = ['session.get', 'session.create', 'session.delete']

/** Leaves out values that are not the same at two times. */
const stable = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, one) =>
      ['time', 'uptimeMs', 'offsetMs', 'memory', 'sessions'].includes(key) ? undefined : one,
    ),
  )

const shown = (answer: unknown): unknown => (Buffer.isBuffer(answer) ? answer.toString('base64') : stable(answer))

describe('an operation has the same answer over the control socket and over HTTP', () => {
  const reading = operations.filter(({ access, name }) => access === 'read' && !ofHttp.includes(name))

  it.each(reading.map(({ name }) => name))('%s', async (name) => {
    const input = ((await inputs[name]?.()) ?? {}) as Record<string, unknown>
    const [bySocket, byUrl] = [await callNamed(socket, name, input), await callNamed(url, name, input)]
    expect(shown(byUrl)).toEqual(shown(bySocket))
    expect(bySocket).toBeDefined()
  })

  const withId = reading.filter(({ path }) => path.includes('{id}'))
  it.each(withId.map(({ name }) => name))('%s of something that is not there', async (name) => {
    const input = { ...((await inputs[name]?.()) ?? {}), id: 'nothing' }
    const refused = (options: ApiOptions): Promise<ApiError> =>
      callNamed(options, name, input).then(
        () => expect.unreachable(),
        (error: ApiError) => error,
      )
    const [bySocket, byUrl] = [await refused(socket), await refused(url)]
    expect(byUrl.problem).toEqual(bySocket.problem)
    expect(bySocket.problem).toMatchObject({ status: 404 })
  })
})
