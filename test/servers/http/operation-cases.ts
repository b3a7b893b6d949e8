import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { connect } from 'node:net'
import acme from 'acme-client'
import { createTransport } from 'nodemailer'
import { expect } from 'vitest'
import type { Example } from '../../../src/api/openapi/examples.ts'
import { pathParameters, takesBody, usesQuery } from '../../../src/api/openapi/parameters.ts'
import type { Operation } from '../../../src/api/operation.ts'
import { operations } from '../../../src/api/operations.ts'
import type { CertificateLab } from '../../cli/cert-support.ts'
import type { Answer, HttpLab, RequestOptions } from './client.ts'

/** A call of an operation, with the parts of its path filled in. */
export interface OperationCall extends Omit<RequestOptions, 'headers'> {
  readonly path: string
  /** The media type of `body`. */
  readonly type?: string
}

/** Prepares the lab for a call. */
export interface Stage {
  readonly http: HttpLab
  /** An authority outside of the lab. */
  readonly outside: CertificateLab
  /** Calls something as an administrator. */
  call(call: OperationCall): Promise<Answer>
}

export type ExampleRequest = Pick<Example, 'input' | 'upload'>

/** Returns the part of the request that only the running lab knows: ids, and content that an authority signs. */
type Preparation = (stage: Stage) => Promise<ExampleRequest>

/** The example of an operation: its request, and what brings the lab into the state that it needs. */
interface Case extends ExampleRequest {
  readonly prepare?: Preparation
}

/** Returns the request of an operation's example, once the lab is in the state that it needs. */
export async function exampleRequest({ name }: Operation, stage: Stage): Promise<ExampleRequest> {
  const { prepare, ...fixed } = cases[name] ?? {}
  const known = (await prepare?.(stage)) ?? {}
  const input = { ...fixed.input, ...known.input }
  return { ...fixed, ...known, ...(Object.keys(input).length > 0 || fixed.input ? { input } : {}) }
}

/** Returns the same as the call to make. */
export async function exampleCall(operation: Operation, stage: Stage): Promise<OperationCall> {
  const { input, upload } = await exampleRequest(operation, stage)
  return callOf(operation, input, upload)
}

/** Returns the request that calls an operation with an input. */
export function callOf(
  operation: Operation,
  input: Readonly<Record<string, unknown>> = {},
  upload?: ExampleRequest['upload'],
): OperationCall {
  const { method, path } = operation
  const inPath = pathParameters(path)
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(`${input[name]}`))
  const others = Object.entries(input).filter(([name]) => !inPath.includes(name))
  const query = usesQuery(operation)
    ? new URLSearchParams(others.map(([name, value]): [string, string] => [name, `${value}`]))
    : ''
  const target = `${filled}${query.toString() === '' ? '' : `?${query}`}`.slice(1)
  if (upload) return { path: target, method, type: upload.type, body: upload.content }
  return { path: target, method, ...(takesBody(operation) ? { json: Object.fromEntries(others) } : {}) }
}

/** Runs the example of an operation. It must succeed. Returns its answer. */
async function run(name: string, stage: Stage): Promise<Answer['body']> {
  const operation = operations.find((one) => one.name === name)
  if (!operation) throw new Error(`there is no operation ${name}`)
  const { status, body } = await stage.call(await exampleCall(operation, stage))
  if (status >= 300) throw new Error(`${name}: ${status} ${JSON.stringify(body)}`)
  return body
}

/** Only some jobs run at the same time. */
const endJobs: Preparation = async ({ call }) => {
  for (const { id } of (await call({ path: 'jobs?state=running' })).body.items) {
    await call({ path: `jobs/${id}/cancel`, json: {} })
  }
  return {}
}

const endedJob = async ({ id }: Answer['body'], { call }: Stage): Promise<ExampleRequest> => {
  await expect.poll(async () => (await call({ path: `jobs/${id}` })).body.state).toBe('done')
  return { input: { id } }
}

const openAudit: Preparation = async (stage) => {
  const { id } = await run('audit.start', stage)
  await expect.poll(async () => (await stage.call({ path: `jobs/${id}/targets` })).status).toBe(200)
  return { input: { id } }
}

/** Changes the configuration, and takes the id of the change. */
const changedLogLevel: Preparation = async ({ call }) => {
  const { items } = (await call({ path: 'configuration/history' })).body
  const value = items.length % 2 === 0 ? 'debug' : 'info'
  const json = { changes: [{ op: 'set', path: '/logLevel', value }] }
  await call({ path: 'configuration', method: 'PATCH', json })
  return { input: { id: (await call({ path: 'configuration/history' })).body.items[0].id } }
}

/** Runs the example of another operation first, and uses its answer. */
const after =
  (
    name: string,
    known: (body: Answer['body'], stage: Stage) => ExampleRequest | Promise<ExampleRequest> = () => ({}),
  ): Preparation =>
  async (stage) =>
    known(await run(name, stage), stage)

/** Deletes what an earlier run of the example has left. */
const without =
  (...calls: readonly (string | OperationCall)[]): Preparation =>
  async ({ call }) => {
    for (const one of calls) await call(typeof one === 'string' ? { path: one, method: 'DELETE' } : one)
    return {}
  }

const message: Preparation = async ({ http, call }) => {
  const mail = {
    from: 'Shop <shop@example.com>',
    to: 'alice@lab.test',
    subject: 'Your code',
    text: 'Your code is 123456.',
    html: '<p>Your code is <b>123456</b>.</p>',
    attachments: [{ filename: 'terms.txt', content: 'Be kind.' }],
  }
  const { lab } = http
  const { tlsPort } = lab.server('smtp')
  await createTransport({ port: tlsPort as number, secure: true, tls: { ca: lab.ca } }).sendMail(mail)
  return { input: { id: (await call({ path: 'messages?limit=1' })).body.items[0].id } }
}

/** A message whose recipient can unsubscribe: the lab itself answers that it takes no form there. */
const newsletter: Preparation = async ({ http, call }) => {
  const { tlsPort } = http.lab.server('http')
  const headers = {
    'List-Unsubscribe': `<https://localhost:${tlsPort}/livez>`,
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
  }
  await http.lab.deliver({ subject: 'News', text: 'Hello.', headers }, 'alice')
  return { input: { id: (await call({ path: 'messages?limit=1' })).body.items[0].id } }
}

/** Prepares the lab for a request that does not name what is prepared. */
const withoutInput =
  (prepare: Preparation): Preparation =>
  async (stage) => {
    await prepare(stage)
    return {}
  }

const severalMessages: Preparation = async (stage) => {
  const { input } = await message(stage)
  return { input: { ids: [input?.id] } }
}

/** Releases a message, which waits in the queue: nothing listens at the host of the connector. */
const queued =
  (known: (id: string) => ExampleRequest): Preparation =>
  async (stage) => {
    const { deliveries } = await run('messages.release', stage)
    return known(deliveries[0].queueId)
  }

const queuedIds = queued((id) => ({ input: { ids: [id] } }))

/** A client that does not understand TLS, on the port for TLS. */
const failedSession: Preparation = async ({ http, call }) => {
  const { tlsPort } = http.lab.server('smtp')
  const socket = connect(tlsPort as number, '127.0.0.1').end('EHLO client.example\r\n')
  socket.resume()
  await once(socket, 'close')
  await expect
    .poll(async () => (await call({ path: 'sessions?protocol=smtp&direction=in&failed=true' })).body.total)
    .toBeGreaterThan(0)
  return {}
}

const session: Preparation = async (stage) => {
  await failedSession(stage)
  return {
    input: { id: (await stage.call({ path: 'sessions?protocol=smtp&direction=in&failed=true' })).body.items[0].id },
  }
}

const unassign = { path: 'certificates/unassign', json: { for: 'imap4' } }
const noRequest = 'requests/imap4'

async function removeFolders(names: readonly string[], { call }: Stage): Promise<void> {
  const { items } = (await call({ path: 'folders?account=alice' })).body
  for (const { id, name } of items) if (names.includes(name)) await call({ path: `folders/${id}`, method: 'DELETE' })
}

/** Returns the number of a request that waits at a standalone authority. */
async function queueAt(name: string, { call }: Stage): Promise<number> {
  await call({ path: noRequest, method: 'DELETE' })
  await call({ path: 'certificates', json: { for: 'imap4', key: 'p256', authority: name } })
  const { items } = (await call({ path: 'authorities/requests' })).body
  return items.find(({ authority }: { authority: string }) => authority === name).id
}

/** Orders a certificate whose challenge is not met. */
async function orderByAcme({ name }: Answer['body'], { call }: Stage): Promise<ExampleRequest> {
  const { acme: offered, url } = (await call({ path: `authorities/${encodeURIComponent(name)}/service` })).body
  const directoryUrl = url + new URL(offered.directory).pathname
  const client = new acme.Client({ directoryUrl, accountKey: await acme.crypto.createPrivateEcdsaKey() })
  await client.createAccount({ termsOfServiceAgreed: true, contact: ['mailto:admin@example.test'] })
  const order = await client.createOrder({ identifiers: [{ type: 'dns', value: 'mail.example.test' }] })
  const [authorization] = await client.getAuthorizations(order)
  const challenge = authorization?.challenges.find(({ type }) => type === 'http-01')
  if (challenge) await client.completeChallenge(challenge)
  const isDecided = async (): Promise<boolean> =>
    (await call({ path: `authorities/${encodeURIComponent(name)}/orders` })).body.items[0].status === 'invalid'
  await expect.poll(isDecided, { timeout: 10_000 }).toBe(true)
  return {}
}

/** A request for mail.example.test that the lab can sign. RFC 2986. */
export const SIGNING_REQUEST = `-----BEGIN CERTIFICATE REQUEST-----
MIIBBzCBrQIBADAcMRowGAYDVQQDDBFtYWlsLmV4YW1wbGUudGVzdDBZMBMGByqG
SM49AgEGCCqGSM49AwEHA0IABEKuxC9E8xq5UybpJJbDbTLWRkaOx40HBLLK9PjO
MKIllXKG2guVhBGifnqbx4m5LPzKW5Er7sU0bsB50KSUZpygLzAtBgkqhkiG9w0B
CQ4xIDAeMBwGA1UdEQQVMBOCEW1haWwuZXhhbXBsZS50ZXN0MAoGCCqGSM49BAMC
A0kAMEYCIQCOFOQsFPI+im/VhhVZcX9iOpF1m3fQE2kady6+uoYAqgIhAIcLejvt
Dbs3yYjWdLswBLjRb0pgpRCSfdLtH9CpaPaA
-----END CERTIFICATE REQUEST-----
`

const EML = [
  'From: Shop <shop@example.com>',
  'To: alice@lab.test',
  'Subject: Your code',
  'Message-ID: <1@shop.example.com>',
  '',
  'Your code is 123456.',
  '',
].join('\r\n')

const pemFile = 'application/x-pem-file'
const certificate = { for: 'imap4', friendlyName: 'Mail 2026', key: 'p256', names: ['mail.lab.test'] }
const byName = { name: certificate.friendlyName }
const byAuthority = { name: 'Test CA' }
const customer = ['customer@example.test']
const carol = { user: 'carol', password: 'secret', addresses: ['carol@lab.test', 'sales@lab.test'] }
const reports = { user: 'alice', name: 'reports' }
const releases = {
  name: 'lab.releases',
  description: 'New versions',
  posting: 'moderated',
  moderator: 'alice@lab.test',
  expireAfter: '30d',
}
const feed = { id: 'default-nntp-virtual-server-out-news-example-net' }
const fault = {
  name: 'greylisting',
  when: { verb: 'RCPT', matching: 'bob@' },
  do: { reply: '451 4.7.1 Try again later' },
  times: 1,
}
const ofCreated = ({ id }: Answer['body']): ExampleRequest => ({ input: { id } })
const ofArticle = ({ articles: [{ id }] }: Answer['body']): ExampleRequest => ({ input: { id } })

/** The examples that need a request with content, or more than a new lab. By the names of the operations. */
const cases: Readonly<Record<string, Case>> = {
  'messages.list': { input: { query: 'subject:code is:unread', limit: 1 }, prepare: withoutInput(message) },
  'messages.deleteAll': { input: { query: 'before:2026-11-01' } },
  'messages.send': {
    input: {
      from: 'Shop <shop@example.com>',
      to: ['alice'],
      subject: 'Your code',
      text: 'Your code is 123456.',
      html: '<p>Your code is <b>123456</b>.</p>',
      headers: { 'X-Campaign': 'autumn' },
      attachments: [{ filename: 'terms.txt', contentType: 'text/plain', content: 'QmUga2luZC4=' }],
    },
  },
  'messages.import': { input: { to: 'alice' }, upload: { type: 'message/rfc822', content: EML } },
  'messages.updateMany': { input: { read: true, addTags: ['checkout'] }, prepare: severalMessages },
  'messages.moveMany': { input: { folder: 'Archive' }, prepare: severalMessages },
  'messages.deleteMany': { prepare: severalMessages },
  'messages.export': { input: { query: 'subject:code' }, prepare: withoutInput(message) },
  'messages.thread': { prepare: message },
  'messages.get': { prepare: message },
  'messages.headers': { prepare: message },
  'messages.text': { prepare: message },
  'messages.html': { prepare: message },
  'messages.raw': { prepare: message },
  'messages.structure': { prepare: message },
  'messages.part': { input: { part: '2' }, prepare: message },
  'messages.update': { input: { read: true, tags: ['checkout'] }, prepare: message },
  'messages.move': { input: { folder: 'Archive' }, prepare: message },
  'messages.delete': { prepare: message },
  'messages.release': { input: { to: customer }, prepare: message },
  'messages.checks': { prepare: message },
  'messages.unsubscribe': { prepare: newsletter },
  assertNothingSent: { input: { to: 'nobody', timeout: '5s' } },
  'messages.history': { prepare: message },
  'messages.remoteContent': { prepare: message },
  'messages.report': { input: { report: 'bounce+550.postfix' }, prepare: message },
  'messages.releaseMany': { input: { query: 'subject:code', to: customer }, prepare: withoutInput(message) },
  // Callers who do not see the message wait in vain.
  wait: { input: { to: 'alice', subject: 'code', timeout: '200ms' }, prepare: withoutInput(message) },
  'queue.list': { input: { state: 'held' }, prepare: after('queue.hold') },
  'queue.get': { prepare: queued((id) => ({ input: { id } })) },
  'queue.flush': { input: { all: true }, prepare: queued(() => ({})) },
  'queue.hold': { prepare: queuedIds },
  'queue.unhold': {
    prepare: async (stage) => {
      const held = await queuedIds(stage)
      await stage.call({ path: 'queue/hold', json: held.input })
      return held
    },
  },
  'queue.delete': { prepare: queuedIds },
  'queue.bounce': { prepare: queuedIds },
  'connectors.get': { input: { id: 'default-smtp-connector' } },
  'connectors.test': { input: { id: 'default-smtp-connector' } },
  'dmarcReports.list': { input: { domain: 'example.test' } },
  'dmarcReports.send': { input: { domain: 'example.test' } },
  'unsubscribes.list': { input: { list: 'weekly' } },
  'tlsReports.list': { input: { domain: 'example.test' } },
  'tlsReports.send': { input: { domain: 'example.test' } },
  'folders.list': { input: { account: 'alice' } },
  'folders.create': {
    input: { account: 'alice', name: 'Invoices' },
    prepare: async (stage) => {
      await removeFolders(['Invoices', 'Paid'], stage)
      return {}
    },
  },
  'folders.get': { prepare: after('folders.create', ofCreated) },
  'folders.rename': { input: { name: 'Paid' }, prepare: after('folders.create', ofCreated) },
  'folders.delete': { prepare: after('folders.create', ofCreated) },
  'accounts.get': { input: { user: 'alice' } },
  'accounts.create': { input: carol, prepare: without('accounts/carol') },
  'accounts.update': { input: { user: 'carol', state: 'locked' }, prepare: after('accounts.create') },
  'accounts.delete': { input: { user: 'carol' }, prepare: after('accounts.create') },
  'scripts.list': { input: { user: 'alice' }, prepare: after('scripts.put') },
  'scripts.get': { input: reports, prepare: after('scripts.put') },
  'scripts.put': { input: { ...reports, content: 'require "fileinto";\nfileinto "Reports";\n', active: true } },
  'scripts.update': { input: { ...reports, active: false }, prepare: after('scripts.put') },
  'scripts.delete': { input: reports, prepare: after('scripts.update') },
  'accessTokens.create': { input: { user: 'alice', scope: ['imap4', 'smtp'], expiresIn: '5m' } },
  'newsgroups.create': { input: releases, prepare: without('newsgroups/lab.releases') },
  'newsgroups.list': { prepare: after('newsgroups.create') },
  'newsgroups.get': { input: { name: releases.name }, prepare: after('newsgroups.create') },
  'newsgroups.update': {
    input: { name: releases.name, posting: 'yes', moderator: null },
    prepare: after('newsgroups.create'),
  },
  'newsgroups.delete': { input: { name: releases.name }, prepare: after('newsgroups.create') },
  'newsgroups.threads': { input: { name: 'lab.general' }, prepare: after('articles.post') },
  'articles.post': {
    input: { newsgroups: ['lab.general'], from: 'Alice <alice@lab.test>', subject: 'Version 2', text: 'It is out.' },
  },
  'articles.followUp': { prepare: after('articles.post', ofArticle) },
  'articles.cancel': { prepare: after('articles.post', ofArticle) },
  'feeds.get': { input: feed },
  'feeds.retry': { input: feed },
  'feeds.queue': { input: feed, prepare: after('articles.post') },
  'sessions.list': { input: { protocol: 'smtp', direction: 'in', failed: true, limit: 1 }, prepare: failedSession },
  'sessions.get': { prepare: session },
  'sessions.handshake': { prepare: session },
  'sessions.capture': { prepare: session },
  'log.list': { input: { query: 'handshake', limit: 1 }, prepare: failedSession },
  'virtualServers.get': { input: { id: 'default-smtp-virtual-server' } },
  'virtualServers.create': {
    input: { protocol: 'nntp', name: 'News for readers', port: 0, tlsPort: 'off' },
    prepare: without('virtual-servers/news-for-readers'),
  },
  'virtualServers.update': {
    input: { id: 'default-smtp-virtual-server', limits: { connections: 200 }, relay: null, dryRun: true },
  },
  'virtualServers.delete': { input: { id: 'news-for-readers' }, prepare: after('virtualServers.create') },
  'virtualServers.verdicts': { input: { id: 'default-imap4-virtual-server' } },
  'configuration.change': {
    input: { changes: [{ op: 'set', path: '/virtualServers/imap4/requireSecureChannel', value: true }], dryRun: true },
  },
  'configuration.reload': { input: {} },
  'configuration.history': {
    input: { limit: 1 },
    prepare: async (stage) => ({ ...(await changedLogLevel(stage)), input: {} }),
  },
  'configuration.undo': { prepare: changedLogLevel },
  'clientSettings.get': { input: { account: 'alice' } },
  'clientSettings.document': { input: { document: 'autoconfig', account: 'alice' } },
  'clock.change': { input: { advance: '1s' } },
  'certificateDefects.list': { input: { limit: 2 } },
  'certificates.issue': { input: certificate, prepare: without(unassign, 'certificates/Mail%202026') },
  'certificates.get': { input: byName, prepare: after('certificates.issue') },
  'certificates.unassign': { input: { for: 'imap4' }, prepare: after('certificates.issue') },
  'certificates.renew': { input: { ...byName, newKey: true }, prepare: after('certificates.issue') },
  'certificates.assign': { input: { ...byName, for: 'smtp' }, prepare: after('certificates.issue') },
  'certificates.export': { input: { ...byName, format: 'pem' }, prepare: after('certificates.issue') },
  'certificates.rename': {
    input: { ...byName, friendlyName: 'Mail' },
    prepare: async (stage) => {
      await without(unassign, 'certificates/Mail')(stage)
      return after('certificates.issue')(stage)
    },
  },
  'certificates.delete': {
    input: byName,
    prepare: async (stage) => {
      await run('certificates.issue', stage)
      return without(unassign)(stage)
    },
  },
  'certificates.import': {
    input: { friendlyName: 'Imported' },
    prepare: after('certificates.export', async (content, stage) => {
      await without(unassign, 'certificates/Mail%202026', 'certificates/Imported')(stage)
      return { upload: { type: pemFile, content } }
    }),
  },
  'requests.create': {
    input: { for: 'imap4', commonName: 'localhost', key: 'p256' },
    prepare: without(noRequest),
  },
  'requests.list': { prepare: after('requests.create') },
  'requests.plan': {
    input: { for: 'imap4', commonName: 'localhost', organization: 'Example', country: 'JP', key: 'p256' },
    prepare: without(noRequest),
  },
  'requests.get': { input: { for: 'imap4' }, prepare: after('requests.create') },
  'requests.collect': {
    input: { for: 'imap4' },
    prepare: after('authorities.create', async ({ name }, stage) => {
      await queueAt(name, stage)
      return {}
    }),
  },
  'requests.cancel': { input: { for: 'imap4' }, prepare: after('requests.create') },
  'requests.install': {
    input: { for: 'imap4' },
    prepare: after('requests.create', async ({ pem }, { outside }) => {
      outside.write('certreq.txt', pem)
      await outside.sign('outside', 'certreq.txt', 'answer.pem')
      return { upload: { type: 'application/pkix-cert', content: outside.text('answer.pem') } }
    }),
  },
  'authorities.create': {
    input: { ...byAuthority, key: 'p256', type: 'standalone' },
    prepare: without('authorities/Test%20CA?force=true'),
  },
  'authorities.get': { input: byAuthority, prepare: after('authorities.create') },
  'authorities.export': { input: { ...byAuthority, format: 'pem' }, prepare: after('authorities.create') },
  'authorities.delete': { input: byAuthority, prepare: after('authorities.create') },
  'authorities.service': { input: byAuthority, prepare: after('authorities.create') },
  'authorities.orders': { input: byAuthority, prepare: after('authorities.create', orderByAcme) },
  'authorities.issued': {
    input: byAuthority,
    prepare: after('authorities.create', async (_, { call }) => {
      await call({ path: 'authorities/sign?authority=Test%20CA', type: 'application/pkcs10', body: SIGNING_REQUEST })
      return {}
    }),
  },
  'authorities.revoke': {
    input: { reason: 'keyCompromise' },
    prepare: after('authorities.issued', ({ items }) => ({ input: { certificate: items[0].serial } })),
  },
  'authorities.answer': {
    input: { decision: 'approve' },
    prepare: after('authorities.create', async ({ name }, stage) => ({ input: { id: await queueAt(name, stage) } })),
  },
  'authorities.requests': { prepare: after('authorities.answer') },
  'authorities.mark': {
    input: {
      domains: ['shop.test'],
      logo: '<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 10 10"><title>Shop</title><circle cx="5" cy="5" r="4"/></svg>',
    },
  },
  'authorities.sign': { input: { days: 30 }, upload: { type: 'application/pkcs10', content: SIGNING_REQUEST } },
  'dnsZones.get': { input: { name: 'lab.test' } },
  'dnsZones.file': { input: { name: 'lab.test' } },
  'dnsQueries.list': {
    input: { type: 'MX' },
    prepare: async ({ http }) => {
      const resolver = new Resolver()
      resolver.setServers([http.lab.dns.server])
      await resolver.resolveMx('lab.test')
      return {}
    },
  },
  'dnsRecords.list': { input: { zone: 'lab.test', type: 'MX' } },
  'dnsRecords.add': { input: { record: '_acme-challenge.lab.test 60 IN TXT "gfj9Xq...Rg85nM"' } },
  'dnsRecords.get': { prepare: after('dnsRecords.add', ofCreated) },
  'dnsRecords.remove': { prepare: after('dnsRecords.add', ofCreated) },
  'dnsDefects.add': { input: { defect: 'slow', delay: '2s', types: ['MX'] } },
  'dnsDefects.list': { prepare: after('dnsDefects.add') },
  'dnsDefects.get': { prepare: after('dnsDefects.add', ofCreated) },
  'dnsDefects.remove': { prepare: after('dnsDefects.add', ofCreated) },
  'faults.add': { input: fault },
  'faults.list': { prepare: after('faults.add') },
  'faults.get': { prepare: after('faults.add', ofCreated) },
  'faults.update': { input: { when: { matching: null }, times: 3 }, prepare: after('faults.add', ofCreated) },
  'faults.remove': { prepare: after('faults.add', ofCreated) },
  'webhooks.deliveries': {
    input: { state: 'failed' },
    prepare: async (stage) => {
      await stage.http.lab.deliver({ subject: 'Your code' }, 'alice')
      await expect
        .poll(async () => (await stage.call({ path: 'webhooks/deliveries?state=failed' })).body.total)
        .toBeGreaterThan(0)
      return {}
    },
  },
  'webhooks.test': {
    prepare: async (stage) => ({ input: { url: (await stage.call({ path: 'webhooks' })).body.items[0].url } }),
  },
  'verify.start': {
    input: { virtualServers: ['default-imap4-virtual-server'], form: 'implicit', only: ['reachable'] },
    prepare: endJobs,
  },
  'audit.start': { input: { protocols: ['pop3'], forms: ['implicit'], names: ['p256'] }, prepare: endJobs },
  'audit.targets': { prepare: openAudit },
  'audit.results': {
    input: { results: [{ name: 'control', protocol: 'pop3', form: 'implicit', accepted: true }] },
    prepare: openAudit,
  },
  'jobs.list': { input: { kind: 'verify' }, prepare: after('verify.start') },
  'jobs.get': { prepare: after('verify.start', endedJob) },
  'jobs.cancel': { prepare: after('verify.start', ofCreated) },
  'jobs.delete': { prepare: after('verify.start', ofCreated) },
  'jobs.report': { input: { format: 'json' }, prepare: after('verify.start', endedJob) },
  'tenants.create': { input: { name: 'ci42', accounts: ['alice', 'bob'] }, prepare: without('tenants/ci42') },
  'tenants.get': { input: { name: 'ci42' }, prepare: after('tenants.create') },
  'tenants.list': { prepare: after('tenants.create') },
  'tenants.delete': { input: { name: 'ci42' }, prepare: after('tenants.create') },
  'statistics.get': { input: { since: '2026-11-26T05:31:30.000Z' } },
}
