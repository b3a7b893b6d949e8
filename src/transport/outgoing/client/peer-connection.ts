import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'
import { type Extensions, isPositive, type Reply, replyText } from '../../../net/client/smtp.ts'
import type { OutgoingEnvelope } from '../types.ts'
import type { MessageContent } from './content.ts'
import { attemptStopped, connectionLost, PeerFailure } from './failure.ts'
import { logOnOf, logOnTo } from './log-on.ts'
import type { OpenedPeer } from './opening.ts'
import { mailParameters, recipientParameters } from './parameters.ts'
import type { TransactionReplies } from './results.ts'
import { END_OF_DATA, type SmtpDialog } from './smtp-dialog.ts'

/** The outcome of a transaction. */
interface Transaction {
  readonly replies: TransactionReplies
  /** Why there are no more replies. */
  readonly lost: string | undefined
  /** Whether the message may have arrived although its reply did not. */
  readonly isUncertain: boolean
}

/** A connection to another host that has logged on and takes messages. */
export class PeerConnection {
  readonly session: string
  readonly host: string
  readonly remoteAddress: string
  readonly extensions: Extensions
  /** Messages that were sent, accepted or not. */
  count = 0
  /** Resolves once the connection has ended. */
  readonly closed: Promise<void>
  readonly #dialog: SmtpDialog
  readonly #protocol: OpenedPeer['protocol']
  #isQuitting = false

  private constructor({ dialog, hop, protocol, host, session, extensions }: OpenedPeer) {
    this.#dialog = dialog
    this.#protocol = protocol
    this.session = session
    this.host = hop.host
    this.remoteAddress = host.remoteAddress ?? ''
    this.extensions = extensions
    this.closed = dialog.closed.then(() => {
      dialog.record.end(!this.#isQuitting && dialog.failure ? 'connection lost' : 'client closed')
    })
  }

  /**
   * Logs on as the hop says.
   * @param allowsClearText whether a password may be sent without TLS
   * @param signal aborts the connection until it is returned
   * @throws PeerFailure
   */
  static async begin(peer: OpenedPeer, allowsClearText: boolean, signal: AbortSignal): Promise<PeerConnection> {
    const { dialog, hop, extensions, session } = peer
    const connection = new PeerConnection(peer)
    try {
      const logOn = logOnOf(hop, extensions, dialog.isSecure, allowsClearText)
      if (logOn) {
        dialog.record.note(`log-on as ${logOn.user} by ${logOn.method}`)
        await dialog.until(signal, () => logOnTo(hop.host, logOn, (line) => dialog.ask(line)))
      }
      return connection
    } catch (error) {
      if (error instanceof PeerFailure) {
        error.session = session
        if (error.code === undefined) dialog.record.refused(error.message)
      }
      connection.quit()
      throw error
    }
  }

  /** Whether TLS protects it. */
  get isSecure(): boolean {
    return this.#dialog.isSecure
  }

  /** Whether the connection has ended. */
  get isClosed(): boolean {
    return this.#dialog.failure !== undefined
  }

  /** Sends a message. Resolves also if the connection is lost. @param signal aborts the connection */
  async send(envelope: OutgoingEnvelope, content: MessageContent, signal: AbortSignal): Promise<Transaction> {
    this.count++
    const replies: TransactionReplies = { recipients: new Map(), finals: new Map() }
    const dialog = this.#dialog
    try {
      await dialog.until(signal, () => this.#transact(envelope, content, replies))
      return { replies, lost: undefined, isUncertain: false }
    } catch (error) {
      const isUncertain = dialog.awaited === END_OF_DATA
      // RFC 5321 section 4.5.3.2.6, RFC 1047
      const twice = isUncertain ? '; it may have taken the message, which may then arrive twice' : ''
      const why = `${(error as Error).message}${twice}`
      if (replies.finals.size === 0 || isUncertain) dialog.record.refused(why)
      return { replies, lost: why, isUncertain }
    }
  }

  /**
   * Prepares for the next message. Returns whether the connection can take it.
   * @param signal aborts the connection
   */
  async reset(signal: AbortSignal): Promise<boolean> {
    try {
      return isPositive(await this.#dialog.until(signal, () => this.#dialog.ask('RSET')))
    } catch (error) {
      if (error instanceof PeerFailure) return false
      throw error
    }
  }

  /** Says QUIT and closes. RFC 5321 section 4.1.1.10. */
  quit(): void {
    if (this.#isQuitting || this.isClosed) return
    this.#isQuitting = true
    // A host that does not answer must not keep the connection.
    const timer = setTimeout(() => this.destroy(), QUIT_MS)
    timer.unref()
    void this.closed.then(() => clearTimeout(timer))
    this.#dialog.ask('QUIT').then(
      () => this.#dialog.end(),
      () => {},
    )
  }

  destroy(): void {
    this.#isQuitting = true
    this.#dialog.fail(attemptStopped())
  }

  /** Does a transaction: MAIL, RCPT, DATA and the message. RFC 5321 section 3.3. @throws PeerFailure if the connection ends */
  async #transact(envelope: OutgoingEnvelope, content: MessageContent, replies: TransactionReplies): Promise<void> {
    const recipients = envelope.recipients.filter(
      ({ address }, at, all) => all.findIndex((one) => one.address === address) === at,
    )
    const lines = [
      `MAIL FROM:<${envelope.mailFrom}>${mailParameters(envelope, content, this.extensions)}`,
      ...recipients.map(
        (one) => `RCPT TO:<${one.address}>${recipientParameters(one, this.extensions, content.isInternational)}`,
      ),
      'DATA',
    ]
    // RFC 2920 section 3.1: DATA ends a group of commands.
    const pipelined = this.extensions.has('PIPELINING') ? this.#dialog.pipeline(lines) : undefined
    const replyTo = (at: number): Promise<Reply> => pipelined?.[at] ?? this.#dialog.ask(lines[at] as string)
    replies.mail = await replyTo(0)
    checkStays(replies.mail, 'MAIL')
    if (!isPositive(replies.mail) && !pipelined) return
    const accepted: string[] = []
    for (const [at, { address }] of recipients.entries()) {
      const reply = await replyTo(at + 1)
      replies.recipients.set(address, reply)
      checkStays(reply, `RCPT TO:<${address}>`)
      if (isPositive(reply)) accepted.push(address)
    }
    if (accepted.length === 0 && !pipelined) return
    replies.data = await replyTo(lines.length - 1)
    checkStays(replies.data, 'DATA')
    if (replies.data.code >= 400) return
    // RFC 5321 section 4.1.1.4: after any other reply, the host would read the message as commands.
    if (replies.data.code !== 354) {
      throw this.#broken(`the host answered DATA with ${replyText(replies.data) || 'an empty line'}, not with 354`)
    }
    if (!isPositive(replies.mail)) throw this.#broken('the host took DATA although it refused MAIL')
    const isLmtp = this.#protocol === 'lmtp'
    // RFC 2033 section 4.2: DATA without a recipient must fail. Nothing would say that the host has read an empty message.
    if (isLmtp && accepted.length === 0) throw this.#broken('the host took DATA although it refused every recipient')
    // A host of SMTP that takes DATA without a recipient gets an empty message, which reaches nobody.
    const octets = accepted.length > 0 ? content.octets() : []
    const finals = this.#dialog.content(octets, isLmtp ? accepted.length : 1)
    for (const [at, final] of finals.entries()) {
      const reply = await final
      for (const address of isLmtp ? accepted.slice(at, at + 1) : accepted) replies.finals.set(address, reply)
      checkStays(reply, 'the end of the message')
    }
  }

  /** Ends the connection to a host that may read commands as content, or content as commands. */
  #broken(message: string): PeerFailure {
    const failure = connectionLost(message)
    this.#dialog.fail(failure)
    return failure
  }
}

/** @throws PeerFailure at 421: the host closes the connection, whatever the command was. RFC 5321 section 3.8 */
function checkStays(reply: Reply, command: string): void {
  if (reply.code === 421) throw connectionLost(`the host closed the connection at ${command}: ${replyText(reply)}`)
}

/** Longest wait for the end of a session after QUIT. */
const QUIT_MS = 5_000
