import type { Readable } from 'node:stream'
import type { SMTPConnectionCustomAuthContext } from 'nodemailer/lib/smtp-connection'
import type { OutgoingEnvelope } from '../types.ts'
import { DialogStream, type ParametersOf, type TransactionReplies } from './dialog-stream.ts'
import { lost, PeerFailure, stopping } from './failure.ts'
import { type LogOn, logOnOf } from './log-on.ts'
import type { OpenedPeer } from './opening.ts'
import type { Extensions } from './reply.ts'

type Connection = import('nodemailer/lib/smtp-connection').default

/** A connection to another host that has logged on and takes messages. nodemailer speaks SMTP on it. */
export class PeerConnection {
  readonly session: string
  readonly host: string
  readonly extensions: Extensions
  /** Messages that were sent, accepted or not. */
  count = 0
  /** Resolves once the connection has ended. */
  readonly closed: Promise<void>
  readonly #peer: OpenedPeer
  readonly #stream: DialogStream
  readonly #smtp: Connection
  #isQuitting = false

  private constructor(peer: OpenedPeer, stream: DialogStream, smtp: Connection) {
    this.#peer = peer
    this.#stream = stream
    this.#smtp = smtp
    this.session = peer.session
    this.host = peer.hop.host
    this.extensions = peer.extensions
    // Each error also reaches the callback of the message or command that is in progress.
    smtp.on('error', () => {})
    this.closed = new Promise((resolve) => {
      stream.once('close', () => {
        const { failure, record } = peer.wire
        record.end(!this.#isQuitting && failure ? 'connection lost' : 'client closed')
        resolve()
      })
    })
  }

  /**
   * Logs on as the hop says.
   * @param allowsClearText whether a password may be sent without TLS
   * @param signal aborts the connection until it is returned
   * @throws PeerFailure
   */
  static async begin(
    peer: OpenedPeer,
    hostname: string,
    allowsClearText: boolean,
    signal: AbortSignal,
  ): Promise<PeerConnection> {
    const { wire, hop, extensions } = peer
    const { default: SmtpConnection } = await import('nodemailer/lib/smtp-connection')
    const stream = new DialogStream(peer)
    const smtp = new SmtpConnection({
      connection: stream.asSocket(),
      // The certificate is already verified, and the wire limits the waits.
      secure: wire.isSecure,
      secured: wire.isSecure,
      ignoreTLS: true,
      host: hop.host,
      name: hostname,
      greetingTimeout: MAX_TIMEOUT_MS,
      connectionTimeout: MAX_TIMEOUT_MS,
      customAuth: { [ACCESS_TOKEN]: logOnWithToken },
    })
    const connection = new PeerConnection(peer, stream, smtp)
    try {
      await connection.#until(signal, async () => {
        await connection.#call((done) => smtp.connect(done))
        const logOn = logOnOf(hop, extensions, wire.isSecure, allowsClearText)
        if (logOn) await connection.#logOn(logOn)
      })
      return connection
    } catch (error) {
      const failure = connection.#failureOf(error)
      failure.session = peer.session
      if (failure.code === undefined) wire.record.refused(failure.message)
      connection.quit()
      throw failure
    }
  }

  /** Whether TLS protects it. */
  get isSecure(): boolean {
    return this.#peer.wire.isSecure
  }

  /** Whether the connection has ended. */
  get isClosed(): boolean {
    return this.#stream.destroyed || this.#peer.wire.failure !== undefined
  }

  /**
   * Sends a message. Resolves with the replies, and why there are no more of them.
   * @param signal aborts the connection
   * @throws PeerFailure if the message was not offered to the host
   */
  async send(
    { mailFrom, recipients }: OutgoingEnvelope,
    message: Readable,
    parametersOf: ParametersOf,
    signal: AbortSignal,
  ): Promise<{ readonly replies: TransactionReplies; readonly lost: string | undefined }> {
    this.count++
    this.#stream.begin(parametersOf)
    const { wire } = this.#peer
    try {
      const to = [...new Set(recipients.map(({ address }) => address))]
      await this.#until(signal, () => this.#call((done) => this.#smtp.send({ from: mailFrom, to }, message, done)))
      return { replies: this.#stream.replies, lost: undefined }
    } catch (error) {
      const { replies } = this.#stream
      // Only the end of the connection keeps the host from taking the part that it has. RFC 5321 section 4.1.1.4
      if (message.errored) wire.fail(lost(`the message could not be read: ${message.errored.message}`))
      const isLost = wire.failure !== undefined || this.isClosed
      if (!isLost && replies.mail === undefined) throw notOffered(error as Error)
      if (!isLost) return { replies, lost: undefined }
      // RFC 5321 section 4.5.3.2.6, RFC 1047
      const twice = wire.awaited === 'end of data' ? '; it may have taken the message, which may then arrive twice' : ''
      const why = wire.failure?.message ?? (error as Error).message
      if (replies.final === undefined) wire.record.refused(`${why}${twice}`)
      return { replies, lost: `${why}${twice}` }
    }
  }

  /** Whether the last message may have arrived although its reply did not. */
  get isUncertain(): boolean {
    return this.#peer.wire.awaited === 'end of data'
  }

  /**
   * Prepares for the next message.
   * @param signal aborts the connection
   * @throws PeerFailure if the connection cannot be used any more
   */
  async reset(signal: AbortSignal): Promise<void> {
    try {
      await this.#until(signal, () => this.#call((done) => this.#smtp.reset(done)))
    } catch (error) {
      throw this.#failureOf(error)
    }
  }

  /** Says QUIT and closes. RFC 5321 section 4.1.1.10. */
  quit(): void {
    this.#isQuitting = true
    if (this.isClosed) return
    this.#smtp.quit()
    // A host that does not answer must not keep the connection.
    const timer = setTimeout(() => this.destroy(), QUIT_MS)
    timer.unref()
    this.#stream.once('close', () => clearTimeout(timer))
  }

  destroy(): void {
    this.#isQuitting = true
    this.#smtp.close()
    this.#stream.destroy()
  }

  async #logOn({ user, method, pass }: LogOn): Promise<void> {
    this.#peer.wire.record.note(`log-on as ${user} by ${method}`)
    const known = method === 'XOAUTH2' ? ACCESS_TOKEN : method
    await this.#call((done) => this.#smtp.login({ user, pass, method: known }, done))
  }

  /** Does a piece of work, and loses the connection if the signal aborts before its end or has aborted already. */
  async #until(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const stop = (): void => this.#peer.wire.fail(stopping())
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      // Also after a stop: nodemailer notices the end, and listens to the error.
      await work()
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Runs a function of nodemailer that calls back, or loses the connection. */
  #call(run: (done: (error?: Error | null) => void) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(this.#peer.wire.failure ?? lost('the host closed the connection'))
      const settled = (): void => void this.#smtp.off('end', onEnd)
      this.#smtp.once('end', onEnd)
      run((error) => {
        settled()
        if (error) reject(error)
        else resolve()
      })
    })
  }

  /** Returns the failure that an error of nodemailer stands for. */
  #failureOf(error: unknown): PeerFailure {
    if (error instanceof PeerFailure) return error
    const { failure } = this.#peer.wire
    if (failure instanceof PeerFailure) return failure
    const { message, response, responseCode } = error as Error & { response?: string; responseCode?: number }
    if (responseCode === undefined || response === undefined) return lost(message, error)
    // A refused log-on: its cure is a change of the configuration, so the mail waits. RFC 4954 section 6.
    const text = response.replaceAll(/\s+/g, ' ')
    return new PeerFailure(`${this.host} refused the log-on: ${text}`, { code: responseCode, enhancedCode: '4.7.8' })
  }
}

/** nodemailer refused the envelope, so that the host was not asked. Another host would not be asked either. */
const notOffered = (error: Error): PeerFailure =>
  new PeerFailure(`the message cannot be sent: ${error.message}`, { enhancedCode: '4.3.5', cause: error })

/** The name of `logOnWithToken` for nodemailer, whose own XOAUTH2 fetches tokens from URLs. */
const ACCESS_TOKEN = 'ACCESS-TOKEN'

/** XOAUTH2 with a given access token. https://developers.google.com/workspace/gmail/imap/xoauth2-protocol */
async function logOnWithToken({ auth, sendCommand }: SMTPConnectionCustomAuthContext): Promise<void> {
  const response = Buffer.from(`user=${auth.user}\x01auth=Bearer ${auth.pass}\x01\x01`).toString('base64')
  const reply = await sendCommand(`AUTH XOAUTH2 ${response}`)
  // A refusal comes in two steps: a challenge with the reason, and the reply to an empty response.
  const last = reply.status === 334 ? await sendCommand('') : reply
  if (last.status !== 235) throw new Error(last.response)
}

/** nodemailer's own limits are switched off by a long time: a timer takes no longer one. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1
/** Longest wait for the end of a session after QUIT. */
const QUIT_MS = 5_000
