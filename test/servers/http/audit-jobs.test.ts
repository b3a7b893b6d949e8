import { randomInt } from 'node:crypto'
import { createTransport } from 'nodemailer'
import { afterEach, expect, it } from 'vitest'
import { badServers } from '../../../src/checks/audit/bad-servers.ts'
import { badPorts } from '../../../src/checks/audit/lab.ts'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { isFree } from '../../support/free-ports.ts'
import { LineClient } from '../../support/line-client.ts'
import { readJunit, readSarif } from '../../support/report-formats.ts'
import { type Answer, HttpLab } from './client.ts'
import { EventReader } from './event-reader.ts'

let http: HttpLab
let events: EventReader
afterEach(async () => {
  events.close()
  await http[Symbol.asyncDispose]()
})

async function start(more: LabInput = {}): Promise<void> {
  http = await HttpLab.start({ virtualServers: [{ protocol: 'http', certificate: 'none' }], ...more })
  events = await EventReader.open(http, 'types=job', {})
}

interface Target {
  readonly name: string
  readonly protocol: string
  readonly form: string
  readonly hostname: string
  readonly address: string
  readonly port: number
  readonly user: string
  readonly password: string
}

/** Starts an audit, and resolves with its servers once they are open. */
async function open(json: object): Promise<{ id: string; ca: string; items: Target[] }> {
  const { status, body } = await http.request('audit', { json })
  expect(status, body.detail).toBe(202)
  const isOpen = ({ job }: { job: Answer['body'] }): boolean =>
    job.id === body.id && (/waits for clients/.test(job.progress.now) || job.state !== 'running')
  await events.next('job.progress', isOpen)
  return { id: body.id, ...(await http.request(`jobs/${body.id}/targets`)).body }
}

/** Reports results, and resolves with the ended job. */
async function finish(id: string, results?: object[]): Promise<Answer['body']> {
  const { status } = await http.request(`jobs/${id}/results`, { json: results ? { results } : {} })
  expect(status).toBe(202)
  await events.next('job.done', ({ job }) => job.id === id)
  return (await http.request(`jobs/${id}`)).body
}

/** Sends a message with nodemailer, as a client elsewhere would. Resolves with whether that succeeds. */
async function send(
  target: Target,
  ca: string,
  tls: { requireTLS: true } | { opportunisticTLS: true },
): Promise<boolean> {
  const { address, port, form, hostname, user, password } = target
  const transport = createTransport({
    host: address,
    port,
    secure: form === 'implicit',
    ...tls,
    auth: { user, pass: password },
    tls: { ca, servername: hostname },
  })
  return transport.sendMail({ from: 'alice@lab.test', to: 'alice@lab.test', text: 'hello' }).then(
    () => true,
    () => false,
  )
}

const verdicts = ({ result }: Answer['body']): string[] =>
  result.results.map(({ name, verdict }: { name: string; verdict: string }) => `${name} ${verdict}`)

it('judges a client elsewhere by what crosses the wire', async () => {
  await start()
  const choice = { protocols: ['smtp'], forms: ['starttls'], names: ['expired', 'p256', 'starttls-stripped'] }
  const safe = await open(choice)
  expect(safe.items.map(({ name }) => name)).toEqual(['control', 'expired', 'p256', 'starttls-stripped'])
  expect(safe.items[1]).toMatchObject({ hostname: 'expired.badmail.localhost', address: '127.0.0.1', form: 'starttls' })
  expect((await http.request(`jobs/${safe.id}`)).body.waitsForClient).toBe(true)
  const visited = async () =>
    (await http.request(`jobs/${safe.id}/targets`)).body.items.map((one: { visited: boolean }) => one.visited)
  expect(await visited()).toEqual([false, false, false, false])
  for (const [index, target] of safe.items.entries()) {
    await send(target, safe.ca, { requireTLS: true })
    await events.next('job.progress', ({ job }) => job.id === safe.id && job.progress.done === index + 1)
  }
  expect(await visited()).toEqual([true, true, true, true])
  const job = await finish(safe.id)
  expect(job).toMatchObject({
    waitsForClient: false,
    about: 'SMTP · STARTTLS',
    progress: { done: 4, total: 4 },
    outcome: { ok: true, counts: { safe: 3, unsafe: 0 } },
  })
  expect(job.result.results[0].meaning).toMatch(/expired/i)
  expect(verdicts(job)).toEqual(['expired safe', 'p256 safe', 'starttls-stripped safe'])
  expect(job.result.controls).toMatchObject([{ protocol: 'smtp', succeeded: true }])
  // Its servers are gone.
  expect(await send(safe.items[2] as Target, safe.ca, { requireTLS: true })).toBe(false)
  expect((await http.request(`jobs/${safe.id}/targets`)).body.detail).toMatch(/are not open: it is done/)

  const unsafe = await open(choice)
  for (const target of unsafe.items) await send(target, unsafe.ca, { opportunisticTLS: true })
  const bad = await finish(unsafe.id)
  expect(verdicts(bad)).toEqual(['expired safe', 'p256 safe', 'starttls-stripped unsafe'])
  expect(bad.result.results[2].reason).toMatch(/^sent in clear text: AUTH PLAIN/)
  const { body: sarif } = await http.request(`jobs/${bad.id}/report?format=sarif`)
  expect(readSarif(JSON.stringify(sarif)).runs[0]?.results).toMatchObject([
    { ruleId: 'starttls-stripped', level: 'error' },
  ])
  const junit = await readJunit((await http.request(`jobs/${bad.id}/report?format=junit`)).body)
  expect(junit.testsuite?.[0]?.testcase?.flatMap(({ failure = [] }) => failure.map(({ type }) => type))).toEqual([
    'unsafe',
  ])
  expect((await http.request(`jobs/${bad.id}/report?format=text`)).body).toMatch(
    /^unsafe {2}starttls-stripped {2}smtp {2}starttls {2}refuse .*\n.*\n.*\n2 safe, 1 unsafe, 0 lax/,
  )
})

/** Completes a handshake, and sends nothing under TLS. */
async function shakeHands({ port }: Target, ca: string): Promise<boolean> {
  const client = await LineClient.greeted(port)
  client.send('STLS\r\n')
  await client.line()
  const isAccepted = await client.startTls(ca).then(
    () => true,
    () => false,
  )
  client.end()
  return isAccepted
}

it('needs the report of a client that only completes a handshake', async () => {
  await start()
  const choice = { protocols: ['pop3'], forms: ['starttls'], names: ['expired', 'p256'] }
  const silent = await open(choice)
  for (const target of silent.items) await shakeHands(target, silent.ca)
  const failed = await finish(silent.id)
  expect(failed).toMatchObject({ state: 'failed', result: null })
  expect(failed.error.detail).toMatch(/^nothing was judged, .*pop3 starttls: it sent nothing under TLS/)

  const reporting = await open(choice)
  const results = []
  for (const target of reporting.items) {
    const { name, protocol, form } = target
    results.push({ name, protocol, form, accepted: await shakeHands(target, reporting.ca), detail: 'one line' })
  }
  expect(results.map(({ accepted }) => accepted)).toEqual([true, false, true])
  const job = await finish(reporting.id, results)
  expect(verdicts(job)).toEqual(['expired safe', 'p256 safe'])
  expect(job.result.results[0]).toMatchObject({ accepted: false, detail: 'one line' })
})

it('says what the client has not done, after the time', async () => {
  await start()
  const { body } = await http.request('audit', { json: { protocols: ['nntp'], names: ['p256'], timeout: '1ms' } })
  await events.next('job.done')
  const { state, error } = (await http.request(`jobs/${body.id}`)).body
  expect([state, error.detail]).toEqual([
    'failed',
    expect.stringMatching(/nntp starttls, nntp implicit: .* did not connect/),
  ])
})

/** Returns a first port with which both ports of the audit are free. They are below those that systems give to clients. */
async function freeFirstPort(offsets: readonly number[]): Promise<number> {
  for (;;) {
    const first = randomInt(10_000, 30_000)
    if ((await Promise.all(offsets.map((offset) => isFree(first + offset)))).every(Boolean)) return first
  }
}

it('opens its servers where the configuration says, in the order of config/badmail.yaml', async () => {
  const [expired = 0] = badPorts
    .filter(({ name, protocol, form }) => name === 'expired' && protocol === 'imap4' && form === 'implicit')
    .map(({ port }) => port - 20_000)
  // The good server comes after all bad ones. Each has ten ports.
  const control = badServers.length * 10 + (expired % 10)
  const firstPort = await freeFirstPort([expired, control])
  await start({ audit: { address: '0.0.0.0', firstPort } })
  const choice = { protocols: ['imap4'], forms: ['implicit'], names: ['expired'] }
  const { id, items } = await open(choice)
  expect(items.map(({ address, port }) => [address, port - firstPort])).toEqual([
    ['0.0.0.0', control],
    ['0.0.0.0', expired],
  ])
  // The second audit needs the same ports.
  const { body } = await http.request('audit', { json: choice })
  await events.next('job.done', ({ job }) => job.id === body.id)
  expect((await http.request(`jobs/${body.id}`)).body.error.detail).toMatch(/^the servers cannot be opened: .*\d{4}/)
  await http.request(`jobs/${id}/cancel`, { json: {} })
})

it('runs no program, and says what is wrong with its input', async () => {
  await start()
  const answers = [
    await http.request('audit', { json: { command: ['true'] } }),
    await http.request('audit', { json: { names: ['nothing'] } }),
    await http.request('audit', { json: { names: ['preauth'], protocols: ['smtp'] } }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([422, 422, 422])
  expect(answers.map(({ body }) => body.detail)).toEqual([
    expect.stringMatching(/\/command: is unknown/),
    expect.stringMatching(/no bad server "nothing"/),
    expect.stringMatching(/no bad server has this name, protocol and form/),
  ])
  expect((await http.request('jobs/audit-9/results', { json: {} })).status).toBe(404)
})
