import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { FeedConfig } from '../../config/schema.ts'
import { Connection, type SecuredSocket } from '../../net/connection.ts'
import { HandshakeFailure } from '../../net/errors.ts'
import type { SessionRecorder, TlsFacts } from '../../sessions/types.ts'
import { suiteBits } from '../../tls/suites.ts'

/** A feed session that came to nothing; the message says why. It is tried again after a while. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
}

export interface DialOptions {
  readonly feed: FeedConfig
  /** PEM of the roots that the peer's certificate must lead to. */
  readonly roots: readonly string[]
  /** Puts the session on record. */
  readonly record: (remote: { address: string; port: number }, socket: Socket) => SessionRecorder
  readonly signal: AbortSignal
}

const CONNECT_TIMEOUT_MS = 30_000
/** How long a peer may think about an answer. */
const ANSWER_TIMEOUT_MS = 5 * 60_000

/** A connection to a peer, under TLS already where that is implicit. @throws FeedError, HandshakeFailure */
export async function dial(options: DialOptions): Promise<Connection> {
  const { feed, signal } = options
  const host = feed.host ?? feed.peer
  const port = feed.port ?? (feed.tls === 'implicit' ? 563 : 119)
  const socket = await tcp(host, port, signal)
  const record = options.record({ address: host, port }, socket)
  const secure = (raw: Duplex): Promise<SecuredSocket> => recorded(handshake(raw, host, options), record)
  const secured = feed.tls === 'implicit' ? await secure(socket) : undefined
  const connection = new Connection({
    socket: secured?.socket ?? socket,
    remote: { address: host, port },
    local: { address: socket.localAddress ?? '', port: socket.localPort ?? 0 },
    record,
    idleTimeoutMs: ANSWER_TIMEOUT_MS,
    securer: { available: true, secure },
    ...(secured ? { facts: secured.facts } : {}),
  })
  const stop = (): void => connection.destroy('stopping')
  signal.addEventListener('abort', stop)
  void connection.closed.then((cause) => {
    signal.removeEventListener('abort', stop)
    record.end(cause)
  })
  return connection
}

async function recorded(handshake: Promise<SecuredSocket>, record: SessionRecorder): Promise<SecuredSocket> {
  try {
    const secured = await handshake
    record.secured(secured.facts)
    return secured
  } catch (error) {
    record.refused(error instanceof Error ? error.message : String(error))
    record.end('connection lost')
    throw error
  }
}

async function tcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ host, port, noDelay: true })
  try {
    await once(socket, 'connect', { signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]) })
    return socket
  } catch (error) {
    socket.destroy()
    throw new FeedError(`cannot connect to ${host} port ${port}: ${(error as Error).message}`, { cause: error })
  }
}

/** The client's side of a handshake; the certificate is verified against the roots and the host's name. */
async function handshake(raw: Duplex, host: string, { roots, signal }: DialOptions): Promise<SecuredSocket> {
  const socket = connectTls({
    socket: raw,
    host,
    ca: [...roots],
    ALPNProtocols: ['nntp'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
  })
  try {
    await once(socket, 'secureConnect', { signal: AbortSignal.any([signal, AbortSignal.timeout(CONNECT_TIMEOUT_MS)]) })
    return { socket, facts: factsOf(socket) }
  } catch (error) {
    socket.destroy()
    raw.destroy()
    throw new HandshakeFailure(`TLS with ${host} failed: ${(error as Error).message}`, { cause: error })
  }
}

function factsOf(socket: TLSSocket): TlsFacts {
  const { standardName } = socket.getCipher()
  return {
    version: socket.getProtocol() ?? 'unknown',
    cipher: standardName,
    bits: suiteBits(standardName) ?? 0,
    resumed: socket.isSessionReused(),
    ...(typeof socket.alpnProtocol === 'string' ? { alpn: socket.alpnProtocol } : {}),
  }
}

export interface Answer {
  readonly code: number
  readonly text: string
}

const MAX_ANSWER_OCTETS = 16_384

/** A session with another news server, as its client. */
export class PeerSession {
  readonly connection: Connection

  private constructor(connection: Connection) {
    this.connection = connection
  }

  /** Connects, secures as the feed asks, and logs on. @throws FeedError, HandshakeFailure, ConnectionEnded */
  static async open(options: DialOptions): Promise<PeerSession> {
    const session = new PeerSession(await dial(options))
    try {
      await session.#begin(options)
      return session
    } catch (error) {
      session.connection.destroy()
      throw error
    }
  }

  /** Sends a command and gives the answer. */
  async ask(command: string): Promise<Answer> {
    this.send(command)
    return this.answer()
  }

  /** As `ask`; any other code is an error. @throws FeedError */
  async expect(command: string, code: number): Promise<Answer> {
    const answer = await this.ask(command)
    if (answer.code !== code)
      throw new FeedError(`${command.split(' ')[0]}: the peer says ${answer.code} ${answer.text}`)
    return answer
  }

  send(command: string): void {
    this.connection.write(`${command}\r\n`)
  }

  async answer(): Promise<Answer> {
    const line = await this.connection.readLine(MAX_ANSWER_OCTETS, 'utf8')
    const code = Number(line.slice(0, 3))
    if (!/^[1-5]\d\d( |$)/.test(line)) throw new FeedError(`not an NNTP response: ${line.slice(0, 80)}`)
    // RFC 3977 section 3.2.1: the peer goes away.
    if (code === 400) throw new FeedError(`the peer says ${line}`)
    return { code, text: line.slice(4) }
  }

  async close(): Promise<void> {
    this.send('QUIT')
    await this.answer().catch(() => {})
    this.connection.end()
  }

  async #begin({ feed }: DialOptions): Promise<void> {
    const greeting = await this.answer()
    if (greeting.code !== 200 && greeting.code !== 201) {
      throw new FeedError(`greeted by ${greeting.code} ${greeting.text}`)
    }
    if (feed.tls === 'starttls') {
      await this.expect('STARTTLS', 382) // RFC 4642; refused, nothing more is said in clear
      await this.connection.startTls()
    }
    if (feed.user === undefined) return
    const asked = await this.ask(`AUTHINFO USER ${feed.user}`) // RFC 4643 section 2.3
    if (asked.code === 381) {
      // As octets: the transcript keeps no password.
      this.connection.write(Buffer.from(`AUTHINFO PASS ${feed.password ?? ''}\r\n`))
      const done = await this.answer()
      if (done.code !== 281) throw new FeedError(`log-on as ${feed.user}: the peer says ${done.code} ${done.text}`)
    } else if (asked.code !== 281) {
      throw new FeedError(`log-on as ${feed.user}: the peer says ${asked.code} ${asked.text}`)
    }
  }
}
