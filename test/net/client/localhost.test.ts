import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { connectTcp } from '../../../src/net/client/connect.ts'

it('connects to localhost although this process is busy for longer than Node.js tries an address', async () => {
  await using server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const connecting = connectTcp(
    { host: 'localhost', port: (server.address() as AddressInfo).port },
    { timeoutMs: 30_000 },
  )
  for (const end = performance.now() + 600; performance.now() < end; );
  const socket = await connecting
  expect(socket.remoteAddress).toBe('127.0.0.1')
  socket.destroy()
})
