import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { beforeAll, describe, expect, it } from 'vitest'
import { bearer, HttpLab } from '../../servers/http/client.ts'
import { Agent } from './client.ts'

const [ci, reader, one] = ['ci', 'reader', 'one'].map((name) => `${name}-token`.repeat(3)) as [string, string, string]
const http = HttpLab.ofTests({
  hostname: 'lab.test',
  directory: { accounts: ['alice', 'one-eve'].map((user) => ({ user, password: 'secret' })) },
  access: {
    tokens: [
      { name: 'ci', token: ci },
      { name: 'watcher', role: 'reader', token: reader },
      { name: 'one', role: 'tenant', token: one },
    ],
  },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'http', authentication: ['basic'] },
    { protocol: 'http', name: 'open' },
    { protocol: 'http', name: 'strict', requireSecureChannel: true },
  ],
})
beforeAll(async () => {
  for (const to of ['alice', 'one-eve']) await http.lab.deliver({ to: `${to}@lab.test`, subject: `To ${to}` }, { to })
})

const changing = [
  'verify_server',
  'audit_client',
  'send_message',
  'issue_certificate',
  'assign_certificate',
  'add_fault',
  'remove_fault',
  'reset',
]
const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
const accept = { accept: 'application/json, text/event-stream' }

describe('roles', () => {
  it('an administrator has every tool', async () => {
    await using agent = await Agent.of(http, { token: ci })
    expect(await agent.tools()).toEqual(expect.arrayContaining(changing))
    expect((await agent.data('search_messages')).total).toBe(2)
  })

  it('a reader reads everything and changes nothing', async () => {
    await using agent = await Agent.of(http, { token: reader })
    expect((await agent.tools()).filter((name) => changing.includes(name))).toEqual([])
    expect(agent.client.getInstructions()).toMatch(/You have the role reader/)
    expect((await agent.data('search_messages')).total).toBe(2)
    for (const name of changing) await expect(agent.call(name), name).rejects.toThrow(/not found/)
  })

  it('a tenant sees and changes only what belongs to it', async () => {
    const { id } = (await http.request('messages?account=alice', { headers: bearer(ci) })).body.items[0]
    for (const path of ['/mcp', '/t/one/mcp']) {
      await using agent = await Agent.of(http, { token: one, path })
      expect((await agent.tools()).filter((name) => changing.includes(name))).toEqual(['send_message'])
      const { items } = await agent.data('search_messages')
      expect(items.map(({ account }: { account: string }) => account)).toEqual(['one-eve'])
      expect(await agent.call('get_message', { id })).toMatchObject({ isError: true })
      await expect(agent.client.readResource({ uri: `sealpost://messages/${id}` })).rejects.toThrow(/not found/)
      expect((await agent.client.listResources()).resources).toHaveLength(1)
      const other = await agent.call('send_message', { to: ['alice'] })
      expect(other.content[0]?.text).toMatch(/^You may not do this: alice is not an account of the tenant/)
      expect((await agent.data('list_sessions')).total).toBe(0)
    }
  })

  it('an administrator at /t/NAME has the view of the tenant', async () => {
    await using agent = await Agent.of(http, { token: ci, path: '/t/one/mcp' })
    expect((await agent.data('search_messages')).total).toBe(1)
    expect(await agent.tools()).not.toContain('reset')
  })

  it('nobody else gets in', async () => {
    const answer = (path: string, headers: Record<string, string>) =>
      http.request(path, { json: ping, headers: { ...accept, ...headers } })
    expect((await answer('/mcp', {})).status).toBe(401)
    expect((await answer('/mcp', bearer('wrong'))).status).toBe(401)
    expect((await answer('/t/two/mcp', bearer(one))).status).toBe(403)
  })
})

describe('browsers', () => {
  const open = (options: RequestInit & { headers?: Record<string, string> }, server = 'open') =>
    fetch(`http://127.0.0.1:${http.lab.server(server).port}/mcp`, {
      method: 'POST',
      body: JSON.stringify(ping),
      ...options,
      headers: { 'content-type': 'application/json', ...accept, ...options.headers },
    })

  it('a program of this machine may call', async () => {
    expect((await open({})).status).toBe(200)
  })

  it.each([
    [{ origin: 'https://evil.example' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'content-type': 'text/plain' }, 415],
    [{ 'content-type': 'application/octet-stream' }, 415],
    [{ accept: 'text/html' }, 406],
  ])('a page of another site may not: %j', async (headers, status) => {
    expect((await open({ headers })).status).toBe(status)
  })

  it('nor by a name that its owner points at this machine', async () => {
    const options = { host: '127.0.0.1', port: http.lab.server('open').port, path: '/mcp', method: 'POST' }
    const headers = { host: 'evil.example', 'content-type': 'application/json', ...accept }
    const [{ statusCode }] = (await once(request({ ...options, headers }).end(JSON.stringify(ping)), 'response')) as [
      IncomingMessage,
    ]
    expect(statusCode).toBe(421)
  })

  it('a clear-text port with requireSecureChannel refuses', async () => {
    expect((await open({}, 'strict')).status).toBe(403)
  })
})

describe('requests that are none', () => {
  const post = (body: string) =>
    http.request('/mcp', { body, headers: { ...accept, ...bearer(ci), 'content-type': 'application/json' } })

  it('only POST has an answer', async () => {
    for (const method of ['GET', 'DELETE']) {
      const { status, headers } = await http.request('/mcp', { method, headers: { ...accept, ...bearer(ci) } })
      expect([status, headers.get('allow')]).toEqual([405, 'POST'])
    }
  })

  it.each([
    ['{', 400, -32700],
    ['', 400, -32700],
    ['{"jsonrpc":"2.0"}', 400, -32600],
    ['['.repeat(40), 413, -32700],
    [JSON.stringify({ ...ping, method: 'nothing/here' }), 200, -32601],
  ])('%s', async (body, status, code) => {
    const answer = await post(body)
    expect(answer.status).toBe(status)
    const message = typeof answer.body === 'string' ? JSON.parse(answer.body.split('data: ')[1] as string) : answer.body
    expect(message.error.code).toBe(code)
  })
})
