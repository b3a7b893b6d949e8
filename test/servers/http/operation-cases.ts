import { Resolver } from 'node:dns/promises'
import { once } from 'node:events'
import { connect } from 'node:net'
import acme from 'acme-client'
import { expect } from 'vitest'
import { examples } from '../../../src/api/examples/index.ts'
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

/** What only the running lab knows, in place of values of the example: ids, and content that an authority signs. */
interface Known {
  readonly input?: Readonly<Record<string, unknown>>
  readonly upload?: string
}

type Preparation = (stage: Stage) => Promise<Known>

/** Returns the example of an operation as a request, once the lab is in the state that it needs. */
export async function exampleCall(operation: Operation, stage: Stage): Promise<OperationCall> {
  const { input, upload } = (await preparations[operation.name]?.(stage)) ?? {}
  const example = examples[operation.name] ?? {}
  return callOf(
    operation,
    { ...example.input, ...input },
    example.upload && { ...example.upload, content: upload ?? example.upload.content },
  )
}

/** Returns the request that calls an operation with an input. */
export function callOf(
  operation: Operation,
  input: Readonly<Record<string, unknown>>,
  upload?: { readonly type: string; readonly content: string | Buffer },
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

const endedJob = async ({ id }: Answer['body'], { call }: Stage): Promise<Known> => {
  await expect.poll(async () => (await call({ path: `jobs/${id}` })).body.state).toBe('done')
  return { input: { id } }
}

const openAudit: Preparation = async (stage) => {
  const { id } = await run('audit.start', stage)
  await expect.poll(async () => (await stage.call({ path: `jobs/${id}/targets` })).status).toBe(200)
  return { input: { id } }
}

/** Runs the example of another operation first, and uses its answer. */
const after =
  (name: string, known: (body: Answer['body'], stage: Stage) => Known | Promise<Known> = () => ({})): Preparation =>
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
  await http.lab.deliver(mail, { from: 'shop@example.com', to: 'alice' })
  return { input: { id: (await call({ path: 'messages?limit=1' })).body.items[0].id } }
}

const severalMessages: Preparation = async (stage) => {
  const { input } = await message(stage)
  return { input: { ids: [input?.id] } }
}

/** Releases a message, which waits in the queue: nothing listens at the host of the connector. */
const queued =
  (known: (id: string) => Known): Preparation =>
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
    .poll(async () => (await call({ path: 'sessions?protocol=smtp&failed=true' })).body.total)
    .toBeGreaterThan(0)
  return {}
}

const session: Preparation = async (stage) => {
  await failedSession(stage)
  return { input: { id: (await stage.call({ path: 'sessions?protocol=smtp' })).body.items[0].id } }
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
async function orderByAcme({ name }: Answer['body'], { call }: Stage): Promise<Known> {
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

/** What the example of an operation needs besides a new lab. */
const preparations: Readonly<Record<string, Preparation>> = {
  'messages.list': async (stage) => {
    await message(stage)
    return {}
  },
  'messages.get': message,
  'messages.headers': message,
  'messages.text': message,
  'messages.html': message,
  'messages.thread': message,
  'messages.updateMany': severalMessages,
  'messages.moveMany': severalMessages,
  'messages.deleteMany': severalMessages,
  'messages.release': message,
  'messages.report': message,
  'messages.releaseMany': async (stage) => {
    await message(stage)
    return {}
  },
  'queue.list': after('queue.hold'),
  'queue.get': queued((id) => ({ input: { id } })),
  'queue.flush': queued(() => ({})),
  'queue.hold': queuedIds,
  'queue.unhold': after('queue.hold'),
  'queue.delete': queuedIds,
  'queue.bounce': queuedIds,
  'messages.raw': message,
  'messages.structure': message,
  'messages.part': message,
  'messages.update': message,
  'messages.move': message,
  'messages.delete': message,
  wait: async (stage) => {
    await message(stage)
    // Callers who do not see the message wait in vain.
    return { input: { timeout: '200ms' } }
  },
  'folders.create': async (stage) => {
    await removeFolders(['Invoices', 'Paid'], stage)
    return {}
  },
  'folders.get': after('folders.create', ({ id }) => ({ input: { id } })),
  'folders.rename': after('folders.create', ({ id }) => ({ input: { id } })),
  'folders.delete': after('folders.create', ({ id }) => ({ input: { id } })),
  'accounts.create': without('accounts/carol'),
  'accounts.update': after('accounts.create'),
  'accounts.delete': after('accounts.create'),
  'newsgroups.create': without('newsgroups/lab.releases'),
  'newsgroups.list': after('newsgroups.create'),
  'newsgroups.get': after('newsgroups.create'),
  'newsgroups.update': after('newsgroups.create'),
  'newsgroups.delete': after('newsgroups.create'),
  'newsgroups.threads': after('articles.post'),
  'articles.followUp': after('articles.post', ({ articles: [{ id }] }) => ({ input: { id } })),
  'articles.cancel': after('articles.post', ({ articles: [{ id }] }) => ({ input: { id } })),
  'feeds.queue': after('articles.post'),
  'sessions.list': failedSession,
  'sessions.get': session,
  'sessions.handshake': session,
  'sessions.capture': session,
  'virtualServers.create': without('virtual-servers/news-for-readers'),
  'virtualServers.delete': after('virtualServers.create'),
  'certificates.issue': without(unassign, 'certificates/Mail%202026'),
  'certificates.get': after('certificates.issue'),
  'certificates.unassign': after('certificates.issue'),
  'certificates.renew': after('certificates.issue'),
  'certificates.assign': after('certificates.issue'),
  'certificates.export': after('certificates.issue'),
  'certificates.rename': async (stage) => {
    await without(unassign, 'certificates/Mail')(stage)
    return after('certificates.issue')(stage)
  },
  'certificates.delete': async (stage) => {
    await run('certificates.issue', stage)
    return without(unassign)(stage)
  },
  'certificates.import': after('certificates.export', async (upload, stage) => {
    await without(unassign, 'certificates/Mail%202026', 'certificates/Imported')(stage)
    return { upload }
  }),
  'requests.create': without(noRequest),
  'requests.list': after('requests.create'),
  'requests.plan': without(noRequest),
  'requests.get': after('requests.create'),
  'requests.collect': after('authorities.create', async ({ name }, stage) => {
    await queueAt(name, stage)
    return {}
  }),
  'requests.cancel': after('requests.create'),
  'requests.install': after('requests.create', async ({ pem }, { outside }) => {
    outside.write('certreq.txt', pem)
    await outside.sign('outside', 'certreq.txt', 'answer.pem')
    return { upload: outside.text('answer.pem') }
  }),
  'authorities.create': without('authorities/Test%20CA?force=true'),
  'authorities.get': after('authorities.create'),
  'authorities.export': after('authorities.create'),
  'authorities.delete': after('authorities.create'),
  'authorities.service': after('authorities.create'),
  'authorities.orders': after('authorities.create', orderByAcme),
  'authorities.issued': after('authorities.create', async (_, { call }) => {
    const { upload } = examples['authorities.sign'] ?? {}
    await call({ path: 'authorities/sign?authority=Test%20CA', type: upload?.type ?? '', body: upload?.content ?? '' })
    return {}
  }),
  'authorities.revoke': after('authorities.issued', ({ items }) => ({ input: { certificate: items[0].serial } })),
  'authorities.answer': after('authorities.create', async ({ name }, stage) => ({
    input: { id: await queueAt(name, stage) },
  })),
  'authorities.requests': after('authorities.answer'),
  'log.list': failedSession,
  'dnsQueries.list': async ({ http }) => {
    const resolver = new Resolver()
    resolver.setServers([http.lab.dns.server])
    await resolver.resolveMx('lab.test')
    return {}
  },
  'dnsRecords.get': after('dnsRecords.add', ({ id }) => ({ input: { id } })),
  'dnsRecords.remove': after('dnsRecords.add', ({ id }) => ({ input: { id } })),
  'dnsDefects.list': after('dnsDefects.add'),
  'dnsDefects.get': after('dnsDefects.add', ({ id }) => ({ input: { id } })),
  'dnsDefects.remove': after('dnsDefects.add', ({ id }) => ({ input: { id } })),
  'faults.list': after('faults.add'),
  'faults.get': after('faults.add', ({ id }) => ({ input: { id } })),
  'faults.update': after('faults.add', ({ id }) => ({ input: { id } })),
  'faults.remove': after('faults.add', ({ id }) => ({ input: { id } })),
  'webhooks.deliveries': async (stage) => {
    await message(stage)
    await expect
      .poll(async () => (await stage.call({ path: 'webhooks/deliveries?state=failed' })).body.total)
      .toBeGreaterThan(0)
    return {}
  },
  'verify.start': endJobs,
  'audit.start': endJobs,
  'audit.targets': openAudit,
  'audit.results': openAudit,
  'jobs.list': after('verify.start'),
  'jobs.get': after('verify.start', endedJob),
  'jobs.cancel': after('verify.start', ({ id }) => ({ input: { id } })),
  'jobs.delete': after('verify.start', ({ id }) => ({ input: { id } })),
  'jobs.report': after('verify.start', endedJob),
  'tenants.create': without('tenants/ci42'),
  'tenants.get': after('tenants.create'),
  'tenants.list': after('tenants.create'),
  'tenants.delete': after('tenants.create'),
}
