import { isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { FeedConfig } from '../../../core/config/schema.ts'
import type { SessionRecorder } from '../../../core/sessions/types.ts'
import { ClientStream, type StreamEnd } from '../../../net/client/client-stream.ts'
import { connectTcp, handshake } from '../../../net/client/connect.ts'
import { agreedFacts } from '../../../tls/negotiation/facts.ts'

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

interface Answer {
  readonly code: number
  readonly text: string
}

const MAX_ANSWER_OCTETS = 16_384

/** A client session with another news server. */
export class PeerSession {
  readonly #host: string
  readonly #options: DialOptions
  readonly #record: SessionRecorder
  readonly #stream: ClientStream

  private constructor(socket: Socket, host: string, record: SessionRecorder, options: DialOptions) {
    this.#host = host
    this.#options = options
    this.#record = record
    this.#stream = new ClientStream(socket, {
      maxLineOctets: MAX_ANSWER_OCTETS,
      timeoutMs: ANSWER_TIMEOUT_MS,
      errorOf: (end) => this.#errorOf(end),
    })
    const { signal } = options
    const stop = (): void => this.destroy('stopping')
    signal.addEventListener('abort', stop)
    void this.#stream.closed.then(() => {
      signal.removeEventListener('abort', stop)
      record.end('connection lost')
    })
  }

  /** Connects, starts TLS and logs on as the feed is configured. @throws FeedError */
  static async open(options: DialOptions): Promise<PeerSession> {
    const { feed, signal } = options
    const host = feed.host ?? feed.peer
    const port = feed.port ?? (feed.tls === 'implicit' ? 563 : 119)
    const socket = await connectTcp({ host, port }, { timeoutMs: CONNECT_TIMEOUT_MS, signal }).catch((error: Error) => {
      throw new FeedError(`cannot connect to ${host} port ${port}: ${error.message}`, { cause: error })
    })
    const session = new PeerSession(socket, host, options.record({ address: host, port }, socket), options)
    try {
      await session.#begin()
      return session
    } catch (error) {
      session.destroy()
      throw error
    }
  }

  /** Sends a command and returns the answer. @throws FeedError */
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

  /** Sends commands, together. */
  send(...commands: readonly string[]): void {
    for (const command of commands) this.#record.line('out', command)
    void this.#stream.write(commands.map((command) => `${command}\r\n`).join(''))
  }

  /** Sends an article, as fast as the peer takes it. */
  async sendArticle(raw: Buffer): Promise<void> {
    this.#record.octets('out', raw.length)
    await this.#stream.writeBlock(raw)
  }

  async answer(): Promise<Answer> {
    const line = await this.#stream.line()
    this.#record.line('in', line)
    const code = Number(line.slice(0, 3))
    if (!/^[1-5]\d\d( |$)/.test(line)) throw new FeedError(`not an NNTP response: ${line.slice(0, 80)}`)
    // RFC 3977 section 3.2.1: the peer closes the connection
    if (code === 400) throw new FeedError(`the peer answered ${line}`)
    return { code, text: line.slice(4) }
  }

  /** Returns the lines that follow an answer. @throws TooLong once more lines have been read and discarded; FeedError */
  async block(maxOctets: number): Promise<Buffer> {
    const block = await this.#stream.block(maxOctets)
    this.#record.octets('in', block.length)
    return block
  }

  /** Says QUIT and closes. */
  async close(): Promise<void> {
    await this.ask('QUIT').catch(() => {})
    this.#record.end('server closed')
    this.#stream.end()
  }

  /** Closes immediately. */
  destroy(cause = 'server closed'): void {
    this.#record.end(cause)
    this.#stream.destroy()
  }

  async #begin(): Promise<void> {
    const { feed } = this.#options
    if (feed.tls === 'implicit') await this.#secure()
    const greeting = await this.answer()
    if (greeting.code !== 200 && greeting.code !== 201) {
      throw new FeedError(`the peer greeted with ${greeting.code} ${greeting.text}`)
    }
    if (feed.tls === 'starttls') {
      await this.expect('STARTTLS', 382) // RFC 4642. If the peer refuses, the session ends without sending anything in clear text.
      await this.#secure()
    }
    if (feed.user === undefined) return
    let done = await this.ask(`AUTHINFO USER ${feed.user}`) // RFC 4643 section 2.3
    if (done.code === 381) done = await this.ask(`AUTHINFO PASS ${feed.password ?? ''}`)
    if (done.code !== 281) throw new FeedError(`log-on as ${feed.user}: the peer answered ${done.code} ${done.text}`)
  }

  /** Runs the handshake. Verifies the certificate against the roots and the host name. */
  async #secure(): Promise<void> {
    const { heldOctets } = this.#stream
    if (heldOctets > 0) this.#record.note(`${heldOctets} octets sent in clear text after STARTTLS were discarded`)
    try {
      this.#record.secured(agreedFacts(await this.#stream.startTls((raw) => this.#handshake(raw))))
    } catch (error) {
      const message = `TLS with ${this.#host} failed: ${(error as Error).message}`
      this.#record.refused(message)
      this.destroy('handshake failed')
      throw new FeedError(message, { cause: error })
    }
  }

  #handshake(socket: Duplex): Promise<TLSSocket> {
    const { roots, signal } = this.#options
    const host = this.#host
    const servername = isIP(host) === 0 ? { servername: host } : {}
    const limits = { timeoutMs: CONNECT_TIMEOUT_MS, signal }
    return handshake({ socket, host, ca: [...roots], ALPNProtocols: ['nntp'], ...servername }, limits)
  }

  #errorOf(end: StreamEnd): FeedError {
    if (end.kind === 'closed') {
      this.#record.end('client closed')
      return new FeedError('the peer closed the connection')
    }
    if (end.kind === 'lost') return new FeedError(`the connection was lost: ${end.error.message}`, { cause: end.error })
    if (end.kind === 'silent') return new FeedError(`no answer within ${end.timeoutMs / 60_000} minutes`)
    const what = end.kind === 'line too long' ? 'line' : 'block'
    return new FeedError(`the peer sent a ${what} longer than ${end.maxOctets} octets`)
  }
}
