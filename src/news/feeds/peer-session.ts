import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { abortAfter } from '../../common/abort-after.ts'
import { noChannelBindings } from '../../common/channel-bindings.ts'
import type { FeedConfig } from '../../config/schema.ts'
import { Connection, type SecuredSocket } from '../../net/connection.ts'
import { HandshakeFailure } from '../../net/errors.ts'
import type { SessionRecorder } from '../../sessions/types.ts'
import { agreedFacts } from '../../tls/facts.ts'

/** A feed session that failed. The message gives the reason. The feed retries later. */
export class FeedError extends Error {
  override readonly name = 'FeedError'
}

export interface DialOptions {
  readonly feed: FeedConfig
  /** PEM of the roots that the peer's certificate must chain to. */
  readonly roots: readonly string[]
  /** Opens a session record. */
  readonly record: (remote: { address: string; port: number }, socket: Socket) => SessionRecorder
  readonly signal: AbortSignal
}

const CONNECT_TIMEOUT_MS = 30_000
/** Longest wait for a peer's answer. */
const ANSWER_TIMEOUT_MS = 5 * 60_000

/** Connects to a peer, with TLS at once if the feed uses implicit TLS. @throws FeedError, HandshakeFailure */
async function dial(options: DialOptions): Promise<Connection> {
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
    secured,
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
    record.end('handshake failed')
    throw error
  }
}

async function tcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({ host, port, noDelay: true })
  using limit = abortAfter(CONNECT_TIMEOUT_MS, signal)
  try {
    await once(socket, 'connect', { signal: limit.signal })
    return socket
  } catch (error) {
    socket.destroy()
    throw new FeedError(`cannot connect to ${host} port ${port}: ${(error as Error).message}`, { cause: error })
  }
}

/** Runs a TLS handshake as client. Verifies the certificate against the roots and the host name. */
async function handshake(raw: Duplex, host: string, { roots, signal }: DialOptions): Promise<SecuredSocket> {
  const socket = connectTls({
    socket: raw,
    host,
    ca: [...roots],
    ALPNProtocols: ['nntp'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
  })
  using limit = abortAfter(CONNECT_TIMEOUT_MS, signal)
  try {
    await once(socket, 'secureConnect', { signal: limit.signal })
    return { socket, facts: agreedFacts(socket), bindings: noChannelBindings }
  } catch (error) {
    socket.destroy()
    raw.destroy()
    throw new HandshakeFailure(`TLS with ${host} failed: ${(error as Error).message}`, { cause: error })
  }
}

interface Answer {
  readonly code: number
  readonly text: string
}

const MAX_ANSWER_OCTETS = 16_384

/** A client session with another news server. */
export class PeerSession {
  readonly connection: Connection

  private constructor(connection: Connection) {
    this.connection = connection
  }

  /** Connects, starts TLS and logs on as the feed is configured. @throws FeedError, HandshakeFailure, ConnectionEnded */
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

  /** Sends a command and returns the answer. */
  async ask(command: string): Promise<Answer> {
    this.send(command)
    return this.answer()
  }

  /** Sends a command and returns the answer. @throws FeedError if the answer has another code */
  async expect(command: string, code: number): Promise<Answer> {
    const answer = await this.ask(command)
    if (answer.code !== code)
      throw new FeedError(`${command.split(' ')[0]}: the peer answered ${answer.code} ${answer.text}`)
    return answer
  }

  send(command: string): void {
    this.connection.write(`${command}\r\n`)
  }

  async answer(): Promise<Answer> {
    const line = await this.connection.readLine(MAX_ANSWER_OCTETS, 'utf8')
    const code = Number(line.slice(0, 3))
    if (!/^[1-5]\d\d( |$)/.test(line)) throw new FeedError(`not an NNTP response: ${line.slice(0, 80)}`)
    // RFC 3977 section 3.2.1: the peer closes the connection
    if (code === 400) throw new FeedError(`the peer answered ${line}`)
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
      throw new FeedError(`the peer greeted with ${greeting.code} ${greeting.text}`)
    }
    if (feed.tls === 'starttls') {
      await this.expect('STARTTLS', 382) // RFC 4642. If the peer refuses, the session ends without sending anything in clear text.
      await this.connection.startTls()
    }
    if (feed.user === undefined) return
    const asked = await this.ask(`AUTHINFO USER ${feed.user}`) // RFC 4643 section 2.3
    if (asked.code === 381) {
      // Sent as a Buffer, because the transcript records only strings: no password is kept.
      this.connection.write(Buffer.from(`AUTHINFO PASS ${feed.password ?? ''}\r\n`))
      const done = await this.answer()
      if (done.code !== 281) throw new FeedError(`log-on as ${feed.user}: the peer answered ${done.code} ${done.text}`)
    } else if (asked.code !== 281) {
      throw new FeedError(`log-on as ${feed.user}: the peer answered ${asked.code} ${asked.text}`)
    }
  }
}
