import { afterEach, expect, it } from 'vitest'
import type { LabInput } from '../../../src/core/config/schema.ts'
import { startLab } from '../../../src/testing/index.ts'
import { readJunit, readSarif } from '../../support/report-formats.ts'
import { type Answer, bearer, HttpLab } from './client.ts'
import { EventReader } from './event-reader.ts'

const [admin, watcher, tenant] = ['admin', 'watcher', 'tenant'].map((name) => `${name}-token`.repeat(4)) as [
  string,
  string,
  string,
]

let http: HttpLab
const readers: EventReader[] = []
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.close()
  await http[Symbol.asyncDispose]()
})

async function start(more: LabInput = {}): Promise<EventReader> {
  http = await HttpLab.start({
    directory: { accounts: [{ user: 'alice', password: 'a long secret' }] },
    access: {
      tokens: [
        { name: 'ci', token: admin },
        { name: 'watcher', role: 'reader', token: watcher },
        { name: 'one', role: 'tenant', token: tenant },
      ],
    },
    virtualServers: [
      { protocol: 'smtp', tlsPort: 'off' },
      { protocol: 'pop3', name: 'Post Office', requireSecureChannel: true },
      { protocol: 'http', authentication: ['basic'] },
    ],
    ...more,
  })
  const reader = await EventReader.open(http, 'types=job', bearer(admin))
  readers.push(reader)
  return reader
}

const call = (path: string, json?: object): Promise<Answer> =>
  http.request(path, { headers: bearer(admin), ...(json ? { json } : {}) })

/** Starts a job, and resolves with it once it has ended. */
async function run(events: EventReader, path: string, json: object): Promise<Answer['body']> {
  const { status, headers, body } = await call(path, json)
  expect(status, body.detail).toBe(202)
  expect(headers.get('location')).toBe(`/api/v1/jobs/${body.id}`)
  await events.next('job.done', ({ job }) => job.id === body.id)
  return (await call(headers.get('location') as string)).body
}

it('verify examines the virtual servers of the lab, with progress, and answers as sealpost verify does', async () => {
  const events = await start()
  const only = ['reachable', 'chain', 'secure-channel', 'delivery']
  const job = await run(events, 'verify', { only, user: 'alice', password: 'a long secret' })
  expect(job.input).toEqual({ only, user: 'alice', timeout: '10000ms' })
  expect(job).toMatchObject({
    kind: 'verify',
    by: 'ci',
    about: [http.lab.server('smtp').name, 'Post Office', http.lab.server('http').name].join(', '),
    state: 'done',
    progress: { done: 18, total: 18, now: 'done' },
    outcome: { ok: true, counts: { fail: 0 } },
    partial: null,
    error: null,
    result: { ok: true, counts: { fail: 0 } },
  })
  const { name: smtp } = http.lab.server('smtp')
  const { endpoints } = job.result
  expect(endpoints).toMatchObject([
    { name: smtp, implicitTls: false },
    { name: 'Post Office', implicitTls: false },
    { name: 'Post Office', implicitTls: true },
    { protocol: 'http', implicitTls: false },
    { protocol: 'http', implicitTls: true },
  ])
  expect(endpoints[0].checks.map(({ check }: { check: string }) => check)).toEqual(only)
  const progress = events.received.filter(({ event }) => event === 'job.progress')
  expect(progress.at(-1)?.data.job).toMatchObject({ id: job.id, state: 'running', progress: { done: 18 } })
  expect(progress[1]?.data.job.progress.now).toMatch(/, port \d+: reachable$/)
  // Its own connections are not those of clients.
  expect(http.lab.sessions().filter(({ protocol }) => protocol !== 'http')).toEqual([])
})

it('verify examines what is asked for, and reports as JSON, text, JUnit and SARIF', async () => {
  const events = await start()
  const job = await run(events, 'verify', {
    virtualServers: ['post-office'],
    form: 'starttls',
    only: ['names'],
    serverName: 'other.test',
  })
  expect(job.result).toMatchObject({ ok: false, endpoints: [{ name: 'Post Office', checks: [{ outcome: 'fail' }] }] })
  const report = (format: string): Promise<Answer> => call(`jobs/${job.id}/report?format=${format}`)
  expect((await report('json')).body).toEqual(job.result)
  expect((await report('text')).body).toMatch(
    /^Post Office, port \d+ .*\n {2}FAIL .*other\.test.*\nfailed: Post Office/,
  )
  const junit = await report('junit')
  expect(junit.headers.get('content-type')).toBe('application/xml')
  const { testsuite = [] } = await readJunit(junit.body)
  expect(testsuite).toMatchObject([{ name: expect.stringMatching(/^Post Office, port \d+$/), tests: 1, failures: 1 }])
  const sarif = await report('sarif')
  expect(sarif.headers.get('content-type')).toBe('application/sarif+json')
  expect(readSarif(JSON.stringify(sarif.body)).runs[0]?.results).toMatchObject([{ ruleId: 'names', level: 'error' }])
})

it('verify connects only to loopback addresses and to hosts that the configuration lists', async () => {
  const events = await start({ verify: { targets: ['0.0.0.0'] } })
  for (const host of ['mail.example.test', '192.0.2.7', '127.evil.example', 'x.localhost', '[::1]']) {
    const { status, body } = await call('verify', { host })
    expect([status, body.detail], host).toEqual([
      403,
      expect.stringContaining(`add ${host} to \`testing.verify.targets\``),
    ])
  }
  const { port } = http.lab.server('smtp')
  for (const host of ['127.0.0.1', 'localhost', '0.0.0.0']) {
    const job = await run(events, 'verify', { host, protocols: ['smtp'], port, only: ['greeting'], ca: http.lab.ca })
    expect(job.result, host).toMatchObject({ ok: true, endpoints: [{ host, checks: [{ outcome: 'pass' }] }] })
  }
})

it('verify fetches no revocation list from a host that is not listed', async () => {
  const events = await start()
  await using other = await startLab({
    hostname: 'mail.example.test',
    certificates: { service: { port: 0 } },
    virtualServers: [{ protocol: 'pop3' }],
  })
  const { tlsPort: port } = other.server('pop3')
  const where = { host: '127.0.0.1', protocols: ['pop3'], port, form: 'implicit' }
  const job = await run(events, 'verify', { ...where, only: ['chain', 'revocation'], ca: other.ca })
  expect(job.result.endpoints[0].checks).toMatchObject([
    { check: 'chain', outcome: 'pass' },
    {
      outcome: 'not-applicable',
      words: expect.stringMatching(/host that is not listed: http:\/\/mail\.example\.test/),
    },
  ])
})

it('verify says what is wrong with its input', async () => {
  await start()
  const cases: [object, number, RegExp][] = [
    [{ only: ['greeting', 'speed'] }, 422, /\/only\/1: is not a check; there are: reachable, /],
    [{ virtualServers: ['nothing'] }, 404, /no virtual server nothing; there are: .*, post-office, /],
    [{ host: '127.0.0.1', port: 25 }, 422, /a port needs one protocol/],
    [{ user: 'carol' }, 422, /carol is not in the configuration/],
    [{ timeout: '2m' }, 422, /up to 60s/],
  ]
  for (const [json, status, detail] of cases) {
    const answer = await call('verify', json)
    expect([answer.status, answer.body.detail]).toEqual([status, expect.stringMatching(detail)])
  }
})

const waiting = { protocols: ['pop3'], forms: ['implicit'], names: ['p256'] }

it('jobs are limited in number, cancelled, deleted and listed', async () => {
  const events = await start()
  const [one, two] = [(await call('audit', waiting)).body.id, (await call('audit', waiting)).body.id]
  const third = await call('verify', {})
  expect([third.status, third.headers.get('retry-after')]).toEqual([429, '5'])
  expect(third.body.detail).toMatch(/audit-1 and audit-2 are running/)
  expect((await call('jobs?state=running')).body).toMatchObject({ total: 2, items: [{ id: two }, { id: one }] })
  expect((await call(`jobs/${one}/report`)).body.detail).toMatch(/has no result: it is running/)
  const cancelled = await call(`jobs/${one}/cancel`, {})
  expect(cancelled.body).toMatchObject({ id: one, state: 'cancelled', result: null, error: null })
  expect(await events.next('job.done')).toMatchObject({ job: { id: one, state: 'cancelled' } })
  expect((await http.request(`jobs/${two}`, { method: 'DELETE', headers: bearer(admin) })).status).toBe(204)
  expect((await call('jobs')).body.items).toMatchObject([{ id: one }])
  expect((await call(`jobs/${two}`)).status).toBe(404)
})

it('a running verify is cancelled immediately, although a server is silent', async () => {
  const events = await start({
    faults: [{ when: { on: 'connect', protocol: 'smtp' }, do: { silence: true } }],
  })
  const { body } = await call('verify', { virtualServers: [http.lab.server('smtp').name], timeout: '60s' })
  await events.next('job.progress', ({ job }) => /reachable/.test(job.progress.now))
  // Results are shown before the end, and afterwards.
  const running = (await call(`jobs/${body.id}`)).body
  const cancelled = (await call(`jobs/${body.id}/cancel`, {})).body
  expect([running.state, cancelled.state]).toEqual(['running', 'cancelled'])
  for (const { result, outcome, partial } of [running, cancelled]) {
    expect([result, outcome]).toEqual([null, null])
    expect(partial.endpoints[0].checks[0]).toMatchObject({ check: 'reachable', outcome: 'pass' })
  }
})

it('jobs end with the lab', async () => {
  const events = await start()
  const { body } = await call('audit', waiting)
  await events.next('job.progress', ({ job }) => /waits for clients/.test(job.progress.now))
  const { port } = (await call(`jobs/${body.id}/targets`)).body.items[0]
  await http.lab.stop()
  await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow()
})
