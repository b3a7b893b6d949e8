import { createTransport } from 'nodemailer'
import { describe, expect, it } from 'vitest'
import { bearer, HttpLab } from './client.ts'

const http = HttpLab.ofTests({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } })

const create = async (json: object = {}) => (await http.request('tenants', { json })).body

async function send(to: string, subject: string, auth?: { user: string; pass: string }): Promise<void> {
  const transport = createTransport({
    host: '127.0.0.1',
    port: http.lab.server('smtp').port,
    tls: { ca: http.lab.ca },
    ...(auth ? { auth } : {}),
  })
  await transport.sendMail({ from: 'shop@example.com', to, subject, text: 'Text' })
}

describe('tenants', () => {
  it('share a lab without seeing each other', async () => {
    const [one, two] = [await create(), await create({ name: 'second', accounts: ['eve'] })]
    expect(two).toMatchObject({
      name: 'second',
      baseUrl: '/t/second/api/v1',
      accounts: [{ user: 'second-eve', address: 'second-eve@lab.test' }],
    })
    const [{ user, password, address }] = one.accounts
    await send(address, 'For one', { user, pass: password })
    await send('second-eve@lab.test', 'For two')
    await send('alice@lab.test', 'For Alice')
    const found = (await http.request('messages', { headers: bearer(two.token) })).body
    expect(found).toMatchObject({ total: 1, items: [{ subject: 'For two' }] })
    const own = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
    const byAccount = await http.request('wait', { json: { subject: 'For' }, headers: own })
    expect(byAccount.body.subject).toBe('For one')
    const waited = await http.request(`${one.baseUrl}/wait`, { json: { subject: 'For' }, headers: bearer(one.token) })
    expect(waited.body.subject).toBe('For one')
    const sessions = (await http.request('sessions', { headers: bearer(two.token) })).body.items
    expect(sessions.filter((session: { user?: string }) => session.user === user)).toEqual([])
    expect((await http.request('tenants', { headers: bearer(one.token) })).status).toBe(403)
  })

  it('give their accounts the newsgroups that their token has', async () => {
    const [one, two] = [await create({ name: 'readers' }), await create({ name: 'writers' })]
    await http.request('newsgroups', { json: { name: 'lab.everybody' } })
    await http.request(`${two.baseUrl}/newsgroups`, { json: { name: 'writers.talk' }, headers: bearer(two.token) })
    await http.request(`${one.baseUrl}/newsgroups`, { json: { name: 'readers.talk' }, headers: bearer(one.token) })
    const [{ user, password }] = one.accounts
    const own = { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
    for (const headers of [own, bearer(one.token)]) {
      const { items } = (await http.request('newsgroups', { headers })).body
      expect(items.map(({ name }: { name: string }) => name)).toEqual(['readers.talk'])
      for (const [newsgroup, expected] of [
        ['lab.everybody', 403],
        ['writers.talk', 404],
        ['no.group', 404],
      ] as const) {
        const json = { newsgroups: [newsgroup], subject: 'x', text: 'x', from: 'x@example.com' }
        const { status } = await http.request('articles', { json, headers })
        expect([newsgroup, status]).toEqual([newsgroup, expected])
      }
    }
  })

  it('are unique, and take their accounts and mail with them', async () => {
    const { name, token, accounts } = await create({ name: 'gone' })
    expect((await http.request('tenants', { json: { name } })).status).toBe(409)
    await send(accounts[0].address, 'For nobody')
    expect((await http.request(`tenants/${name}`, { method: 'DELETE' })).status).toBe(204)
    expect((await http.request('status', { headers: bearer(token) })).status).toBe(401)
    expect((await http.request(`messages?account=${accounts[0].user}`)).body.total).toBe(0)
    await expect(send(accounts[0].address, 'Too late')).rejects.toMatchObject({ responseCode: 550 })
  })
})

describe('faults over HTTP', () => {
  it('happen, are counted, and are removed', async () => {
    const fault = { when: { protocol: 'smtp', verb: 'RCPT' }, do: { reply: '451 4.7.1 Greylisted' }, times: 1 }
    const { body: added } = await http.request('faults', { json: fault })
    await expect(send('alice@lab.test', 'First')).rejects.toMatchObject({ responseCode: 451 })
    await send('alice@lab.test', 'Second')
    expect((await http.request('faults')).body.items).toEqual([{ ...added, fault, hits: 1 }])
    expect((await http.request(`faults/${added.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await http.request('faults')).body.items).toEqual([])
  })

  it('that cannot be are refused with every mistake', async () => {
    const { status, body } = await http.request('faults', { json: { when: { verbb: 'RCPT' }, do: { reply: 'no' } } })
    expect(status).toBe(422)
    expect(body.errors.length).toBeGreaterThan(1)
    expect(body.detail).toMatch(/did you mean verb\?/)
  })
})
