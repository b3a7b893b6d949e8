import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { nntp } from '../../servers/nntp/session.ts'
import type { LabInput } from '../../src/core/config/schema.ts'
import { MemoryBudget } from '../../src/core/octets/memory-budget.ts'
import { Intake } from '../../src/core/octets/received-octets.ts'
import { startLab } from '../../src/testing/start-lab.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { newFolder } from '../support/folder.ts'
import { LineClient } from '../support/line-client.ts'
import { repeated } from './bodies.ts'

const folder = newFolder()
let folders = 0

type Protocol = Parameters<TestLab['server']>[0]

const LARGE_OCTETS = 2 << 20
const line = `${'x'.repeat(70)}\r\n`
const large = repeated(line, LARGE_OCTETS)
const header = 'From: a@lab.test\r\nSubject: large\r\nNewsgroups: lab.general\r\nMessage-ID: <large@peer>\r\n'
const article = `Path: peer!not-for-mail\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n${header}\r\n${large}`

const config = (more: LabInput = {}): LabInput => ({
  directory: { accounts: [{ user: 'alice', password: 'secret' }] },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'pop3' },
    { protocol: 'imap4' },
    { protocol: 'nntp', feeds: [{ peer: 'peer', direction: 'in', from: ['127.0.0.1'] }] },
    { protocol: 'http' },
  ],
  ...more,
})

/** A lab whose store is on disk, and the folder of its temporary files. */
async function startOnDisk(): Promise<{ lab: TestLab; store: string; spooled: () => number[] }> {
  const store = join(folder, `store-${++folders}`)
  const spool = join(store, 'spool')
  const lab = await startLab(config({ store: { lmdb: store } }))
  return { lab, store, spooled: () => readdirSync(spool).map((name) => statSync(join(spool, name)).size) }
}

async function greeted(lab: TestLab, protocol: Protocol): Promise<LineClient> {
  const client = await LineClient.open(lab.server(protocol).port)
  if (protocol !== 'http') await client.line()
  return client
}

/** Sends lines one after another. The reply to each must begin with what stands after ` => `. */
async function talk(client: LineClient, ...steps: readonly string[]): Promise<void> {
  for (const step of steps) {
    const [command = '', reply = ''] = step.split(' => ')
    // Nothing may follow a chunk.
    client.send(command.startsWith('BDAT') ? command : `${command}\r\n`)
    const tag = /^[a-z] /.exec(reply)?.[0] ?? reply
    const isLast = (each: string): boolean => each.startsWith(tag) || /^[45]\d\d /.test(each)
    expect((await client.lines(isLast)).at(-1)).toMatch(new RegExp(`^${reply.replace(/[+*[\]]/g, '\\$&')}`))
  }
}

const envelope = ['EHLO client.test => 250 ', 'MAIL FROM:<a@b.test> => 250', 'RCPT TO:<alice@lab.test> => 250']

/** How each protocol receives a message: what the client sends before its octets. */
const uploads = {
  'SMTP DATA': { protocol: 'smtp', opening: [...envelope, 'DATA => 354'] },
  'SMTP BDAT': { protocol: 'smtp', opening: [...envelope, 'BDAT 10000000\r\n'] },
  'IMAP4 APPEND': { protocol: 'imap4', opening: ['a LOGIN alice secret => a OK', 'b APPEND INBOX {10000000} => +'] },
  'IMAP4 MULTIAPPEND': {
    protocol: 'imap4',
    opening: ['a LOGIN alice secret => a OK', 'b APPEND INBOX {3+}\r\nx\r\n {10000000} => +'],
  },
  'NNTP POST': { protocol: 'nntp', opening: ['POST => 340'] },
  'NNTP IHAVE': { protocol: 'nntp', opening: ['IHAVE <UNIQUE@peer> => 335'] },
  'NNTP TAKETHIS': { protocol: 'nntp', opening: ['TAKETHIS <large@peer>\r\n'] },
  'HTTP POST': {
    protocol: 'http',
    opening: [
      'POST /api/v1/messages/import?to=alice HTTP/1.1\r\nHost: localhost\r\nContent-Type: message/rfc822\r\n',
      'Content-Length: 10000000\r\n\r\n',
    ],
  },
} as const satisfies Record<string, { protocol: Protocol; opening: readonly string[] }>

let clients = 0

async function open(lab: TestLab, { protocol, opening }: (typeof uploads)[keyof typeof uploads]): Promise<LineClient> {
  const client = await greeted(lab, protocol)
  for (const step of opening.map((each) => each.replace('UNIQUE', String(++clients)))) {
    if (step.includes(' => ')) await talk(client, step)
    else client.send(step)
  }
  return client
}

/** Most memory of a message that arrives. */
const HELD_OCTETS = 256 * 1024

describe('a message that is never finished', () => {
  test.each(Object.entries(uploads))('%s: goes to a file, which is deleted with the connection', async (_, upload) => {
    const { lab, spooled } = await startOnDisk()
    await using _lab = lab
    const clients = await Promise.all([1, 2, 3].map(() => open(lab, upload)))
    for (const client of clients) client.send(large)
    await expect
      .poll(() => spooled().filter((octets) => octets > LARGE_OCTETS - HELD_OCTETS).length, { timeout: 20_000 })
      .toBe(clients.length)
    expect(lab.memory.messages).toBeLessThan(clients.length * HELD_OCTETS)
    for (const client of clients) client.destroy()
    await expect.poll(() => [spooled(), lab.memory.messages, lab.memory.connections]).toEqual([[], 0, 0])
  })

  test('what still comes when its connection has ended takes no memory', () => {
    const memory = new MemoryBudget()
    const received = new Intake(memory).receive()
    received.add(Buffer.alloc(1000))
    received[Symbol.dispose]()
    received.add(Buffer.alloc(1000))
    expect(memory.usage.messages).toBe(0)
  })

  test('its file of a killed process is deleted at the next start, with mode 0700 of the folder', async () => {
    const store = join(folder, `store-${++folders}`)
    mkdirSync(join(store, 'spool'), { recursive: true, mode: 0o700 })
    writeFileSync(join(store, 'spool', '00.part'), 'half')
    await using _lab = await startLab(config({ store: { lmdb: store } }))
    expect(readdirSync(join(store, 'spool'))).toEqual([])
    expect(statSync(join(store, 'spool')).mode & 0o777).toBe(0o700)
  })

  test('its chunks are deleted by RSET and by QUIT', async () => {
    const { lab, spooled } = await startOnDisk()
    await using _lab = lab
    const client = await greeted(lab, 'smtp')
    for (const end of ['RSET => 250', 'QUIT => 221']) {
      await talk(client, ...envelope, `BDAT ${large.length}\r\n${large} => 250`)
      expect(spooled()).toHaveLength(1)
      await talk(client, end)
      await expect.poll(() => [spooled(), lab.memory.messages]).toEqual([[], 0])
    }
  })
})

describe('a large message that is finished', () => {
  const stuffed = `${header}\r\n..dots\r\nbare\nline\r\n${large}`
  const stored = `${header}\r\n.dots\r\nbare\r\nline\r\n${large}`

  test('arrives octet for octet by DATA and BDAT, in all copies, and leaves no file', async () => {
    const { lab, spooled } = await startOnDisk()
    await using _lab = lab
    const client = await greeted(lab, 'smtp')
    const bcc = 'Bcc: secret@other.test\r\n'
    await talk(client, ...envelope, 'RCPT TO:<secret@other.test> => 250', 'DATA => 354', `${bcc}${stuffed}. => 250`)
    const chunked = stuffed.replace('..dots', '.dots')
    const half = chunked.length >> 1
    await talk(
      client,
      ...envelope,
      `BDAT ${half}\r\n${chunked.slice(0, half)} => 250`,
      `BDAT ${chunked.length - half} LAST\r\n${chunked.slice(half)} => 250`,
    )
    const raws = (await lab.messages()).map(({ raw }) =>
      raw.toString('latin1').replace(/^Return-Path[^]*?(?=From:|Bcc:)/, ''),
    )
    expect(raws.map((raw) => [bcc + stored, stored].indexOf(raw)).sort()).toEqual([0, 1, 1])
    await expect.poll(() => [spooled(), lab.memory.messages]).toEqual([[], 0])
  })

  test('arrives octet for octet by APPEND, CATENATE and APPEND to a newsgroup', async () => {
    const { lab, spooled } = await startOnDisk()
    await using _lab = lab
    const client = await greeted(lab, 'imap4')
    const text = stored
    await talk(
      client,
      'a LOGIN alice secret => a OK',
      `b APPEND INBOX {${text.length}+}\r\n${text} {${text.length}+}\r\n${text} => b OK`,
      `c APPEND INBOX CATENATE (TEXT {${text.length}+}\r\n${text} TEXT {3+}\r\nend) => c OK`,
      `d APPEND "Public Folders/lab.general" {${text.length}+}\r\n${text} => d OK`,
      `e APPEND INBOX {${text.length + 1}+}\r\n\0${text} => e NO [CANNOT]`,
      `f APPEND INBOX (\\Seen) ~{${text.length + 1}+}\r\n\0${text} => f OK`,
      'g NOOP => g OK',
    )
    const saved = join(folder, 'saved')
    await lab.save(saved, { user: 'alice' })
    const raws = readdirSync(saved)
      .filter((name) => name.endsWith('.eml'))
      .sort()
      .map((name) => readFileSync(join(saved, name), 'latin1'))
    expect(raws.map((raw) => [text, `${text}end`, `\0${text}`].indexOf(raw))).toEqual([0, 0, 1, 2])
    const [posted] = await lab.articles('lab.general')
    expect(posted?.raw.toString('latin1').endsWith(large)).toBe(true)
    await expect.poll(() => [spooled(), lab.memory.messages]).toEqual([[], 0])
  })

  test.each([
    ['2 MiB', stored],
    // The store writes it in several transactions.
    ['8 MiB', `${stored}${large.repeat(3)}`],
  ])('arrives octet for octet by HTTP: %s', async (_, stored) => {
    const { lab, spooled } = await startOnDisk()
    await using _lab = lab
    const base = `http://127.0.0.1:${lab.server('http').port}/api/v1/messages`
    const headers = { 'content-type': 'message/rfc822' }
    const answer = await fetch(`${base}/import?to=alice`, { method: 'POST', headers, body: stored })
    expect(answer.status).toBe(201)
    const [{ raw } = { raw: Buffer.alloc(0) }] = await lab.messages()
    expect(raw.toString('latin1') === stored).toBe(true)
    await expect.poll(() => [spooled(), lab.memory.messages]).toEqual([[], 0])
  })

  test.each([
    ['POST', 'POST => 340', '. => 240'],
    ['IHAVE', 'IHAVE <large@peer> => 335', '. => 235'],
    ['TAKETHIS', 'TAKETHIS <large@peer>', '. => 239'],
  ])('arrives octet for octet by NNTP %s', async (name, command, end) => {
    const { lab, spooled } = await startOnDisk()
    await using _lab = lab
    const client = await greeted(lab, 'nntp')
    if (command.includes('=>')) await talk(client, command)
    else client.send(`${command}\r\n`)
    client.send(name === 'POST' ? `${header}\r\n${large}` : article)
    await talk(client, end)
    const [stored] = await lab.articles('lab.general')
    expect(stored?.raw.toString('latin1').endsWith(`\r\n\r\n${large}`)).toBe(true)
    await expect.poll(() => [spooled(), lab.memory.messages]).toEqual([[], 0])
  })
})

describe('a large message for Sieve scripts', () => {
  const accounts = [
    {
      user: 'alice',
      sieve: 'require ["copy", "editheader"]; addheader "X-Seen" "yes"; redirect :copy "bob@lab.test"; keep;',
    },
    { user: 'bob' },
    { user: 'carol', sieve: 'require ["body"]; if body :contains "needle" { discard; }' },
  ].map((one) => ({ ...one, password: 'secret' }))
  const start = (memoryLimit: string): Promise<TestLab> =>
    startLab(config({ directory: { accounts }, store: { lmdb: join(folder, `store-${++folders}`) }, memoryLimit }))
  const send = async (lab: TestLab, user: string, content: string, reply: string): Promise<void> => {
    const client = await greeted(lab, 'smtp')
    await talk(client, 'EHLO client.test => 250 ', 'MAIL FROM:<a@b.test> => 250', `RCPT TO:<${user}@lab.test> => 250`)
    await talk(client, 'DATA => 354', `${content}. => ${reply}`)
    client.destroy()
  }

  test('is not read whole for other tests than body, and is stored and redirected octet for octet', async () => {
    await using lab = await start('1MiB')
    await send(lab, 'alice', `${header}\r\n${large}`, '250')
    const raws = await Promise.all(
      ['alice', 'bob'].map(async (user) => (await lab.messages(user)).map(({ raw }) => raw.toString('latin1'))),
    )
    const changed = `X-Seen: yes\r\n${header}\r\n${large}`
    expect(raws.map((of) => of.map((raw) => raw.endsWith(changed)))).toEqual([[true], [true]])
    await expect.poll(() => lab.memory.messages).toBe(0)
  })

  test('is read within the memory limit for the test body', async () => {
    await using lab = await start('1MiB')
    await send(lab, 'carol', `${header}\r\n${large}needle\r\n`, '452')
    await send(lab, 'carol', `${header}\r\nshort needle\r\n`, '250')
    expect(await lab.messages('carol')).toEqual([])
    await expect.poll(() => lab.memory.messages).toBe(0)
    await using larger = await start('8MiB')
    await send(larger, 'carol', `${header}\r\n${large}needle\r\n`, '250')
    await send(larger, 'carol', `${header}\r\n${large}`, '250')
    expect(await larger.messages('carol')).toHaveLength(1)
    await expect.poll(() => larger.memory.messages).toBe(0)
  })
})

describe('a large ClientHello', () => {
  const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `${i}-protocol`)

  test('is recorded within limits', async () => {
    await using lab = await startLab(config())
    const before = lab.memory.transcripts
    const options = { port: lab.server('smtp').tlsPort, ca: lab.ca, servername: 'localhost' }
    const client = connectTls({ ...options, ALPNProtocols: [...names(4_000), 'smtp'] })
    await once(client, 'data')
    const hello = lab.sessions()[0]?.hello
    expect(hello?.alpn).toEqual(names(64))
    expect(lab.memory.transcripts - before).toBeLessThan(16_000)
    client.destroy()
  })

  test('that never ends takes memory within the limit', async () => {
    await using lab = await startLab(config({ memoryLimit: 1 << 20 }))
    const record = Buffer.concat([Buffer.from('1603014000', 'hex'), Buffer.alloc(0x4000)])
    const hello = Buffer.concat([record, record, record])
    hello.write('01020000', 5, 'hex')
    const clients: LineClient[] = []
    for (let i = 0; i < 6; i++) {
      const client = await LineClient.open(lab.server('smtp').tlsPort)
      client.send(hello)
      clients.push(client)
    }
    await expect.poll(() => lab.memory.refusals).toBeGreaterThan(0)
    const why = 'TLS handshake: the memory limit of the lab (memoryLimit) is reached'
    await expect.poll(() => lab.sessions().some(({ refusals }) => refusals.includes(why))).toBe(true)
    expect(lab.memory.used).toBeLessThanOrEqual(1 << 20)
    for (const client of clients) client.destroy()
    await expect.poll(() => lab.memory.connections).toBe(0)
  })
})

describe('a large message that is read', () => {
  const text = `Subject: x\r\n\r\n${large}`

  test('is held once for each session that fetches it, within the limit', async () => {
    await using lab = await startLab(config({ store: { memory: '64MiB' }, memoryLimit: '5MiB' }))
    await lab.deliver(text, { to: 'alice' })
    const clients: LineClient[] = []
    for (let i = 0; i < 3; i++) {
      const client = await greeted(lab, 'imap4')
      await talk(client, 'a LOGIN alice secret => a OK', 'b SELECT INBOX => b OK')
      clients.push(client)
    }
    for (const client of clients) {
      client.pause()
      client.send(`c FETCH 1 (${Array(20).fill('BODY.PEEK[]').join(' ')})\r\n`)
    }
    await expect.poll(() => lab.memory.messages).toBeGreaterThanOrEqual(2 * text.length)
    await expect.poll(() => lab.memory.refusals).toBe(1)
    expect(lab.memory.messages).toBeLessThan(2 * text.length + 10_000)
    for (const client of clients) client.destroy()
    await expect.poll(() => lab.memory.messages).toBe(0)
  })

  test('is sent in pieces by NNTP', async () => {
    const { lab } = await startOnDisk()
    await using _lab = lab
    const serve = vi.spyOn(nntp, 'serve')
    onTestFinished(() => serve.mockRestore())
    const poster = await greeted(lab, 'nntp')
    const posted = `${header}\r\n.dot\r\n${large.repeat(4)}`
    await talk(poster, 'POST => 340', `${posted.replace('.dot', '..dot')}. => 240`)
    for (const command of ['ARTICLE', 'BODY']) {
      // A client that has read much has a large buffer in the kernel, which could take all of it.
      const client = await greeted(lab, 'nntp')
      client.pause()
      client.send(`${command} <large@peer>\r\n`)
      const socket = serve.mock.calls.at(-1)?.[0].socket
      await expect.poll(() => socket?.writableLength).toBeGreaterThan(0)
      expect(socket?.writableLength).toBeLessThan(1 << 20)
      client.resume()
      const [reply, ...lines] = await client.lines((each) => each === '.')
      expect(reply).toMatch(/^22[02] /)
      const octets = `${lines.slice(0, -1).join('\r\n')}\r\n`.replace('..dot', '.dot')
      expect(octets.slice(octets.indexOf('.dot')) === posted.slice(posted.indexOf('.dot'))).toBe(true)
      expect(octets.startsWith('.dot')).toBe(command === 'BODY')
    }
  })
})

describe('the memory limit', () => {
  /** Enough for some connections and a message of half a MiB. */
  const memoryLimit = 1 << 20
  const start = (): Promise<TestLab> => startLab(config({ memoryLimit }))
  const half = repeated(line, LARGE_OCTETS / 4)

  /** Opens connections that take all memory for messages, and returns them. */
  async function fill(lab: TestLab): Promise<LineClient[]> {
    const clients: LineClient[] = []
    while (lab.memory.used < memoryLimit - 200_000) {
      const client = await open(lab, uploads['SMTP BDAT'])
      const before = lab.memory.messages
      client.send(repeated('y', Math.min(100_000, memoryLimit - lab.memory.used - 70_000)))
      clients.push(client)
      await expect.poll(() => lab.memory.messages).toBeGreaterThan(before)
    }
    return clients
  }

  test('refuses messages of every protocol, goes on with the session, and accepts them later', async () => {
    await using lab = await start()
    const smtp = await greeted(lab, 'smtp')
    const imap = await greeted(lab, 'imap4')
    const news = await greeted(lab, 'nntp')
    const peer = await greeted(lab, 'nntp')
    await talk(imap, 'a LOGIN alice secret => a OK')
    const fillers = await fill(lab)
    const append = `APPEND INBOX {${half.length}+}\r\n${half}`
    await talk(
      smtp,
      ...envelope,
      'DATA => 354',
      `${half}. => 452 4.3.1 `,
      ...envelope,
      `BDAT ${half.length}\r\n${half} => 452 4.3.1`,
    )
    await talk(smtp, 'BDAT 3 LAST\r\nend => 503', 'NOOP => 250')
    await talk(imap, `b ${append} => b NO [LIMIT]`, 'c NOOP => c OK')
    await talk(news, 'POST => 340', `${header}\r\n${half}. => 441 Not enough memory`, 'DATE => 111')
    await talk(news, 'IHAVE <large@peer> => 335', `${header}\r\n${half}. => 436 Not enough memory`, 'DATE => 111')
    peer.send('TAKETHIS <large@peer>\r\n')
    await talk(peer, `${header}\r\n${half}. => 400 Not enough memory`)
    expect(await peer.rest()).toEqual([])
    expect(lab.memory.refusals).toBeGreaterThanOrEqual(6)
    for (const client of fillers) client.destroy()
    await expect.poll(() => lab.memory.messages).toBe(0)
    await talk(smtp, ...envelope, 'DATA => 354', `${half}. => 250`)
    await talk(imap, `d ${append} => d OK`)
    // An article is also copied.
    await talk(news, 'POST => 340', `${header}\r\n${repeated(line, LARGE_OCTETS / 8)}. => 240`)
  })

  test.each([
    ['smtp', /^421 4\.3\.1 localhost Error: not enough memory/],
    ['pop3', /^-ERR \[SYS\/TEMP\] Not enough memory/],
    ['imap4', /^\* BYE \[UNAVAILABLE\] Not enough memory/],
    ['nntp', /^400 Not enough memory/],
  ] as const)('refuses connections by %s while open sessions go on', async (protocol, refusal) => {
    await using lab = await start()
    const client = await greeted(lab, 'smtp')
    const others: LineClient[] = []
    let greeting: string | undefined
    for (let i = 0; i < 32 && !refusal.test(greeting ?? ''); i++) {
      const other = await LineClient.open(lab.server(protocol).port)
      greeting = await other.line()
      others.push(other)
    }
    expect(greeting).toMatch(refusal)
    expect(lab.sessions().at(-1)?.refusals).toEqual(['the memory limit of the lab (memoryLimit) is reached'])
    await talk(client, 'NOOP => 250')
    for (const other of others) other.destroy()
    await expect.poll(() => lab.memory.connections).toBe(64 * 1024)
    expect((await greeted(lab, protocol)) && lab.memory.connections).toBe(2 * 64 * 1024)
  })

  test('counts the recipients of a transaction', async () => {
    await using lab = await startLab(config({ memoryLimit: 512 * 1024 }))
    const client = await greeted(lab, 'smtp')
    await talk(client, 'EHLO client.test => 250 ', 'MAIL FROM:<a@b.test> => 250')
    let reply: string | undefined
    for (let i = 0; i < 900 && !reply?.startsWith('4'); i++) {
      client.send(`RCPT TO:<${i}${'x'.repeat(200)}@other.test>\r\n`)
      reply = await client.line()
    }
    expect(reply).toMatch(/^452 4\.3\.1 /)
    await talk(client, 'RSET => 250')
    expect(lab.memory.messages).toBe(0)
  })

  test('refuses compression', async () => {
    await using lab = await startLab(config({ memoryLimit: 1_250_000 }))
    const clients: LineClient[] = []
    for (let i = 0; i < 3; i++) {
      const client = await greeted(lab, 'imap4')
      await talk(client, 'a LOGIN alice secret => a OK', `b COMPRESS DEFLATE => b ${i < 2 ? 'OK' : 'NO [LIMIT]'}`)
      clients.push(client)
    }
    const news = await greeted(lab, 'nntp')
    await talk(news, 'COMPRESS DEFLATE => 403')
    for (const client of clients) client.destroy()
    await expect.poll(() => lab.memory.compression).toBe(0)
    await talk(news, 'COMPRESS DEFLATE => 206')
  })

  test('drops caches and transcripts before it refuses anything', async () => {
    await using lab = await startLab(config({ memoryLimit: 3 << 20 }))
    const imap = await greeted(lab, 'imap4')
    await talk(imap, 'a LOGIN alice secret => a OK')
    for (let i = 0; i < 4; i++)
      await talk(imap, `b APPEND INBOX {${half.length + 14 + i}+}\r\nSubject: x\r\n\r\n${half}${'z'.repeat(i)} => b OK`)
    await talk(imap, 'c SELECT INBOX => c OK', 'd SEARCH BODY none => d OK')
    expect(lab.memory.caches).toBeGreaterThan(half.length)
    for (let i = 0; i < 100; i++) await talk(imap, `e NOOP ${repeated('x', 990)} => e BAD`)
    expect(lab.memory.transcripts).toBeGreaterThan(100_000)
    const clients = []
    while (lab.memory.caches > 0) {
      const before = lab.memory.messages
      const client = await open(lab, uploads['SMTP BDAT'])
      client.send(half)
      clients.push(client)
      await expect.poll(() => lab.memory.messages).toBeGreaterThanOrEqual(before + half.length)
    }
    expect(lab.memory.refusals).toBe(0)
    expect(lab.memory.used).toBeLessThanOrEqual(3 << 20)
    await talk(imap, 'f SEARCH BODY none => f OK')
  })

  test('changes on reload; sessions go on far above it', async () => {
    await using lab = await start()
    expect(lab.memory.limit).toBe(memoryLimit)
    const smtp = await greeted(lab, 'smtp')
    const imap = await greeted(lab, 'imap4')
    const news = await greeted(lab, 'nntp')
    await lab.reload(config({ memoryLimit: '1KiB' }))
    expect(lab.memory).toMatchObject({ limit: 1024, transcripts: expect.any(Number) })
    await talk(smtp, 'EHLO client.test => 250 ', 'MAIL FROM:<a@b.test> => 250', 'RCPT TO:<alice@lab.test> => 452 4.3.1')
    await talk(imap, 'a LOGIN alice secret => a OK', 'b SELECT INBOX => b OK', 'c SEARCH TEXT x => c OK')
    await talk(news, 'DATE => 111', 'GROUP lab.general => 211')
    const refused = await LineClient.open(lab.server('smtp').port)
    expect(await refused.line()).toMatch(/^421 4\.3\.1 /)
    await lab.reload(config({ memoryLimit: '5MiB' }))
    await talk(smtp, 'RCPT TO:<alice@lab.test> => 250')
  })
})
