import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect } from 'vitest'
import { type ServerProtocol, serverProtocols } from '../../src/core/config/schema.ts'
import type { TestLab } from '../../src/testing/test-lab.ts'
import { LineClient } from './line-client.ts'

interface Conversation {
  /** The server is silent until the first command. */
  readonly isAskedFirst?: true
  /** Commands of the log-on and the beginning of their replies. */
  readonly logOn: readonly (readonly [string, string])[]
  /** A command that a session repeats. */
  readonly command: string
  readonly reply: string
}

const REQUEST = 'HEAD /livez HTTP/1.1\r\nHost: localhost\r\n'

const dialogs: Record<ServerProtocol, Conversation> = {
  smtp: { logOn: [['EHLO load.test', '250 ']], command: 'NOOP', reply: '250' },
  pop3: {
    logOn: [
      ['USER pop3', '+OK'],
      ['PASS secret', '+OK'],
    ],
    command: 'NOOP',
    reply: '+OK',
  },
  imap4: { logOn: [['a LOGIN imap4 secret', 'a OK']], command: 'n NOOP', reply: 'n OK' },
  nntp: { logOn: [['MODE READER', '20']], command: 'DATE', reply: '111' },
  lmtp: { logOn: [['LHLO load.test', '250 ']], command: 'NOOP', reply: '250' },
  managesieve: { logOn: [['NOOP', 'OK']], command: 'NOOP', reply: 'OK' },
  http: { isAskedFirst: true, logOn: [], command: REQUEST, reply: 'HTTP/1.1 200' },
}

async function exchange(client: LineClient, command: string, reply: string): Promise<void> {
  client.send(`${command}\r\n`)
  const lines = await client.lines(
    (one) => one.startsWith(reply) || /^(\S+ (NO|BAD)|-ERR|[45]\d\d|HTTP\/1\.1 [45])/.test(one),
  )
  expect(lines.at(-1)).toMatch(new RegExp(`^${reply.replace('+', '\\+')}`))
}

/** The accounts that the sessions log on with. */
export const loadAccounts = serverProtocols.map((name) => ({ user: name, password: 'secret' }))

/** One session of each protocol, over TLS, that exchanges commands without a pause until it is stopped. */
export class SessionLoad {
  exchanges = 0
  readonly #lab: TestLab
  readonly #sessions: Promise<void>[]
  #running = true

  constructor(lab: TestLab) {
    this.#lab = lab
    this.#sessions = serverProtocols.map((protocol) => this.#session(protocol))
    // Reported by `stop`, even if the test fails before.
    for (const session of this.#sessions) session.catch(() => {})
  }

  /** Ends the sessions. Rejects if one was broken. */
  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#sessions)
    expect(this.#lab.sessions().flatMap(({ refusals }) => refusals)).toEqual([])
  }

  async #session(protocol: ServerProtocol): Promise<void> {
    const { isAskedFirst, logOn, command, reply } = dialogs[protocol]
    using client = await LineClient.openTls(this.#lab.server(protocol).tlsPort, this.#lab.ca)
    if (!isAskedFirst) await client.line()
    for (const [line, expected] of logOn) await exchange(client, line, expected)
    while (this.#running) {
      await exchange(client, command, reply)
      this.exchanges++
    }
  }
}

/** Returns the certificate that a new client sees, which verifies it. */
export async function certificateOn(
  port: number,
  ca: string,
  protocol: ServerProtocol = 'imap4',
): Promise<X509Certificate> {
  const { isAskedFirst } = dialogs[protocol]
  const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' })
  if (isAskedFirst) socket.write(`${REQUEST}\r\n`)
  // The greeting or the answer shows that the handshake is complete on the server's side too.
  await once(socket, 'data')
  const { raw } = socket.getPeerX509Certificate() as X509Certificate
  socket.on('error', () => {})
  socket.destroy()
  return new X509Certificate(raw)
}
