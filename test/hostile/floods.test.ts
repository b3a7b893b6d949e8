import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { deflateRawSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CompressedStream } from '../../src/net/compression.ts'
import { startLab } from '../../src/testing/start-lab.ts'
import { startImapLab } from '../servers/imap4/support.ts'
import { LineClient } from '../support/line-client.ts'
import { type StartedLab, Workplace } from '../support/sealpost.ts'
import { scaled } from './support.ts'

const MB = 1 << 20

describe('compressed octets that become a thousand times as many', () => {
  const bomb = deflateRawSync(Buffer.alloc(scaled(20) * MB, 'x'), { finishFlush: 2 })

  test('are decompressed only as far as they are read', async () => {
    const below = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    const stream = new CompressedStream(below, bomb)
    let octets = 0
    const first = once(stream, 'data')
    stream.on('data', (chunk: Buffer) => {
      octets += chunk.length
      stream.pause()
    })
    await first
    for (let turn = 0; turn < 1_000; turn++) await new Promise(setImmediate)
    expect(octets + stream.readableLength).toBeLessThan(MB)
    stream.destroy()
  })

  test('are one line that is too long, and other sessions are served meanwhile', async () => {
    await using lab = await startImapLab()
    const [alice, bob] = [await LineClient.open(lab.port), await LineClient.open(lab.port)]
    const upTo = (client: LineClient, tag: string) => client.lines((line) => line.startsWith(`${tag} `))
    alice.send('l LOGIN alice secret\r\nc COMPRESS DEFLATE\r\n')
    expect((await upTo(alice, 'c')).at(-1)).toMatch(/^c OK/)
    bob.send('l LOGIN bob geheim\r\n')
    await upTo(bob, 'l')
    alice.send(bomb)
    for (let i = 0; i < 100; i++) {
      bob.send(`n${i} NOOP\r\n`)
      expect((await upTo(bob, `n${i}`)).at(-1)).toMatch(/ OK /)
    }
    const lines = (): unknown[] => (lab.sessions()[0]?.transcript ?? []).filter((entry) => entry.kind === 'line')
    alice.send(deflateRawSync('\r\nx NOOP\r\n', { finishFlush: 2 }))
    await expect.poll(() => JSON.stringify(lines().slice(-2))).toContain('x OK')
    for (const client of [alice, bob]) client.destroy()
  })
})

test.each(['{99999999999+}', '{99999999999999999999+}', '~{99999999999+}', '{4294967296}'])(
  'literals of %s octets are refused, whatever command they belong to',
  async (literal) => {
    await using lab = await startImapLab()
    for (const command of ['LOGIN', 'SELECT', 'APPEND INBOX', 'SEARCH SUBJECT', 'ID (', 'CREATE']) {
      using client = await LineClient.greeted(lab.port)
      if (!/^(?:LOGIN|ID)/.test(command)) client.send('l LOGIN alice secret\r\ns SELECT INBOX\r\n')
      client.send(`x ${command} ${literal}\r\n`)
      const reply = (await client.lines((line) => /^(?:x |\+ |\* BYE)/.test(line))).at(-1)
      expect(reply, command).toMatch(/^(?:x (?:BAD|NO) (?!.*internal)|\* BYE )/i)
    }
  },
)

test('TAKETHIS by a peer that reads no reply takes little memory, and each article is answered', async () => {
  const feeds = [{ peer: 'peer', direction: 'in' as const, from: ['127.0.0.1'] }]
  await using lab = await startLab({
    news: { groups: [{ name: 'lab.general' }] },
    virtualServers: [{ protocol: 'nntp', feeds }],
  })
  const { port } = lab.server('nntp')
  const [flood, other] = [await LineClient.open(port), await LineClient.open(port)]
  for (const client of [flood, other]) await client.line()
  const count = scaled(500)
  const name = 'x'.repeat(200)
  flood.pause()
  // Half of them lack the header fields of an article.
  for (let i = 0; i < count; i++) {
    const date = i % 2 ? 'Date: Mon, 1 Jan 2024 00:00:00 +0000\r\nPath: peer!x\r\nFrom: a@b.test\r\nSubject: x\r\n' : ''
    const field = `Newsgroups: lab.general\r\nMessage-ID: <${i}.${name}@peer>\r\n`
    flood.send(`TAKETHIS <${i}.${name}@peer>\r\n${date}${field}\r\n..x\r\n.\r\n`)
    if (i % 50 > 0) continue
    other.send('DATE\r\n')
    expect(await other.line()).toMatch(/^111 /)
    expect(lab.memory.used).toBeLessThan(3 * MB)
  }
  flood.resume()
  const codes: string[] = []
  for (let i = 0; i < count; i++) codes.push((await flood.line())?.slice(0, 3) ?? 'closed')
  expect(codes).toEqual(Array.from({ length: count }, (_, i) => (i % 2 ? '239' : '439')))
  for (const client of [flood, other]) client.destroy()
})

describe('a lab in its own process', () => {
  let place: Workplace
  let lab: StartedLab
  const sockets: Socket[] = []
  beforeEach(async () => {
    place = new Workplace()
    const servers = ['smtp', 'imap4'].map((protocol) => `  - { protocol: ${protocol}, port: 0, tlsPort: off }\n`)
    place.write(
      'lab.yaml',
      `certificates: { store: memory, key: p256 }\nstore: memory\nvirtualServers:\n${servers.join('')}`,
    )
    lab = await place.start(['--config', 'lab.yaml'], { openFiles: 256 })
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    expect(lab.process.exitCode).toBeNull()
    await lab.end()
  })

  const noop = async (client: LineClient, tag: string): Promise<void> => {
    client.send(`${tag} NOOP\r\n`)
    expect((await client.lines((line) => line.startsWith(`${tag} `))).at(-1)).toMatch(/ OK /)
  }

  test('serves its sessions while no file can be opened, and new ones afterwards', async () => {
    const { port = 0 } = lab.endpoint('imap4')
    using early = await LineClient.greeted(port)
    const served: Promise<unknown>[] = []
    for (let i = 0; i < 300; i++) {
      const socket = connect({ host: '127.0.0.1', port, localAddress: `127.0.0.${2 + Math.floor(i / 60)}` })
      sockets.push(socket.on('error', () => {}).resume())
      served.push(once(socket, 'close').catch(() => {}))
    }
    // More clients than files: some are closed without a greeting.
    await Promise.race(served)
    for (let i = 0; i < scaled(20); i++) await noop(early, `n${i}`)
    for (const socket of sockets.splice(0)) socket.destroy()
    await expect
      .poll(async () => {
        const late = await LineClient.open(port).catch(() => undefined)
        const greeting = await late?.line()
        late?.destroy()
        return greeting
      })
      .toMatch(/^\* OK /)
  })

  test('serves its sessions while many clients of the control socket send lines without an end', async () => {
    const { port = 0 } = lab.endpoint('imap4')
    using client = await LineClient.greeted(port)
    const folder = join(place.folder, `sealpost-${process.getuid?.()}`)
    const [name = ''] = readdirSync(folder)
    const replies: Promise<string>[] = []
    for (let i = 0; i < scaled(20); i++) {
      const socket = connect(join(folder, name)).on('error', () => {})
      sockets.push(socket)
      replies.push(once(socket, 'data').then(([chunk]) => String(chunk)))
      socket.write(Buffer.alloc(2 * MB, 'x'))
      await noop(client, `n${i}`)
    }
    for (const reply of await Promise.all(replies)) expect(reply).toContain('the request is too long')
  })
})
