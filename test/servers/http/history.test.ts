import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { LineClient } from '../../support/line-client.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'
import { startHost } from '../../transport/outgoing/client/hosts.ts'
import { basic, bearer, HttpLab } from './client.ts'

const host = await startHost({
  onRcptTo: ({ address }, _session, done) =>
    done(address.startsWith('gone') ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null),
})
const http = HttpLab.ofTests({
  directory: { accounts: ['alice', 'bob', 'root'].map((user) => ({ user, password: 'secret' })) },
  access: { administrators: ['root'] },
  mail: { reports: { addresses: true } },
  outgoing: { connectors: [{ name: 'Out', smartHost: { host: '127.0.0.1', port: host.port, tls: 'none' } }] },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    { protocol: 'pop3' },
    {
      protocol: 'http',
      authentication: ['basic'],
      providers: [
        { provider: 'sendgrid', webhooks: [{ url: 'http://127.0.0.1:9/', events: ['delivered', 'opened'] }] },
      ],
    },
  ],
})
afterAll(() => host[Symbol.asyncDispose]())

const root = basic('root', 'secret')
const call = async (path: string, options: object = {}, headers = root) =>
  (await http.request(path, { headers, ...options })).body

interface Item {
  readonly event: string
  readonly account: string | null
  readonly folder: string | null
  readonly session: string | null
  readonly user: string | null
  readonly recipients: readonly string[]
  readonly text: string | null
}
const history = async (id: string, headers = root): Promise<Item[]> =>
  (await call(`messages/${id}/history`, {}, headers)).items
const lines = async (id: string, headers = root): Promise<string[]> =>
  (await history(id, headers)).map(({ event, account, folder, user }) =>
    [event, account, folder, user].filter((one) => one !== null).join(' '),
  )

async function sent(to: readonly string[], content = 'Subject: Code\r\n\r\n123456\r\n'): Promise<string> {
  const sender = await SmtpSender.open(http.lab.server('smtp').port ?? 0)
  await sender.send(content, { from: 'shop@app.test', to })
  sender.close()
  const { items } = await call('messages')
  const isFirst = (one: { account: string | null; envelope: { to: string[] } | null }) =>
    (one.account === null || to[0]?.startsWith(one.account)) && one.envelope?.to.includes(to[0] ?? '')
  return items.find(isFirst).id
}
const newest = async (query: string): Promise<string> => (await call(`messages?${query}&limit=1`)).items[0].id

/** Runs IMAP commands in a session, and returns its lines. */
async function imap(commands: readonly string[]): Promise<string> {
  const client = await LineClient.open(http.lab.server('imap4').port ?? 0)
  let all = await client.line()
  for (const [at, command] of ['LOGIN alice secret', 'SELECT INBOX', ...commands, 'LOGOUT'].entries()) {
    client.send(`a${at} ${command}\r\n`)
    for (let line: string | undefined = ''; line !== undefined && !line.startsWith(`a${at} `); ) {
      line = await client.line()
      all += `${line}\n`
    }
  }
  client.destroy()
  return all ?? ''
}

async function pop3(commands: readonly string[]): Promise<void> {
  const client = await LineClient.open(http.lab.server('pop3').port ?? 0)
  client.send(['USER bob', 'PASS secret', ...commands, 'QUIT', ''].join('\r\n'))
  for (let line: string | undefined = ''; line !== undefined; ) line = await client.line().catch(() => undefined)
  client.destroy()
}

beforeEach(() => call('reset', { json: {} }))

describe('the history of a message', () => {
  it('names the sessions that delivered, read, flagged and moved it', async () => {
    const id = await sent(['alice@lab.test', 'bob@lab.test'])
    await imap([
      'FETCH 1 BODY.PEEK[]',
      'FETCH 1 BODY.PEEK[]',
      'FETCH 1 BODY.PEEK[HEADER]',
      'STORE 1 +FLAGS (\\Flagged)',
    ])
    await imap(['FETCH 1 BODY[TEXT]', 'MOVE 1 Trash'])
    await pop3(['RETR 1', 'DELE 1'])
    const moved = await newest('account=alice')
    expect(moved).not.toBe(id)
    const items = await history(moved)
    expect(items).toMatchObject([
      { event: 'delivered', account: 'alice', folder: 'INBOX', recipients: ['alice@lab.test', 'bob@lab.test'] },
      { event: 'delivered', account: 'bob', folder: 'INBOX', session: expect.stringMatching(/^smtp-/) },
      { event: 'read', account: 'alice', user: 'alice', session: expect.stringMatching(/^imap4-/) },
      { event: 'flags', added: ['\\Flagged'], removed: [] },
      { event: 'flags', added: ['\\Seen'], removed: [] },
      { event: 'read', account: 'alice', session: expect.stringMatching(/^imap4-/) },
      { event: 'moved', account: 'alice', from: 'INBOX', folder: 'Trash', user: 'alice' },
      { event: 'read', account: 'bob', user: 'bob', session: expect.stringMatching(/^pop3-/) },
      { event: 'deleted', account: 'bob', folder: 'INBOX', user: 'bob' },
    ])
    expect(items[2]?.session).not.toBe(items[5]?.session)
    expect((await call(`sessions/${items[7]?.session}`)).protocol).toBe('pop3')
  })

  it('shows an account only what happened to its own copy', async () => {
    const id = await sent(['alice@lab.test', 'bob@lab.test'])
    await pop3(['RETR 1'])
    await call(`messages/${id}/raw`)
    await call(`messages/${id}`, {}, basic('alice', 'secret'))
    expect(await history(id, basic('alice', 'secret'))).toMatchObject([
      { event: 'delivered', account: 'alice', recipients: ['alice@lab.test'] },
      { event: 'read', session: null, user: null },
      { event: 'read', account: 'alice', user: 'alice' },
    ])
    expect((await http.request(`messages/${id}/history`, { headers: basic('bob', 'secret') })).status).toBe(404)
  })

  it('records what the API does, each reader once', async () => {
    const id = await sent(['alice@lab.test'])
    for (const part of ['', '/text', '/headers', '/raw']) await call(`messages/${id}${part}`)
    await call(`messages/${id}`, { method: 'PATCH', json: { read: true, tags: ['urgent'] } })
    const { id: now } = await call(`messages/${id}/move`, { json: { folder: 'Trash' } })
    expect(await lines(now)).toEqual([
      'delivered alice INBOX',
      'read alice INBOX root',
      'flags alice INBOX root',
      'moved alice Trash root',
    ])
    await call('reset', { json: {} })
    expect((await http.request(`messages/${now}/history`, { headers: root })).status).toBe(404)
  })

  it('says what the next server replied to a release', async () => {
    const captured = await sent(['customer@example.test'])
    await call(`messages/${captured}/release`, { json: { to: ['dev@next.test', 'gone@next.test'] } })
    await expect.poll(async () => (await history(captured)).length, { timeout: 15_000 }).toBe(4)
    expect(await history(captured)).toMatchObject([
      { event: 'delivered', folder: expect.any(String), recipients: ['customer@example.test'] },
      { event: 'queued', folder: null, recipients: ['dev@next.test', 'gone@next.test'], connector: 'Out' },
      {
        event: 'sent',
        recipients: ['dev@next.test'],
        text: expect.stringContaining('250'),
        session: expect.stringMatching(/^smtp-/),
      },
      { event: 'failed', recipients: ['gone@next.test'], text: expect.stringContaining('no such mailbox') },
    ])
  })

  it('records reports that a test asks for, and events of a provider', async () => {
    const asked = await sent(['vacation+reply@lab.test'])
    await call(`messages/${asked}/report`, { json: { report: 'complaint+abuse' } })
    expect(await history(asked)).toMatchObject([
      { event: 'delivered', recipients: ['vacation+reply@lab.test'] },
      { event: 'reported', text: 'vacation', recipients: ['vacation+reply@lab.test'] },
      { event: 'reported', text: 'complaint+abuse', user: 'root' },
    ])
    const mail = {
      personalizations: [{ to: [{ email: 'bob@lab.test' }] }],
      from: { email: 'shop@lab.test' },
      subject: 'Welcome',
      content: [{ type: 'text/plain', value: 'Hello' }],
    }
    await http.request('/sendgrid/v3/mail/send', { json: mail, headers: bearer('SG.key') })
    const id = await newest('account=bob')
    await call(`messages/${id}/report`, { json: { report: 'event+opened' } })
    const all = await history(id)
    expect(all.map(({ event, text }) => `${event} ${text ?? ''}`.trim())).toEqual([
      'delivered',
      'reported sent',
      'reported delivered',
      'reported event+opened',
    ])
    expect(await lines(id, basic('bob', 'secret'))).toEqual(['delivered bob INBOX'])
  })

  it('keeps the first event and the latest', async () => {
    const id = await sent(['alice@lab.test'])
    for (let n = 0; n < 130; n++) await call(`messages/${id}`, { method: 'PATCH', json: { flagged: n % 2 === 0 } })
    const items = await history(id)
    expect(items).toHaveLength(100)
    expect([items[0]?.event, items[1]?.event]).toEqual(['delivered', 'flags'])
  })

  it('keeps the latest 2000 messages', async () => {
    const id = await sent(['alice@lab.test'])
    expect(await history(id)).toHaveLength(1)
    const mbox = Array.from({ length: 2_000 }, (_, n) => `From shop\nSubject: ${n}\n\nHello\n\n`).join('')
    const headers = { ...root, 'content-type': 'application/mbox' }
    await call('messages/import?account=bob&folder=INBOX', { body: mbox }, headers)
    expect(await history(id)).toEqual([])
    expect(await history(await newest('account=bob'))).toHaveLength(1)
  })
})
