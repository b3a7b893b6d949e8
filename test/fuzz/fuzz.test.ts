import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { connect as tlsConnect } from 'node:tls'
import pino from 'pino'
import { afterAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/core/values/random.ts'
import { startLab } from '../../src/testing/index.ts'
import { LineClient } from '../support/line-client.ts'
import { isLong } from '../support/long.ts'
import { mutate } from './mutate.ts'
import { roundsOf, seedOf } from './rounds.ts'
import { type FuzzedProtocol, fuzzStates } from './scripts.ts'

/** Sessions per state, each with up to a dozen commands. `npm run fuzz` runs more. */
const rounds = Number(process.env.SEALPOST_FUZZ_ROUNDS ?? (isLong ? 40 : 15))
const seed = seedOf(823024)
/** Errors that the lab logs. Nothing that a client sends may cause one. */
const errors: string[] = []
const rejections: unknown[] = []
const onRejection = (reason: unknown): void => void rejections.push(reason)

process.on('unhandledRejection', onRejection)
const sink = new PassThrough()
sink.on('data', (line: Buffer) => errors.push(line.toString()))
const accounts = [
  { user: 'alice', password: 'secret' },
  { user: 'bob', password: 'secret' },
]
const feeds = [{ peer: 'peer.test', direction: 'in' as const, from: ['127.0.0.1'] }]
const protocols = ['smtp', 'lmtp', 'pop3', 'imap4', 'nntp', 'managesieve'] as const
const virtualServers = protocols.map((protocol) => ({
  protocol,
  tlsPort: 0,
  authentication: ['anonymous' as const, 'basic' as const, 'ntlm' as const],
  ...(protocol === 'nntp' ? { feeds } : {}),
}))
const lab = await startLab({ directory: { accounts }, virtualServers }, { log: pino({ level: 'error' }, sink) })
for (let n = 0; n < 3; n++) await lab.deliver({ subject: `mail ${n}`, text: 'to be fetched' }, { to: 'alice' })
afterAll(async () => {
  await lab.stop()
  process.off('unhandledRejection', onRejection)
})

/** Sends arbitrary octets in one session. Resolves when the session is over. */
async function sendAll(port: number, input: readonly Buffer[]): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port })
  socket.on('error', () => {})
  socket.resume()
  const closed = new Promise((resolve) => socket.once('close', resolve))
  for (const octets of input) socket.write(octets)
  socket.end('\r\n')
  await closed
}

/** The commands of a regular client, and the beginning of each reply. */
const regular: Readonly<Record<FuzzedProtocol, readonly (readonly [command: string, reply: RegExp])[]>> = {
  smtp: [
    ['EHLO me', /^250/],
    ['MAIL FROM:<a@b.c>', /^250/],
    ['RCPT TO:<bob@lab.test>', /^250/],
    ['DATA', /^354/],
    ['Subject: regular\r\n\r\nx\r\n.', /^250/],
    ['QUIT', /^221/],
  ],
  lmtp: [
    ['LHLO me', /^250/],
    ['MAIL FROM:<a@b.c>', /^250/],
    ['RCPT TO:<bob@lab.test>', /^250/],
    ['DATA', /^354/],
    ['Subject: regular\r\n\r\nx\r\n.', /^250/],
    ['QUIT', /^221/],
  ],
  pop3: [
    ['USER bob', /^\+OK/],
    ['PASS secret', /^\+OK/],
    ['STAT', /^\+OK \d+/],
    ['QUIT', /^\+OK/],
  ],
  imap4: [
    ['a LOGIN bob secret', /^a OK/],
    ['b SELECT INBOX', /^b OK/],
    ['c FETCH 1:* FLAGS', /^c OK/],
    ['d LOGOUT', /^d OK/],
  ],
  nntp: [
    ['MODE READER', /^20[01]/],
    ['GROUP lab.general', /^211/],
    ['DATE', /^111/],
    ['QUIT', /^205/],
  ],
  managesieve: [
    [`AUTHENTICATE "PLAIN" "${Buffer.from('\0bob\0secret').toString('base64')}"`, /^OK/],
    ['PUTSCRIPT "regular" {5+}\r\nkeep;', /^OK/],
    ['SETACTIVE "regular"', /^OK/],
    ['LISTSCRIPTS', /^OK/],
    ['LOGOUT', /^OK/],
  ],
}

/** Finds the last line of a reply. */
const lastLines: Readonly<Record<FuzzedProtocol, RegExp>> = {
  smtp: /^\d{3} /,
  lmtp: /^\d{3} /,
  pop3: /^/,
  imap4: /^[a-d] /,
  nntp: /^/,
  managesieve: /^(?:OK|NO|BYE)\b/,
}

async function regularSession(protocol: FuzzedProtocol): Promise<void> {
  using client = await LineClient.greeted(lab.server(protocol).port)
  const isLast = (line: string): boolean => lastLines[protocol].test(line)
  // Its greeting has several lines.
  if (protocol === 'managesieve') await client.lines(isLast)
  for (const [command, reply] of regular[protocol]) {
    client.send(`${command}\r\n`)
    expect((await client.lines(isLast)).at(-1), `${protocol}: ${command}`).toMatch(reply)
  }
}

for (const protocol of protocols) {
  /** The states, and the ClientHello. */
  const parts = fuzzStates[protocol].length + 1
  describe(`${protocol}, whatever a client sends (seed ${seed})`, () => {
    it.each(fuzzStates[protocol].map((state) => [state.name, state] as const))('%s', async (name, state) => {
      const random = seededRandom(seed + name.length * 7919)
      for (const _ of roundsOf(`${protocol} ${name}`, rounds, parts)) {
        const input: Buffer[] = state.lead.map((words) => Buffer.from(`${words}\r\n`, 'latin1'))
        for (let n = 1 + Math.floor(random() * 12); n > 0; n--) {
          const words = state.words[Math.floor(random() * state.words.length)] as string
          input.push(mutate(Buffer.from(words, 'latin1'), random), Buffer.from(random() < 0.9 ? '\r\n' : ''))
        }
        await sendAll(lab.server(protocol).port, input)
        expect(errors, Buffer.concat(input).toString('latin1').slice(0, 2_000)).toEqual([])
        expect(rejections).toEqual([])
      }
      await regularSession(protocol)
    })

    it('mutated ClientHello messages', async () => {
      const random = seededRandom(seed)
      const hello = await clientHello()
      for (const _ of roundsOf(`${protocol} ClientHello`, rounds, parts)) {
        await sendAll(lab.server(protocol).tlsPort, [mutate(Buffer.from(hello), random)])
        expect(errors).toEqual([])
        expect(rejections).toEqual([])
      }
      await regularSession(protocol)
    })
  })
}

/** Returns the ClientHello of a real TLS client. */
async function clientHello(): Promise<Buffer> {
  const listener = createServer()
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address() as { port: number }
  const client = tlsConnect({ host: '127.0.0.1', port: address.port, servername: 'localhost' })
  client.on('error', () => {})
  const [socket] = (await once(listener, 'connection')) as [Socket]
  const [hello] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  listener.close()
  return hello
}
