import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import tls from 'node:tls'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startLab } from '../../src/testing/start-lab.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'

const RECORD_HEADER_OCTETS = 5

/** Puts every octet of some TLS records into a separate record. */
function oneOctetRecords(records: Buffer): Buffer {
  const out: Buffer[] = []
  for (let at = 0; at < records.length; ) {
    const end = at + RECORD_HEADER_OCTETS + records.readUInt16BE(at + 3)
    for (const octet of records.subarray(at + RECORD_HEADER_OCTETS, end)) out.push(Buffer.of(22, 3, 1, 0, 1, octet))
    at = end
  }
  return Buffer.concat(out)
}

/** Returns a stream over a socket whose octets `send` sends. The first ones are the ClientHello. */
function rewriting(socket: Socket, send: (octets: Buffer, isFirst: boolean) => Promise<void>): Duplex {
  let isFirst = true
  const wire = new Duplex({
    read: () => socket.resume(),
    write(chunk: Buffer, _encoding, done) {
      send(chunk, isFirst).then(() => done(), done)
      isFirst = false
    },
  })
  socket.on('data', (chunk) => wire.push(chunk))
  socket.on('close', () => wire.push(null))
  return wire
}

async function sendInPieces(socket: Socket, octets: Buffer, pieceOctets: number): Promise<void> {
  for (let at = 0; at < octets.length; at += pieceOctets) {
    socket.write(octets.subarray(at, at + pieceOctets))
    await nextTurn()
  }
}

/** Returns ALPN names that make a ClientHello about `octets` long, with the one of SMTP at the end. */
const namesOf = (octets: number): string[] => [...Array<string>(Math.ceil(octets / 251)).fill('x'.repeat(250)), 'smtp']

const startSmtp = (): Promise<TestLab> => startLab({ virtualServers: [{ protocol: 'smtp' }] })

async function greeting(lab: TestLab, options: tls.ConnectionOptions): Promise<string> {
  const client = tls.connect({ ca: lab.ca, servername: 'localhost', ...options })
  const [chunk] = (await once(client, 'data')) as [Buffer]
  client.destroy()
  return chunk.toString()
}

/** Counts the octets that are copied from one Buffer to another from now on. */
function countCopies(): () => number {
  let copied = 0
  const { concat } = Buffer
  const { copy } = Buffer.prototype
  const joins = vi.spyOn(Buffer, 'concat').mockImplementation((list, length) => {
    for (const { length } of list) copied += length
    return concat(list, length)
  })
  const copies = vi.spyOn(Buffer.prototype, 'copy').mockImplementation(function (this: Buffer, ...args) {
    const octets = copy.apply(this, args)
    copied += octets
    return octets
  })
  onTestFinished(() => {
    joins.mockRestore()
    copies.mockRestore()
  })
  return () => copied
}

test('a ClientHello in one-octet records, which arrive in small pieces, costs linear work', async () => {
  await using lab = await startSmtp()
  const { tlsPort } = lab.server('smtp')
  const socket = connect({ host: '127.0.0.1', port: tlsPort, noDelay: true })
  let sentOctets = 0
  let copiedOctets = (): number => 0
  const wire = rewriting(socket, (written, isFirst) => {
    if (!isFirst) return sendInPieces(socket, written, written.length)
    const octets = oneOctetRecords(written)
    sentOctets = octets.length
    copiedOctets = countCopies()
    return sendInPieces(socket, octets, 100)
  })
  expect(await greeting(lab, { socket: wire, ALPNProtocols: namesOf(2_000) })).toMatch(/^220 /)
  expect(sentOctets).toBeGreaterThan(12_000)
  expect(copiedOctets()).toBeLessThan(10 * sentOctets)
  expect(lab.sessions()[0]?.hello?.alpn).toContain('smtp')
  socket.destroy()
})

test('a ClientHello of 60 KB is accepted, as by Node.js, and recorded', async () => {
  await using lab = await startSmtp()
  const { tlsPort } = lab.server('smtp')
  const socket = connect({ host: '127.0.0.1', port: tlsPort, noDelay: true })
  const wire = rewriting(socket, (octets) => sendInPieces(socket, octets, 1_000))
  expect(await greeting(lab, { socket: wire, ALPNProtocols: namesOf(60_000) })).toMatch(/^220 /)
  expect(lab.sessions()[0]?.hello?.alpn).toContain('smtp')
  socket.destroy()
})

test('a client that sends records without end, and never a whole ClientHello, is refused', async () => {
  await using lab = await startSmtp()
  const { tlsPort } = lab.server('smtp')
  const socket = connect({ host: '127.0.0.1', port: tlsPort }).on('error', () => {})
  socket.resume()
  const closed = once(socket, 'close')
  // A message of 16 MB is announced.
  socket.write(Buffer.of(22, 3, 1, 0, 4, 1, 255, 255, 255))
  await closed
  expect(lab.sessions()[0]?.refusals.join()).toMatch(/^TLS handshake: /)
})
