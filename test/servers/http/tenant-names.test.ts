import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { beforeAll, describe, expect, it } from 'vitest'
import { LineClient } from '../../support/line-client.ts'
import { basic, bearer, HttpLab } from './client.ts'

/** Each name begins with the one before it. The last one differs in the dot, which newsgroups have. */
const tenants = ['a', 'a-b', 'a-b-c', 'a.b'] as const
type Tenant = (typeof tenants)[number]
const tokenOf = (tenant: Tenant): string => `token-of-${tenant}`.padEnd(24, '.')
const userOf = (tenant: Tenant): string => `${tenant}-eve`
/** Occurs in everything that belongs to a tenant, and in nothing else. */
const markOf = (tenant: Tenant): string => `mark${tenants.indexOf(tenant)}`

const http = HttpLab.ofTests({
  directory: { accounts: tenants.map((tenant) => ({ user: userOf(tenant), password: 'secret' })) },
  mail: { captured: { readers: 'all' } },
  access: { tokens: tenants.map((name) => ({ name, role: 'tenant', token: tokenOf(name) })) },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4' },
    { protocol: 'nntp' },
    { protocol: 'http', authentication: ['anonymous', 'basic'], limits: { failedLogonDelay: '1ms' } },
  ],
})
beforeAll(async () => {
  // The log of events begins at the first request.
  await http.request('status')
  for (const tenant of tenants) {
    const user = userOf(tenant)
    const transport = createTransport(http.lab.nodemailer({ user, pass: 'secret' }))
    const subject = `${markOf(tenant)} subject`
    await transport.sendMail({ from: `${user}@lab.test`, to: `${user}@lab.test`, subject, text: 'own' })
    await transport.sendMail({ from: `${user}@lab.test`, to: 'customer@shop.example', subject, text: 'captured' })
    const json = { name: `${tenant}.talk`, description: markOf(tenant) }
    expect((await http.request('newsgroups', { json, headers: bearer(tokenOf(tenant)) })).status).toBe(201)
  }
})

/** Returns the tenants whose marks occur in a text. */
const markedIn = (text: string): Tenant[] => tenants.filter((tenant) => text.includes(markOf(tenant)))

async function imap<T>(tenant: Tenant, run: (client: ImapFlow) => Promise<T>): Promise<T> {
  const client = new ImapFlow(http.lab.imapflow({ user: userOf(tenant), pass: 'secret' }))
  await client.connect()
  try {
    return await run(client)
  } finally {
    await client.logout()
  }
}

describe.each(tenants)('the tenant %s', (tenant) => {
  const own = bearer(tokenOf(tenant))
  const callers = { token: own, account: basic(userOf(tenant), 'secret') }

  it.each(Object.entries(callers))('sees only its own mail over HTTP: %s', async (_, headers) => {
    const { items } = (await http.request('messages?limit=100', { headers })).body
    expect(items.map(({ subject }: { subject: string }) => subject)).toEqual([
      `${markOf(tenant)} subject`,
      `${markOf(tenant)} subject`,
    ])
    for (const path of ['messages', 'folders', 'accounts', 'sessions']) {
      const { body } = await http.request(path, { headers })
      const users = tenants.filter((one) => JSON.stringify(body).includes(`"${userOf(one)}"`))
      expect(users, path).toEqual([tenant])
    }
  })

  it('sees only its own newsgroups over HTTP, and creates no others', async () => {
    const { items } = (await http.request('folders', { headers: own })).body
    const groups = items.flatMap(({ newsgroup }: { newsgroup: string | null }) => newsgroup ?? [])
    expect(groups).toEqual([`${tenant}.talk`])
    for (const other of tenants.filter((one) => one !== tenant)) {
      const { status } = await http.request('newsgroups', { json: { name: `${other}.more` }, headers: own })
      expect(status, other).toBe(403)
      const remove = { method: 'DELETE', headers: own }
      expect((await http.request(`newsgroups/${other}.talk`, remove)).status, other).toBe(404)
    }
  })

  it('sends to its own accounts only', async () => {
    for (const other of tenants) {
      const json = { to: [userOf(other)], subject: 'x', text: 'x' }
      const { status, body } = await http.request('messages', { json, headers: own })
      expect(status, other).toBe(other === tenant ? 201 : 403)
      if (other === tenant) await http.request(`messages?query=subject:x`, { method: 'DELETE', headers: own })
      else expect(body.detail).toMatch(/is not an account of the tenant/)
    }
  })

  it('reads nothing of others in events', async () => {
    const gone = new AbortController()
    const response = await fetch(`${http.base}/api/v1/events?lastEventId=0`, { headers: own, signal: gone.signal })
    await http.lab.deliver({ to: `${userOf(tenant)}@lab.test`, subject: 'last' }, userOf(tenant))
    let text = ''
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(part).toString()
      if (/"subject":"last"/.test(text)) break
    }
    gone.abort()
    expect(markedIn(text)).toEqual([tenant])
    await http.request('messages?query=subject:last', { method: 'DELETE', headers: own })
  })

  it('sees only its own captured mail by IMAP4', async () => {
    await imap(tenant, async (client) => {
      const paths = (await client.list({ statusQuery: { messages: true, unseen: true } })).filter(
        ({ path }) => path === 'Captured/shop.example',
      )
      expect(paths).toMatchObject([{ status: { messages: 1, unseen: 1 } }])
      const { exists } = await client.mailboxOpen('Captured/shop.example')
      expect(exists).toBe(1)
      const found = await client.fetchAll('1:*', { envelope: true })
      expect(found.map(({ envelope }) => envelope?.subject)).toEqual([`${markOf(tenant)} subject`])
      for (const uid of [1, 2, 3, 4].filter((one) => one !== found[0]?.uid)) {
        expect(await client.fetchOne(`${uid}`, { source: true }, { uid: true })).toBe(false)
      }
      expect(await client.search({ subject: 'mark' }, { uid: true })).toEqual([found[0]?.uid])
    })
  })

  it('gets no octets of the captured mail of others by CATENATE', async () => {
    const client = await LineClient.openTls(http.lab.server('imap4').tlsPort as number, http.lab.ca)
    client.send(`a LOGIN ${userOf(tenant)} secret\r\n`)
    await client.lines((line) => line.startsWith('a '))
    const answers: string[] = []
    for (const uid of [1, 2, 3, 4]) {
      client.send(`b APPEND Drafts CATENATE (URL "/Captured%2Fshop.example/;UID=${uid}")\r\n`)
      const [answer = ''] = (await client.lines((line) => line.startsWith('b '))).slice(-1)
      answers.push(answer.slice(2, 4))
    }
    client.destroy()
    expect(answers.filter((answer) => answer === 'OK')).toEqual(['OK'])
    await http.request('messages?query=folder:Drafts', { method: 'DELETE', headers: own })
  })

  it('is told only of its own mail when more is captured while the mailbox is selected', async () => {
    await imap(tenant, async (client) => {
      await client.mailboxOpen('Captured/shop.example')
      for (const sender of [...tenants.filter((one) => one !== tenant), tenant]) {
        const transport = createTransport(http.lab.nodemailer({ user: userOf(sender), pass: 'secret' }))
        await transport.sendMail({ from: `${userOf(sender)}@lab.test`, to: 'more@shop.example', subject: 'more' })
      }
      await client.noop()
      const found = await client.fetchAll('1:*', { envelope: true })
      expect(found.map(({ envelope }) => envelope?.from?.[0]?.address)).toEqual(
        Array(2).fill(`${userOf(tenant)}@lab.test`),
      )
    })
    await http.request('messages?query=subject:more', { method: 'DELETE' })
  })

  it('sees only its own newsgroups by IMAP4 and NNTP', async () => {
    const paths = await imap(tenant, async (client) => (await client.list()).map(({ path }) => path))
    expect(paths.filter((path) => path.endsWith('.talk'))).toEqual([`Public Folders/${tenant}.talk`])
    const client = await LineClient.openTls(http.lab.server('nntp').tlsPort as number, http.lab.ca)
    client.send(`AUTHINFO USER ${userOf(tenant)}\r\nAUTHINFO PASS secret\r\nLIST\r\nQUIT\r\n`)
    const groups = (await client.rest()).flatMap((line) => /^(\S+\.talk) /.exec(line)?.[1] ?? [])
    expect(groups).toEqual([`${tenant}.talk`])
  })
})

it('deletes a tenant without what belongs to a tenant with a longer name', async () => {
  const one = { user: 'c-d-eve', password: 'secret' }
  await using other = await HttpLab.start({
    directory: { accounts: [one] },
    access: { tokens: ['c-d', 'c.d'].map((name) => ({ name, role: 'tenant', token: name.padEnd(24, '.') })) },
  })
  await other.request('tenants', { json: { name: 'c', accounts: ['eve'] } })
  for (const to of ['c-eve', 'c-d-eve']) await other.lab.deliver({ subject: to }, to)
  for (const name of ['c.talk', 'c.d.talk']) await other.request('newsgroups', { json: { name } })
  expect((await other.request('tenants/c', { method: 'DELETE' })).status).toBe(204)
  const { items } = (await other.request('messages')).body
  expect(items.map(({ subject }: { subject: string }) => subject)).toEqual(['c-d-eve'])
  const folders = (await other.request('folders')).body.items
  const groups = folders.flatMap(({ newsgroup }: { newsgroup: string | null }) => newsgroup ?? [])
  expect(groups.filter((name: string) => name.startsWith('c'))).toEqual(['c.d.talk'])
})

it('creates no tenant that would own what exists', async () => {
  await using other = await HttpLab.start({
    directory: { accounts: [{ user: 'mary-ann', password: 'secret' }] },
    access: { tokens: [{ name: 'ci', role: 'tenant', token: 'ci'.padEnd(24, '.') }] },
  })
  const refused = await Promise.all(['ci', 'mary'].map((name) => other.request('tenants', { json: { name } })))
  expect(refused.map(({ status, body }) => [status, body.detail])).toEqual([
    [409, 'there is a tenant ci already; choose another name'],
    [409, 'the account mary-ann would belong to the tenant mary; choose another name'],
  ])
})
