import { once } from 'node:events'
import { connect } from 'node:net'
import { finished } from 'node:stream/promises'
import { serialize } from 'node:v8'
import { expect, it } from 'vitest'
import { startLab } from '../../src/index.ts'
import { hostLab, SharedTenant } from '../../src/testing/shared-lab.ts'

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

it('carries a message of many megabytes in both directions', async () => {
  await using lab = await startLab()
  await using host = await hostLab(lab)
  await using tenant = await SharedTenant.of(host.shared, 'large')
  await tenant.deliver(Buffer.from(`Subject: large\r\n\r\n${'line\r\n'.repeat(3 << 20)}`), 'alice')
  expect((await tenant.waitForMessage('alice')).raw.length).toBeGreaterThan(18_000_000)
})

it.each([
  ['another token', () => Buffer.from('x'.repeat(64))],
  ['a call without the token', () => serialize({ id: 1, tenant: 'x', method: 'join', args: ['x'.repeat(64)] })],
  ['too long a frame', (token: string) => Buffer.from(`${token}\xff\xff\xff\xff`, 'latin1')],
])('closes the connection of a client that sends %s', async (_, octets) => {
  await using lab = await startLab()
  await using host = await hostLab(lab)
  const socket = connect({ host: '127.0.0.1', port: host.shared.port })
  await once(socket, 'connect')
  socket.resume().write(octets(host.shared.token))
  await finished(socket)
})

it('goes on after a client that sends part of a token and leaves', async () => {
  await using lab = await startLab()
  await using host = await hostLab(lab)
  const socket = connect({ host: '127.0.0.1', port: host.shared.port })
  socket.resume().end('hi')
  await finished(socket)
  await using tenant = await SharedTenant.of(host.shared, 'next')
  expect(await tenant.messages()).toEqual([])
})
