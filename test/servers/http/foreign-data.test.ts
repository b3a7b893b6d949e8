import { createTransport } from 'nodemailer'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { loadExamples } from '../../../src/api/openapi/examples.ts'
import { pathParameters } from '../../../src/api/openapi/parameters.ts'
import type { Operation } from '../../../src/api/operation.ts'
import { operations } from '../../../src/api/operations.ts'
import { inputSchema } from '../../fuzz/operations/calls.ts'
import { isLong } from '../../support/long.ts'
import { isThorough, some } from '../../support/thorough.ts'
import { basic, bearer, HttpLab } from './client.ts'
import { undocumented } from './documented.ts'
import { callOf } from './operation-cases.ts'

const examples = await loadExamples()
/** Occurs in everything that belongs to alice, to the tenant `two` and to administrators, and in nothing else. */
const MARK = 'xyzzy'
const [ci, one, two] = ['ci', 'one', 'two'].map((name) => `${name}-${MARK}-token`.padEnd(32, '.')) as [
  string,
  string,
  string,
]
const admin = bearer(ci)
const owners = ['alice', 'two-mallory'] as const

/** Values of other people's properties, by the name of a parameter, and by resource and name. */
const foreign: Record<string, unknown[]> = {}

const http = HttpLab.ofTests({
  testing: { packets: 'memory' },
  dns: { port: 0 },
  directory: {
    accounts: ['alice', 'bob', 'one-eve', 'two-mallory'].map((user) => ({ user, password: `${MARK}-of-${user}` })),
  },
  access: {
    tokens: [
      { name: 'ci', token: ci },
      { name: 'one', role: 'tenant', token: one },
      { name: 'two', role: 'tenant', token: two },
    ],
  },
  webhooks: [{ url: `http://127.0.0.1:9/${MARK}`, secret: MARK.repeat(8), filter: `subject:never-${MARK}` }],
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    {
      protocol: 'nntp',
      feeds: [
        {
          peer: 'news.example.net',
          direction: 'out',
          host: '127.0.0.1',
          port: 1,
          tls: 'off',
          user: MARK,
          password: MARK,
        },
      ],
    },
    { protocol: 'http', authentication: ['basic'], limits: { failedLogonDelay: '1ms' } },
  ],
})
beforeAll(async () => {
  const create = async (path: string, json: object, headers = admin) => {
    const { status, body } = await http.request(path, { json, headers })
    expect(status, `${path} ${JSON.stringify(body)}`).toBeLessThan(300)
    return body
  }
  const ids = async (path: string) =>
    (await http.request(path, { headers: admin })).body.items.map(({ id }: { id: string }) => id)
  foreign['folders.id'] = []
  for (const user of owners) {
    const transport = createTransport(http.lab.nodemailer({ user, pass: `${MARK}-of-${user}` }))
    const mail = { from: `${user}@lab.test`, subject: MARK, text: MARK, html: `<b>${MARK}</b>` }
    await transport.sendMail({
      ...mail,
      to: `${user}@lab.test`,
      attachments: [{ filename: `${MARK}.txt`, content: MARK }],
    })
    await transport.sendMail({ ...mail, to: `customer@${MARK}.example` })
    foreign['folders.id'].push((await create('folders', { account: user, name: MARK })).id)
  }
  await create('newsgroups', { name: `two.${MARK}`, description: MARK }, bearer(two))
  await create('articles', { newsgroups: [`two.${MARK}`], subject: MARK, text: MARK }, bearer(two))
  await create('faults', { when: { verb: 'RCPT', user: MARK }, do: { reply: `451 4.7.1 ${MARK}` } })
  await create('dns/records', { record: `${MARK}.lab.test TXT ${MARK}` })
  await create('dns/defects', { defect: 'nxdomain', name: `${MARK}.lab.test` })
  await create('authorities', { name: MARK, key: 'p256', type: 'standalone' })
  await create('certificates', { for: 'imap4', key: 'p256', authority: MARK })
  const job = await create('audit', { protocols: ['smtp'], forms: ['implicit'], names: ['expired'] })
  const areOpen = async (): Promise<void> => {
    expect((await http.request(`jobs/${job.id}/targets`, { headers: admin })).status).toBe(200)
  }
  await vi.waitFor(areOpen, { timeout: 30_000 })
  foreign['messages.id'] = await ids(`messages?query=subject:${MARK}&limit=100`)
  foreign['articles.id'] = await ids(`messages?newsgroup=two.${MARK}`)
  foreign['folders.id'].push(...(await ids('folders?account=alice')))
  foreign['sessions.id'] = await ids('sessions?user=alice')
  foreign['faults.id'] = await ids('faults')
  foreign['dnsRecords.id'] = ['r1']
  foreign['dnsDefects.id'] = await ids('dns/defects')
  foreign['dnsZones.name'] = ['lab.test']
  foreign['feeds.id'] = await ids('feeds')
  foreign['jobs.id'] = foreign['audit.id'] = [job.id]
  foreign['virtualServers.id'] = ['default-smtp-virtual-server']
  foreign.ids = [foreign['messages.id']]
  foreign.account = foreign.user = [...owners]
  foreign.newsgroup = foreign['newsgroups.name'] = [`two.${MARK}`]
  foreign.newsgroups = [[`two.${MARK}`]]
  foreign.folder = [MARK]
  foreign.query = [MARK, 'captured:yes', 'account:alice']
  foreign.to = [['alice'], 'alice@lab.test', ['two-mallory']]
  foreign['tenants.name'] = ['two']
  foreign['authorities.name'] = foreign.authority = [MARK]
  foreign.all = [true]
  foreign.for = ['imap4']
  before = await state()
})

const strangers = {
  'another tenant': bearer(one),
  'an account of another tenant': basic('one-eve', `${MARK}-of-one-eve`),
  'another account': basic('bob', `${MARK}-of-bob`),
}

/** The state that strangers must not change. */
async function state(): Promise<object> {
  const paths = [
    ...owners.flatMap((user) => [`messages?limit=1000&account=${user}`, `folders?account=${user}`]),
    'messages?limit=1000&query=captured:yes',
    `messages?newsgroup=two.${MARK}`,
    'accounts',
    'newsgroups',
    'tenants',
    'faults',
    'dns/records',
    'dns/defects',
    'authorities',
    'certificates',
    'requests',
    'configuration/yaml',
    'jobs?state=running',
  ]
  return Object.fromEntries(
    await Promise.all(paths.map(async (path) => [path, (await http.request(path, { headers: admin })).body])),
  )
}

/** Returns inputs of an operation that name what belongs to others, besides its example. */
function inputsOf(operation: Operation): Record<string, unknown>[] {
  const [resource = ''] = operation.name.split('.')
  const { properties = {}, required = [] } = inputSchema(operation)
  const known = (name: string): unknown[] => foreign[`${resource}.${name}`] ?? foreign[name] ?? []
  const example = examples[operation.name]?.input ?? {}
  const needed = [...pathParameters(operation.path), ...required].map(
    (name) => [name, known(name)[0] ?? example[name] ?? 'x'] as const,
  )
  const least = { ...Object.fromEntries(needed), ...('timeout' in properties ? { timeout: '10ms' } : {}) }
  const each = Object.keys(properties).flatMap((name) => known(name).map((value) => ({ ...least, [name]: value })))
  return [{ ...example, ...least }, least, ...each]
}

let before: object = {}

/** Addresses of the API: the lab's, and that of the tenant whose data are foreign. */
const BASES = ['', '/t/two']
const TRIES = Object.keys(strangers).length * BASES.length

/** Returns an answer as text, without the sessions of the strangers: their refusals repeat what the strangers have sent. */
const shownOf = (body: unknown): string =>
  JSON.stringify(body, (key, value) =>
    key === 'items' && Array.isArray(value)
      ? value.filter(({ user }: { user?: string }) => user !== 'one-eve' && user !== 'bob')
      : value,
  )

/** Operations whose answers everyone may see: the certificates of the servers, and who has issued them. */
const PUBLIC = ['authorities.list', 'authorities.get', 'authorities.export', 'certificates.list', 'certificates.get']
/** Accounts may send mail to each other. */
const SENDS = ['messages.send', 'messages.import']

describe.each(operations.map((operation, index) => [operation.name, operation, index] as const))(
  '%s',
  (name, operation, index) => {
    it('shows strangers nothing of others, and changes nothing', async () => {
      // A quarter of the inputs of most operations in the short form.
      for (const [row, input] of some(inputsOf(operation), 2).entries()) {
        const { path, type, ...rest } = callOf(operation, input, examples[name]?.upload)
        for (const [column, [who, headers]] of Object.entries(strangers).entries()) {
          for (const [at, base] of BASES.entries()) {
            // The short form tries each input with one stranger at one address, the next input with the next.
            if (!isLong && (row + index) % TRIES !== column * BASES.length + at) continue
            const fields = { ...headers, connection: 'close', ...(type ? { 'content-type': type } : {}) }
            const answer = await http.request(`${base}/api/v1/${path}`, { ...rest, headers: fields })
            const what = `${who}: ${base} ${path} ${JSON.stringify(rest.json ?? '')}: ${answer.status} ${JSON.stringify(answer.body)}`
            expect(undocumented(operation, answer), what).toEqual([])
            expect(answer.status, what).toBeLessThan(500)
            if (answer.status < 300 && !PUBLIC.includes(name)) expect(shownOf(answer.body), what).not.toContain(MARK)
          }
        }
      }
      // A GET that changes something is noticed after the next operation, unless that may change something.
      const next = operations[index + 1]
      // In the short form, other operations leave it to a later one as well.
      const isLeftToNext = operation.method === 'GET' || (!isThorough && index % 10 !== 0 && !SENDS.includes(name))
      if (isLeftToNext && next && !SENDS.includes(next.name)) return
      const after = await state()
      if (!SENDS.includes(name)) expect(after).toEqual(before)
      before = after
    })
  },
)
