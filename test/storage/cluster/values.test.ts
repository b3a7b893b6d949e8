import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { HttpLab } from '../../servers/http/client.ts'
import { newFolder } from '../../support/folder.ts'
import { ImapClient } from '../../support/imap-client.ts'
import { LineClient } from '../../support/line-client.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'
import { isThorough } from '../../support/thorough.ts'

const GENEROUS = { timeout: 20_000, interval: 10 }

const yaml = (url: string, schema: string): string => `store: { postgres: ${url}, pool: 4 }
cluster: { name: ${schema} }
certificates: { store: memory, key: p256 }
directory: { unknown: create, accounts: [{ user: alice, password: secret }] }
testing:
  faults: [{ name: twice, when: { verb: NOOP }, do: { reply: 451 4.3.0 twice }, times: 2 }]
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: imap4, port: 0, tlsPort: off }
  - { protocol: http, port: 0, tlsPort: off, authentication: [basic], forwarded: { from: [192.0.2.1] } }
`

/** Two nodes of one lab in this process, each with a configuration file of its own. */
class TwoNodes implements AsyncDisposable {
  readonly one: HttpLab
  readonly other: HttpLab
  readonly files: readonly string[]
  readonly #folder: string
  private constructor(one: HttpLab, other: HttpLab, files: readonly string[], folder: string) {
    this.one = one
    this.other = other
    this.files = files
    this.#folder = folder
  }

  static async start(): Promise<TwoNodes> {
    const { url, schema } = await freshDatabase()
    const folder = newFolder()
    const files = ['one', 'other'].map((name) => {
      mkdirSync(join(folder, name))
      const file = join(folder, name, 'lab.yaml')
      writeFileSync(file, yaml(url, schema))
      return file
    })
    const one = await HttpLab.ofFile(files[0] as string)
    return new TwoNodes(one, await HttpLab.ofFile(files[1] as string), files, folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.one[Symbol.asyncDispose]()
    await this.other[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true })
  }
}

/** Calls the API of a node with the token that the lab has generated. */
const call = (
  { request, lab }: HttpLab,
  http: HttpLab,
  path: string,
  options: { json?: unknown; method?: string } = {},
) => request.call(http, path, { ...options, headers: { authorization: `Bearer ${lab.administratorToken}` } })
const api = (http: HttpLab, path: string, json?: unknown, method?: string) =>
  call(http, http, path, { ...(json === undefined ? {} : { json }), ...(method === undefined ? {} : { method }) })

async function replyTo(http: HttpLab, command: string): Promise<string> {
  const client = await SmtpSender.open(http.lab.server('smtp').port ?? 0)
  const reply = await client.ask(command)
  client.close()
  return reply
}

async function logsOn(http: HttpLab, user: string, password: string): Promise<boolean> {
  const client = await LineClient.greeted(http.lab.server('imap4').port ?? 0)
  client.send(`a LOGIN ${user} ${password}\r\n`)
  const [reply] = (await client.lines((line) => line.startsWith('a '))).slice(-1)
  client.destroy()
  return reply?.startsWith('a OK') === true
}

describe.skipIf(!needsPostgres())('what two nodes share', () => {
  let nodes: TwoNodes
  let one: HttpLab
  let other: HttpLab
  beforeAll(async () => {
    nodes = await TwoNodes.start()
    ;({ one, other } = nodes)
  })
  afterAll(() => nodes?.[Symbol.asyncDispose]())

  test('the generated token of an administrator', async () => {
    expect(one.lab.administratorToken).toMatch(/^[\w-]{32}$/)
    expect(other.lab.administratorToken).toBe(one.lab.administratorToken)
    expect((await api(other, 'status')).body).toMatchObject({ role: 'administrator' })
  })

  test.runIf(isThorough)('accounts: created on one, used on the other immediately, changed and deleted', async () => {
    for (const user of ['carla', 'dora', 'eve']) {
      expect((await api(one, 'accounts', { user, password: 'first' })).status).toBe(201)
      expect(await logsOn(other, user, 'first')).toBe(true)
    }
    expect((await api(other, 'accounts', { user: 'carla', password: 'again' })).status).toBe(409)
    expect((await api(other, 'accounts/carla', { password: 'second' }, 'PATCH')).status).toBe(200)
    expect(await logsOn(one, 'carla', 'first')).toBe(false)
    expect(await logsOn(one, 'carla', 'second')).toBe(true)
    expect((await api(one, 'accounts/carla', { state: 'locked' }, 'PATCH')).body).toMatchObject({ state: 'locked' })
    expect(await logsOn(other, 'carla', 'second')).toBe(false)
    expect((await api(one, 'accounts/carla', { state: null }, 'PATCH')).body).toMatchObject({ state: null })
    expect(await logsOn(other, 'carla', 'second')).toBe(true)
    expect((await api(other, 'accounts/carla', undefined, 'DELETE')).status).toBe(204)
    expect(await logsOn(one, 'carla', 'second')).toBe(false)
  })

  test('an account that mail has created', async () => {
    const client = await SmtpSender.open(one.lab.server('smtp').port ?? 0)
    expect(await client.send('Subject: hello\r\n\r\nhello\r\n', { to: ['new@elsewhere.test'] })).toMatch(/^250 /)
    client.close()
    const imap = await ImapClient.open(other.lab.server('imap4').port ?? 0, 'new@elsewhere.test', 'new@elsewhere.test')
    expect((await imap.ok('EXAMINE INBOX')).join('\n')).toContain('* 1 EXISTS')
  })

  test.runIf(isThorough)(
    'tenants: two nodes do not create the same, and its token and accounts work on both',
    async () => {
      const name = 'shared'
      const both = await Promise.all([api(one, 'tenants', { name }), api(other, 'tenants', { name })])
      expect(both.map(({ status }) => status).sort()).toEqual([201, 409])
      const { token, accounts } = both.find(({ status }) => status === 201)?.body ?? {}
      for (const http of [one, other]) {
        const seen = await http.request('accounts', { headers: { authorization: `Bearer ${token}` } })
        expect(seen.body.items.map(({ user }: { user: string }) => user)).toEqual(['shared-alice', 'shared-bob'])
        expect(await logsOn(http, accounts[0].user, accounts[0].password)).toBe(true)
      }
      expect((await api(other, 'tenants/shared', undefined, 'DELETE')).status).toBe(204)
      const gone = await one.request('accounts', { headers: { authorization: `Bearer ${token}` } })
      expect(gone.status).toBe(401)
    },
  )

  test('a browser that has logged on', async () => {
    const authorization = `Bearer ${one.lab.administratorToken}`
    const begun = await one.request('session', { method: 'POST', headers: { authorization } })
    const cookie = (begun.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    expect(cookie).toMatch(/^sealpost-\d+=./)
    // Behind a balancer, both nodes have the same host and port.
    const named = cookie.replace(/-\d+=/, `-${other.lab.server('http').port}=`)
    expect((await other.request('status', { headers: { cookie: named } })).body).toMatchObject({
      role: 'administrator',
    })
    expect((await other.request('session', { method: 'DELETE', headers: { cookie: named } })).status).toBe(204)
    expect((await one.request('status', { headers: { cookie } })).status).toBe(401)
  })

  test('a fault of the API happens as often as it says, on both nodes together', async () => {
    const fault = { when: { protocol: 'smtp', verb: 'VRFY' }, do: { reply: '451 4.3.0 fault' }, skip: 2, times: 3 }
    const { body } = await api(one, 'faults', fault)
    await vi.waitFor(async () => expect((await api(other, 'faults')).body.total).toBe(2), GENEROUS)
    const replies = await Promise.all(
      Array.from({ length: 12 }, (_, n) => replyTo(n % 2 === 0 ? one : other, 'VRFY alice')),
    )
    expect(replies.filter((reply) => reply === '451 4.3.0 fault')).toHaveLength(3)
    for (const http of [one, other]) expect((await api(http, `faults/${body.id}`)).body.hits).toBe(3)
    const changed = await api(other, `faults/${body.id}`, { skip: 0, times: 1 }, 'PATCH')
    expect(changed.body).toMatchObject({ id: body.id, hits: 0 })
    await vi.waitFor(async () => expect((await api(one, `faults/${body.id}`)).body.fault.times).toBe(1), GENEROUS)
    const again = await Promise.all([one, other, one, other].map((http) => replyTo(http, 'VRFY alice')))
    expect(again.filter((reply) => reply === '451 4.3.0 fault')).toHaveLength(1)
    expect((await api(one, `faults/${body.id}`, undefined, 'DELETE')).status).toBe(204)
    await vi.waitFor(async () => expect((await api(other, 'faults')).body.total).toBe(1), GENEROUS)
  })

  test('the count of a configured fault, and of one that names a connection', async () => {
    const replies = await Promise.all([one, other, one, other, one].map((http) => replyTo(http, 'NOOP')))
    expect(replies.filter((reply) => reply === '451 4.3.0 twice')).toHaveLength(2)
    const { body } = await api(one, 'faults', {
      when: { protocol: 'smtp', verb: 'HELP', connection: 2 },
      do: { reply: '451 4.3.0 second' },
    })
    await vi.waitFor(async () => expect((await api(other, 'faults')).body.total).toBe(2), GENEROUS)
    const second = []
    for (const http of [one, other, one, other]) second.push(await replyTo(http, 'HELP'))
    expect(second.map((reply) => reply === '451 4.3.0 second')).toEqual([false, true, false, false])
    await api(other, `faults/${body.id}`, undefined, 'DELETE')
  })

  test('the clock', async () => {
    await api(one, 'clock', { now: '2031-05-06T07:08:09Z', frozen: true }, 'PATCH')
    await vi.waitFor(
      async () =>
        expect((await api(other, 'clock')).body).toMatchObject({ now: '2031-05-06T07:08:09.000Z', frozen: true }),
      GENEROUS,
    )
    await api(other, 'clock', { reset: true }, 'PATCH')
    expect((await api(one, 'clock')).body).toMatchObject({ frozen: false, offsetMs: 0 })
  })

  test('waits: each message is returned by one of them', async () => {
    const subjects = Array.from({ length: 6 }, (_, n) => `wait ${n}`)
    const waits = subjects.map((_, n) =>
      api(n % 2 === 0 ? one : other, 'wait', { to: 'alice@lab.test', timeout: '20s' }),
    )
    const client = await SmtpSender.open(one.lab.server('smtp').port ?? 0)
    for (const subject of subjects) await client.send(`Subject: ${subject}\r\n\r\nhello\r\n`)
    client.close()
    const found = (await Promise.all(waits)).map(({ body }) => body.subject as string)
    expect(found.sort()).toEqual(subjects)
  })

  test('a change of the configuration', async () => {
    const change = { changes: [{ op: 'set', path: '/hostname', value: 'changed.lab.test' }] }
    const changed = await api(one, 'configuration', change, 'PATCH')
    expect(changed.body).toMatchObject({ applied: true })
    await vi.waitFor(async () => expect((await api(other, 'status')).body.hostname).toBe('changed.lab.test'), GENEROUS)
    const [first, second] = nodes.files.map((file) => readFileSync(file, 'utf8'))
    expect(second).toBe(first)
    expect(second).toContain('changed.lab.test')
    // Back, from the other side.
    await api(other, 'configuration', { changes: [{ op: 'remove', path: '/hostname' }] }, 'PATCH')
    await vi.waitFor(
      async () => expect((await api(one, 'status')).body.hostname).not.toBe('changed.lab.test'),
      GENEROUS,
    )
  })

  test('nodes that change the configuration at the same time', async () => {
    const change = (n: number) => ({ changes: [{ op: 'set', path: '/hostname', value: `n${n}.lab.test` }] })
    const statuses = await Promise.all(
      [one, other].map(async (http, n) => (await api(http, 'configuration', change(n), 'PATCH')).status),
    )
    expect(statuses).toContain(200)
    await vi.waitFor(async () => {
      const [here, there] = await Promise.all(
        [one, other].map(async (http) => (await api(http, 'status')).body.hostname),
      )
      expect(here).toBe(there)
    }, GENEROUS)
  })

  test('a reset', async () => {
    await api(one, 'faults', { when: { protocol: 'smtp', verb: 'VRFY' }, do: { reply: '451 4.3.0 fault' } })
    await vi.waitFor(async () => expect((await api(other, 'faults')).body.total).toBe(2), GENEROUS)
    expect((await api(other, 'reset', {})).status).toBe(204)
    for (const http of [one, other]) {
      expect((await api(http, 'messages')).body.items).toEqual([])
      expect((await api(http, 'faults')).body.items).toMatchObject([{ hits: 0 }])
    }
    expect(await replyTo(one, 'NOOP')).toBe('451 4.3.0 twice')
  })
})
