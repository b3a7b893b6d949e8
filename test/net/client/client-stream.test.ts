import { Duplex, PassThrough } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { expect, it } from 'vitest'
import { ClientStream, type ClientStreamOptions, type StreamEnd } from '../../../src/net/client/client-stream.ts'
import { TooLong } from '../../../src/net/errors.ts'

class Ended extends Error {
  readonly end: StreamEnd
  constructor(end: StreamEnd) {
    super(end.kind)
    this.end = end
  }
}

/** Returns a stream whose other end is `server`. */
function connected(options: Partial<ClientStreamOptions> = {}) {
  const [toServer, server] = [new PassThrough({ highWaterMark: 10 }), new PassThrough()]
  const socket = Duplex.from({ writable: toServer, readable: server })
  const stream = new ClientStream(socket, { maxLineOctets: 20, errorOf: (end) => new Ended(end), ...options })
  return { socket, stream, server, toServer }
}

it('reads lines, blocks and octets in any pieces', async () => {
  const { stream, server } = connected()
  for (const piece of ['one\r\ntw', 'o\r', '\n..dot\r\nx\r\n.', '\r\nthree\nrest']) server.write(piece)
  expect([await stream.line(), await stream.line()]).toEqual(['one', 'two'])
  expect(String(await stream.block(100))).toBe('.dot\r\nx\r\n')
  expect(await stream.line()).toBe('three')
  expect(String(await stream.octets())).toBe('rest')
})

it('gives up a line that is too long, also without its end, and skips a block that is', async () => {
  const { stream, server } = connected()
  server.write(`${'x'.repeat(50)}\r\n.\r\nnext\r\n`)
  await expect(stream.block(10)).rejects.toThrow(TooLong)
  expect(await stream.line()).toBe('next')
  server.write('y'.repeat(30))
  await expect(stream.line()).rejects.toMatchObject({ end: { kind: 'line too long', maxOctets: 20 } })
})

it('gives up a line that is too long, also if it arrives with its end', async () => {
  const { stream, server } = connected()
  server.write(`${'x'.repeat(30)}\r\n`)
  await expect(stream.line()).rejects.toMatchObject({ end: { kind: 'line too long', maxOctets: 20 } })
  server.write(`${'x'.repeat(30)}\r\n`)
  await expect(stream.line()).rejects.toMatchObject({ end: { kind: 'line too long', maxOctets: 20 } })
})

it('closes the connection in a block without an end', async () => {
  const { stream, server } = connected()
  server.write('x'.repeat(50))
  await expect(stream.block(10)).rejects.toThrow(TooLong)
  await stream.closed
  await expect(stream.line()).rejects.toMatchObject({ end: { kind: 'block too long', maxOctets: 10 } })
})

it('reads on after a silence, and reads what came before the end', async () => {
  const { stream, server } = connected({ timeoutMs: 20 })
  await expect(stream.line()).rejects.toMatchObject({ end: { kind: 'silent', timeoutMs: 20 } })
  server.end('late\r\n')
  expect(await stream.line()).toBe('late')
  await expect(stream.line()).rejects.toMatchObject({ end: { kind: 'closed' } })
})

it('discards what came in clear text before TLS', async () => {
  const { stream, server } = connected()
  server.write('220 go\r\n250 injected\r\n')
  expect(await stream.line()).toBe('220 go')
  expect(stream.heldOctets).toBe('250 injected\r\n'.length)
  const secured = new PassThrough()
  await stream.startTls(async () => secured as unknown as TLSSocket)
  secured.write('250 secure\r\n')
  expect(await stream.line()).toBe('250 secure')
})

it('waits for a server that takes no more, until it does or the connection ends', async () => {
  const { socket, stream, toServer } = connected()
  let isDone = false
  const written = Promise.resolve(stream.write('z'.repeat(100_000))).then(() => (isDone = true))
  await new Promise(setImmediate)
  expect(isDone).toBe(false)
  toServer.resume()
  await written
  toServer.pause()
  const lost = stream.write('z'.repeat(100_000))
  socket.destroy(new Error('gone'))
  await lost
  await expect(stream.line()).rejects.toMatchObject({ end: { kind: 'lost' } })
  await stream.closed
})
