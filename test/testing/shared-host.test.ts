import { once } from 'node:events'
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { finished } from 'node:stream/promises'
import { serialize } from 'node:v8'
import { expect, it } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import { hostLab } from '../../src/testing/tenants/shared/host.ts'
import { SharedTenant } from '../../src/testing/tenants/shared/shared-tenant.ts'

type Host = Awaited<ReturnType<typeof hostLab>>

const stopped = 'the shared lab has stopped'

it('rejects every call once the host has gone, and says so to new tenants', async () => {
  await using lab = await startLab()
  const host = await hostLab(lab)
  const tenant = await SharedTenant.of(host.shared, 'one')
  const waiting = tenant.waitForMessage('alice', { timeout: 100_000 })
  const isRefused = expect(waiting).rejects.toThrow(stopped)
  await host[Symbol.asyncDispose]()
  await isRefused
  await expect(tenant.messages()).rejects.toThrow(stopped)
  await expect(tenant.deliver('Subject: x\r\n\r\n', 'alice')).rejects.toThrow(stopped)
  await tenant[Symbol.asyncDispose]()
  await expect(SharedTenant.of(host.shared, 'two')).rejects.toThrow(stopped)
})

it('reports the status of a lab that rejects the request', async () => {
  await using lab = await startLab()
  await using host = await hostLab(lab)
  const shared = { ...host.shared, token: 'x'.repeat(64) }
  await expect(SharedTenant.of(shared, 'one')).rejects.toThrow('the shared lab answers with HTTP status 401')
})

it('lets its lab unsubscribe the recipient of a message', async () => {
  await using lab = await startLab({
    virtualServers: [{ protocol: 'smtp' }, { protocol: 'imap4' }, { protocol: 'http' }],
  })
  await using host = await hostLab(lab)
  await using tenant = await SharedTenant.of(host.shared, 'news')
  const url = `https://localhost:${lab.server('http').tlsPort}/livez`
  const headers = { 'List-Unsubscribe': `<${url}>`, 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' }
  await tenant.deliver({ subject: 'one-click', headers }, 'alice')
  await tenant.deliver({ subject: 'none' }, 'alice')
  // It takes no form there.
  expect(await (await tenant.waitForMessage({ subject: 'one-click' })).unsubscribe()).toMatchObject({
    url,
    status: 415,
  })
  const none = await tenant.waitForMessage({ subject: 'none' })
  await expect(none.unsubscribe()).rejects.toThrow(/^unsubscribe: the message has no one-click unsubscribe/)
})

it('carries a message of many megabytes in both directions', async () => {
  await using lab = await startLab()
  await using host = await hostLab(lab)
  await using tenant = await SharedTenant.of(host.shared, 'large')
  await tenant.deliver(Buffer.from(`Subject: large\r\n\r\n${'line\r\n'.repeat(3 << 20)}`), 'alice')
  expect((await tenant.waitForMessage('alice')).raw.length).toBeGreaterThan(18_000_000)
})

/** Sends a request with another token or a body that is not a call, and returns the status. */
async function post(host: Host, headers: OutgoingHttpHeaders, body: Buffer | string = ''): Promise<number | undefined> {
  const sent = request({ host: '127.0.0.1', port: host.shared.port, method: 'POST', headers, agent: false })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const closed = once(response.socket, 'close')
  response.resume()
  await closed
  return response.statusCode
}

it.each([
  ['another token', { authorization: `Bearer ${'x'.repeat(64)}` }],
  ['a longer token', { authorization: `Bearer ${'x'.repeat(65)}` }],
  ['no token', {}],
])('rejects a call with %s and closes the connection', async (_, headers) => {
  await using lab = await startLab()
  await using host = await hostLab(lab)
  const call = serialize({ tenant: 'x', method: 'join', args: [] })
  expect(await post(host, headers, call)).toBe(401)
})

it('closes the connection of a client whose call cannot be read, and goes on', async () => {
  await using lab = await startLab()
  await using host = await hostLab(lab)
  const authorization = `Bearer ${host.shared.token}`
  await expect(post(host, { authorization }, 'not a call')).rejects.toThrow('socket hang up')
  const socket = connect({ host: '127.0.0.1', port: host.shared.port })
  socket.resume().end(`POST / HTTP/1.1\r\nauthorization: ${authorization.slice(0, 20)}`)
  await finished(socket)
  await using tenant = await SharedTenant.of(host.shared, 'next')
  expect(await tenant.messages()).toEqual([])
})
