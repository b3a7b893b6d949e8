import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Statistics, StatisticsSample } from '../../../src/api/metrics/statistics.ts'
import { type TestLab as Lab, startLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'
import { Workplace } from '../../support/sealpost.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'

type Limits = { readonly messages?: number; readonly size?: string; readonly whenFull?: 'refuse' | 'drop-oldest' }

const accounts = [
  { user: 'alice', password: 'secret' },
  { user: 'bob', password: 'secret' },
]
const mail = (subject: string, octets = 0) =>
  `Subject: ${subject}\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(Math.ceil(octets / 72))}`

const stores = [
  ['in memory', (_: string, { size = 'auto', ...limits }: Limits) => ({ memory: size as 'auto', ...limits })],
  ['on disk', (folder: string, limits: Limits) => ({ lmdb: `${folder}/data`, ...limits })],
] as const

describe.each(stores)('a full store %s with whenFull: drop-oldest', (_, storeOf) => {
  let place: Workplace
  let lab: Lab | undefined
  const open: { destroy(): void }[] = []

  beforeEach(() => {
    place = new Workplace()
  })
  afterEach(async () => {
    for (const client of open.splice(0)) client.destroy()
    await lab?.stop()
    lab = undefined
  })

  async function start(limits: Limits, more: object = {}): Promise<Lab> {
    const store = storeOf(place.folder, { whenFull: 'drop-oldest', ...limits })
    lab = await startLab({ store, directory: { accounts }, ...more })
    return lab
  }

  const portOf = (protocol: 'smtp' | 'pop3' | 'imap4' | 'http'): number => lab?.server(protocol).port ?? 0

  async function sender(): Promise<SmtpSender> {
    const client = await SmtpSender.open(portOf('smtp'))
    open.push({ destroy: () => client.close() })
    return client
  }

  /** Opens an IMAP session. Returns a function that sends a command and returns the lines up to its reply. */
  async function imap(user = 'alice') {
    const client = await LineClient.open(portOf('imap4'))
    open.push(client)
    await client.line()
    let tag = 0
    const command = (text: string): Promise<string[]> => {
      tag++
      client.send(`a${tag} ${text}\r\n`)
      return client.lines((line) => line.startsWith(`a${tag} `))
    }
    await command(`LOGIN ${user} secret`)
    return { client, command }
  }

  async function pop3(user: string) {
    const client = await LineClient.open(portOf('pop3'))
    open.push(client)
    await client.line()
    const command = async (text: string): Promise<string> => {
      client.send(`${text}\r\n`)
      return (await client.line()) ?? ''
    }
    await command(`USER ${user}`)
    expect(await command('PASS secret')).toMatch(/^\+OK/)
    return { client, command }
  }

  const subjects = async (): Promise<string[]> =>
    (await (lab as Lab).messages()).map(({ subject }) => subject ?? '').sort()

  it('deletes the oldest message of all mailboxes for each new one', async () => {
    await start({ messages: 4 })
    const client = await sender()
    for (let i = 1; i <= 7; i++) {
      expect(await client.send(mail(`m${i}`), { to: [i % 2 ? 'alice@lab.test' : 'bob@lab.test'] })).toMatch(/^250 /)
    }
    expect(await subjects()).toEqual(['m4', 'm5', 'm6', 'm7'])
  })

  it('tells IMAP clients: EXPUNGE, or VANISHED after ENABLE QRESYNC', async () => {
    await start({ messages: 3 })
    const client = await sender()
    for (let i = 1; i <= 3; i++) await client.send(mail(`m${i}`))
    const [idle, quick, busy] = [await imap(), await imap(), await imap()]
    await quick.command('ENABLE QRESYNC')
    for (const { command } of [idle, quick, busy]) await command('SELECT INBOX')
    idle.client.send('i IDLE\r\n')
    expect(await idle.client.line()).toMatch(/^\+/)

    expect(await client.send(mail('m4'))).toMatch(/^250 /)
    expect(await idle.client.lines((line) => line.endsWith('EXISTS'))).toEqual(['* 1 EXPUNGE', '* 3 EXISTS'])
    expect(await quick.command('NOOP')).toEqual(expect.arrayContaining(['* VANISHED 1', '* 3 EXISTS']))
    // A client that has not been told still knows the message by its number. RFC 9051 section 7.5.1.
    expect(await busy.command('FETCH 2 (UID)')).toEqual(expect.arrayContaining(['* 2 FETCH (UID 2)']))
    expect(await busy.command('NOOP')).toEqual(expect.arrayContaining(['* 1 EXPUNGE']))
    expect((await quick.command('UID FETCH 1:* (UID) (CHANGEDSINCE 1 VANISHED)')).join('\n')).toMatch(
      /^\* VANISHED \(EARLIER\) 1$/m,
    )
  })

  it('makes room for octets, and refuses what can never fit without deleting anything', async () => {
    await start({ size: '1MiB' })
    const client = await sender()
    for (let i = 10; i < 50; i++) expect(await client.send(mail(`m${i}`, 60_000))).toMatch(/^250 /)
    const kept = await subjects()
    expect(kept.length).toBeGreaterThan(8)
    expect(kept.length).toBeLessThan(18)
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => `m${50 - kept.length + i}`))

    expect(await client.send(mail('too big', 1_200_000))).toMatch(/^452 /)
    expect(await subjects()).toEqual(kept)
  })

  it('refuses a batch of more messages than the limit, and deletes none for it', async () => {
    await start({ messages: 2 })
    const client = await sender()
    await client.send(mail('m1'))
    const { command } = await imap()
    const literals = Array.from({ length: 3 }, () => ' {5+}\r\nx\r\n\r\n').join('')
    expect((await command(`APPEND INBOX${literals}`)).at(-1)).toMatch(/NO \[OVERQUOTA\]/)
    expect(await subjects()).toEqual(['m1'])
  })

  it('keeps a maildrop that a POP3 session has locked. RFC 1939 section 4', async () => {
    await start({ messages: 3 })
    const client = await sender()
    await client.send(mail('old'), { to: ['alice@lab.test'] })
    const session = await pop3('alice')
    for (const subject of ['m1', 'm2', 'm3']) {
      expect(await client.send(mail(subject), { to: ['bob@lab.test'] })).toMatch(/^250 /)
    }
    expect(await subjects()).toEqual(['m2', 'm3', 'old'])
    session.client.send('RETR 1\r\n')
    expect(await session.client.lines((line) => line === '.')).toContain('Subject: old')
    expect(await session.command('QUIT')).toMatch(/^\+OK/)
    await client.send(mail('m4'), { to: ['bob@lab.test'] })
    expect(await subjects()).toEqual(['m2', 'm3', 'm4'])
  })

  it('sends the whole message to a client that is reading it', async () => {
    await start({ messages: 1 })
    const client = await sender()
    const big = mail('big', 8_000_000)
    await client.send(big)
    const session = await imap()
    await session.command('SELECT INBOX')
    session.client.send('f FETCH 1 BODY.PEEK[]\r\n')
    const size = Number(/\{(\d+)\}$/.exec((await session.client.line()) ?? '')?.[1])
    session.client.pause()
    expect(await client.send(mail('new'))).toMatch(/^250 /)
    expect(await subjects()).toEqual(['new'])
    session.client.resume()
    const lines = await session.client.lines((line) => line.startsWith('f '))
    expect(lines.at(-1)).toMatch(/^f OK/)
    expect(lines.join('\r\n').length).toBeGreaterThan(size)
    expect(lines.filter((line) => line === 'x'.repeat(70)).length).toBe(Math.ceil(8_000_000 / 72))
  })

  it('keeps the queue of outgoing mail', async () => {
    const connectors = [{ name: 'Out', smartHost: { host: '127.0.0.1', port: 9 }, when: 'automatic', keepCopy: false }]
    await start({ messages: 2 }, { outgoing: { connectors }, virtualServers: [{ protocol: 'smtp' }] })
    const client = await sender()
    expect(await client.send(mail('out'), { to: ['x@example.org'] })).toMatch(/^250 /)
    for (const subject of ['m1', 'm2', 'm3']) expect(await client.send(mail(subject))).toMatch(/^250 /)
    expect((lab as Lab).queue().length).toBe(1)
  })

  it('accepts everything from many simultaneous clients, and keeps the limit', async () => {
    await start({ messages: 10 })
    const clients = await Promise.all(Array.from({ length: 8 }, () => sender()))
    const replies = await Promise.all(
      clients.map(async (client) => {
        const own: string[] = []
        for (let i = 0; i < 10; i++) own.push(await client.send(mail(`m${i}`)))
        return own
      }),
    )
    expect(replies.flat().filter((reply) => !reply.startsWith('250 '))).toEqual([])
    expect((await subjects()).length).toBe(10)
  })

  it('counts what it deletes', async () => {
    await start({ messages: 1 }, { virtualServers: [{ protocol: 'smtp' }, { protocol: 'http', certificate: 'none' }] })
    const client = await sender()
    for (const subject of ['m1', 'm2', 'm3']) await client.send(mail(subject))
    const base = `http://127.0.0.1:${portOf('http')}`
    expect(await (await fetch(`${base}/metrics`)).text()).toContain('sealpost_messages_dropped_total{kind="mail"} 2\n')
    const statistics = (await (await fetch(`${base}/api/v1/statistics`)).json()) as Pick<Statistics, 'samples'> & {
      readonly now: StatisticsSample
    }
    // An interval may have ended meanwhile.
    const dropped = [...statistics.samples, statistics.now].map(({ droppedMessages }) => droppedMessages.mail ?? 0)
    expect(dropped.reduce((sum, one) => sum + one)).toBe(2)
    expect(await (await fetch(`${base}/api/v1/health`)).json()).toMatchObject({ store: { ok: true } })
  })

  it('refuses new messages with whenFull: refuse', async () => {
    await start({ messages: 2, whenFull: 'refuse' })
    const client = await sender()
    for (const subject of ['m1', 'm2']) expect(await client.send(mail(subject))).toMatch(/^250 /)
    expect(await client.send(mail('m3'))).toMatch(/^452 /)
    expect(await subjects()).toEqual(['m1', 'm2'])
  })
})

describe('a full store with a queue of outgoing mail', () => {
  it('keeps the copies of queued mail, without which nothing is free', async () => {
    const smartHost = { host: '127.0.0.1', port: await closedPort(), tls: 'none' as const }
    await using lab = await startLab({
      store: { memory: '1MiB', whenFull: 'drop-oldest' },
      outgoing: { connectors: [{ name: 'next', when: 'automatic', smartHost }] },
      directory: { accounts },
    })
    const client = await SmtpSender.open(lab.server('smtp').port ?? 0)
    const subjects = async () => (await lab.messages()).map(({ subject }) => subject ?? '').sort()
    await client.send(mail('own', 300_000))
    const accepted = []
    for (let i = 10; i < 40; i++) {
      const reply = await client.send(mail(`m${i}`, 60_000), { to: ['x@far.example'] })
      if (!reply.startsWith('250 ')) break
      accepted.push(`m${i}`)
    }
    client.close()
    expect(accepted.length).toBeGreaterThan(12)
    expect(accepted.length).toBeLessThan(18)
    expect(await subjects()).toEqual(accepted)
  })
})

/** Returns a port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
