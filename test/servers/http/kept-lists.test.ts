import { beforeAll, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { isThorough } from '../../support/thorough.ts'
import { basic, bearer, HttpLab } from './client.ts'

const SEED = Number(process.env.SEALPOST_FUZZ_SEED ?? 1018)
const ROUNDS = isThorough ? 40 : 10
const token = 'tenant-tenant-tenant'
const users = ['alice', 'bob', 't1-eve', 't1-x-eve']
const words = ['invoice', 'größe', 'report']

const random = seededRandom(SEED)
const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T

const callers = [
  {},
  basic('alice', 'secret'),
  basic('t1-x-eve', 'secret'),
  bearer(token),
] as const satisfies readonly Record<string, string>[]
const queries = [
  '',
  'is:unread',
  'invoice',
  '-subject:größe',
  'has:attachment',
  'folder:Box',
  'tag:a',
  'header:x-word:report',
]

/** The same question always has the same kept list; a condition of its own makes the lab read every message again. */
let questions = 0
const asked = (query: string, isKept: boolean): string =>
  encodeURIComponent(isKept ? query : `${query} -tag:none${++questions}`)

interface Listed {
  readonly total: number
  readonly items: readonly unknown[]
}

async function listed(headers: Record<string, string>, query: string, isKept: boolean): Promise<Listed> {
  return (await http.request(`messages?limit=1000&query=${asked(query, isKept)}`, { headers })).body
}

async function mailpit(headers: Record<string, string>, query: string, isKept: boolean): Promise<Listed> {
  const path = `/mailpit/api/v1/search?limit=1000&query=${asked(query || 'before:2100-01-01', isKept)}`
  return (await http.request(path, { headers })).body
}

const config = {
  directory: { accounts: users.map((user) => ({ user, password: 'secret' })) },
  access: { tokens: [{ name: 't1', role: 'tenant' as const, token }] },
  virtualServers: [{ protocol: 'http' as const }],
}
/** The account t1-x-eve belongs to this tenant, if it exists. */
const other = { name: 't1-x', role: 'tenant' as const, token: 'other-other-other-other' }
const withOther = { ...config, access: { tokens: [...config.access.tokens, other] } }

const http = HttpLab.ofTests(config)
beforeAll(async () => {
  for (const owner of ['alice', 't1-eve']) await http.request('folders', { json: { account: owner, name: 'Box' } })
})

async function deliver(): Promise<void> {
  const word = oneOf(words)
  const to = random() < 0.3 ? users : [oneOf(users)]
  const attachments = random() < 0.2 ? [{ filename: 'a.txt', content: 'octets' }] : []
  const message = { subject: oneOf(words), text: word, headers: { 'X-Word': word }, attachments }
  await http.lab.deliver({ from: 'shop@example.com', to: to.map((one) => `${one}@lab.test`), ...message }, { to })
}

const anyId = async (): Promise<string | undefined> => {
  const { items } = (await http.request('messages?limit=1000')).body as { items: { id: string }[] }
  return items.length === 0 ? undefined : oneOf(items).id
}

async function renameBox(): Promise<void> {
  const { items } = (await http.request('folders')).body as { items: { id: string; name: string }[] }
  const box = items.find(({ name }) => name.startsWith('Box'))
  const name = box?.name === 'Box' ? 'Box 2' : 'Box'
  if (box) await http.request(`folders/${box.id}`, { method: 'PATCH', json: { name } })
}

const changes: readonly (() => Promise<unknown>)[] = [
  deliver,
  deliver,
  deliver,
  async () => http.request(`messages/${await anyId()}`, { method: 'PATCH', json: { read: random() < 0.5 } }),
  async () => http.request(`messages/${await anyId()}`, { method: 'PATCH', json: { tags: [oneOf(['a', 'b'])] } }),
  async () => http.request(`messages/${await anyId()}`, { method: 'DELETE' }),
  async () => http.request(`messages/${await anyId()}/move`, { json: { folder: oneOf(['Box', 'INBOX']) } }),
  async () => http.request('messages?query=report+is:unread', { method: 'DELETE' }),
  () => http.lab.reload(oneOf([config, withOther])),
  () => renameBox(),
]

it(`lists that are kept are those that are read again, after any changes (seed ${SEED})`, async () => {
  let different = 0
  for (let round = 0; round < ROUNDS; round++) {
    const [headers, query] = [oneOf(callers), oneOf(queries)]
    const mails = async () => (await http.request('/mailpit/api/v1/messages?limit=1000', { headers })).body
    await mails()
    // Some lists are asked for while the messages change.
    const meanwhile = [listed(oneOf(callers), oneOf(queries), true), mailpit(oneOf(callers), oneOf(queries), true)]
    for (let change = 0; change < 3; change++) await oneOf(changes)()
    await Promise.all(meanwhile)
    const [kept, again] = [await listed(headers, query, true), await listed(headers, query, false)]
    expect(kept.items, `round ${round}, ${query}`).toEqual(again.items)
    expect(kept.total).toBe(again.total)
    expect(await mailpit(headers, query, true), `round ${round}, Mailpit, ${query}`).toEqual(
      await mailpit(headers, query, false),
    )
    const keptMails = await mails()
    // All lists are read again after a folder has changed.
    await renameBox()
    expect(keptMails, `round ${round}, Mailpit's list`).toEqual(await mails())
    if (kept.total > 0) different++
  }
  // A check of empty lists would show nothing.
  expect(different).toBeGreaterThan(ROUNDS / 4)
})

it('a list follows the name of a folder', async () => {
  await http.request('reset', { json: {} })
  const { body: folder } = await http.request('folders', { json: { account: 'bob', name: 'Named' } })
  await http.lab.deliver(
    { from: 'shop@example.com', to: 'bob@lab.test', subject: 'moved', text: 'Text' },
    { to: 'bob' },
  )
  await http.request(`messages/${await anyId()}/move`, { json: { folder: 'Named' } })
  const inFolder = async (name: string): Promise<number> => (await listed({}, `folder:${name}`, true)).total
  expect([await inFolder('Named'), await inFolder('Renamed')]).toEqual([1, 0])
  const renamed = await http.request(`folders/${folder.id}`, { method: 'PATCH', json: { name: 'Renamed' } })
  expect(renamed.status).toBe(200)
  expect([await inFolder('Named'), await inFolder('Renamed')]).toEqual([0, 1])
})

it('each tenant, token and account has lists of its own', async () => {
  await http.lab.reload(config)
  await http.request('reset', { json: {} })
  for (const to of users) {
    await http.lab.deliver({ from: 'shop@example.com', to: `${to}@lab.test`, subject: to, text: 'Text' }, { to })
  }
  const seen = async (path: string, headers: Record<string, string> = {}): Promise<string[]> =>
    (await http.request(path, { headers })).body.items.map(({ subject }: { subject: string }) => subject).sort()
  const all = ['alice', 'bob', 't1-eve', 't1-x-eve']
  expect(await seen('messages')).toEqual(all)
  expect(await seen('/t/t1/api/v1/messages')).toEqual(['t1-eve', 't1-x-eve'])
  expect(await seen('messages', bearer(token))).toEqual(['t1-eve', 't1-x-eve'])
  expect(await seen('messages', basic('alice', 'secret'))).toEqual(['alice'])
  expect(await seen('messages', basic('bob', 'secret'))).toEqual(['bob'])
  await http.lab.reload(withOther)
  expect(await seen('messages', bearer(token))).toEqual(['t1-eve'])
  expect(await seen('/t/t1-x/api/v1/messages')).toEqual(['t1-x-eve'])
  await http.lab.reload(config)
  expect(await seen('messages', bearer(token))).toEqual(['t1-eve', 't1-x-eve'])
})
