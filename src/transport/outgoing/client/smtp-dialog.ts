import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { SessionRecorder } from '../../../core/sessions/types.ts'
import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'
import { ClientStream, type StreamEnd } from '../../../net/client/client-stream.ts'
import { isContinued, type Reply, replyOf, replyText } from '../../../net/client/smtp.ts'
import { DotStuffer } from '../../../net/dot-stuffing.ts'
import { attemptStopped, connectionLost } from './failure.ts'
import type { PeerFaults, StepEffect } from './faults.ts'
import { withLineEnds } from './line-ends.ts'
import { type PeerTimeouts, timeInWords } from './timeouts.ts'

/** Longest reply that is read. */
const MAX_REPLY_OCTETS = 256 * 1024
/** Longest line of a reply. RFC 5321 section 4.5.3.1.5 asks for 512. */
const MAX_LINE_OCTETS = 128 * 1024
/** Length of the final dot of a message with its line end. RFC 5321 section 4.1.1.4. */
const DOT_OCTETS = 3

/** The `command` of the replies to a message. */
export const END_OF_DATA = 'end of data'

/** A reply that somebody waits for. */
interface Expected {
  readonly command: string
  readonly reply: Promise<Reply>
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: Error) => void
}

/** A command whose reply has not arrived, or `greeting` or END_OF_DATA. */
interface Awaited extends Expected {
  readonly effect: StepEffect
  /** Whether the host gets it. Faults answer other commands in the host's place. */
  readonly isSent: boolean
}

const faultError = (): Error => connectionLost('a fault dropped the connection')
/** Whether a fault drops the connection instead of a reply. */
const isDropped = ({ drop }: StepEffect): boolean => drop === 'before' || drop === 'rst'

/**
 * A session of SMTP or LMTP with another host, from the greeting on: sends commands and messages, and tells which reply belongs to
 * which command. Records the transcript, limits the waits and injects faults.
 */
export class SmtpDialog {
  readonly record: SessionRecorder
  /** Resolves once the connection has ended. */
  readonly closed: Promise<void>
  /** Whether TLS protects the connection. */
  isSecure = false
  readonly #faults: PeerFaults
  readonly #timeouts: PeerTimeouts
  /** The socket below TLS. */
  readonly #tcp: Socket
  readonly #stream: ClientStream
  #reading: Promise<void> | undefined
  #sending: Promise<void> = Promise.resolve()
  #awaited: Awaited[] = []
  /** The replies to the message that is being sent. */
  #content: readonly Expected[] | undefined
  /** The lines of the reply that is arriving. */
  #lines: string[] = []
  #isAsked = false
  #isSilent = false
  #failure: Error | undefined
  /** Aborts when the connection ends. It may outlast the attempt that opened it. */
  readonly #ended = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(socket: Socket, record: SessionRecorder, faults: PeerFaults, timeouts: PeerTimeouts) {
    this.#tcp = socket
    this.record = record
    this.#faults = faults
    this.#timeouts = timeouts
    this.closed = new Promise((resolve) => {
      this.#ended.signal.addEventListener('abort', () => resolve())
    })
    this.#stream = new ClientStream(socket, {
      maxLineOctets: MAX_LINE_OCTETS,
      errorOf: (end) => this.#errorOf(end),
    })
  }

  get localAddress(): string {
    return this.#tcp.localAddress ?? ''
  }

  /** The command whose reply is awaited: of several, the first. */
  get awaited(): string | undefined {
    return this.#awaited[0]?.command
  }

  /** Why the connection has ended. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Returns the greeting. @throws PeerFailure */
  async greeting(): Promise<Reply> {
    const expected = expect('greeting')
    const effect = await this.#faults.at('connect', this.#ended.signal)
    this.#await([expected], effect, isPassed(effect))
    return expected.reply
  }

  /** Sends a command, or a part of a log-on, and returns the reply. @throws PeerFailure */
  async ask(line: string): Promise<Reply> {
    const [reply] = this.pipeline([line])
    return reply as Promise<Reply>
  }

  /** Sends commands in as few packets as possible. Returns their replies. RFC 2920 */
  pipeline(lines: readonly string[]): readonly Promise<Reply>[] {
    const commands = lines.map((line) => ({ line, expected: expect(/^\w+/.exec(line)?.[0].toUpperCase() ?? '') }))
    this.#sending = this.#sending.then(async () => {
      this.#stream.cork()
      for (const { line, expected } of commands) {
        await this.#send(line, expected).catch((error: Error) => {
          this.fail(error)
          expected.reject(error)
        })
      }
      this.#stream.uncork()
    })
    return commands.map(({ expected }) => expected.reply)
  }

  /**
   * Sends a message after the positive reply to DATA: with CRLF line ends, its dots stuffed. Returns the replies to it.
   * @param replies their number: in LMTP one for each accepted recipient (RFC 2033 section 4.2)
   */
  content(pieces: AsyncIterable<Buffer> | Iterable<Buffer>, replies = 1): readonly Promise<Reply>[] {
    const content = Array.from({ length: replies }, () => expect(END_OF_DATA))
    if (this.#failure) for (const { reject } of content) reject(this.#failure)
    this.#content = content
    void this.#sendContent(pieces, content).catch((error: Error) => this.fail(error))
    return content.map(({ reply }) => reply)
  }

  /** Does the handshake. Discards what the host sent in clear text before it (CVE-2011-0411). @throws what `secure` throws */
  async startTls(secure: (raw: Duplex) => Promise<TLSSocket>): Promise<void> {
    if (this.#stream.heldOctets + this.#lines.length > 0) {
      this.record.note('what the host sent in clear text after its reply to STARTTLS was discarded')
    }
    this.#lines = []
    await this.#stream.startTls(secure)
    this.isSecure = true
  }

  /** Does a piece of work. Loses the connection if the signal aborts before its end, or has aborted already. */
  async until<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const stop = (): void => this.fail(attemptStopped())
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await work()
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** Closes the sending side, and the connection if the host does not. */
  end(): void {
    this.#stream.end()
  }

  /** Ends the connection for a reason, which everything that waits for a reply throws. */
  fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    clearTimeout(this.#timer)
    this.#ended.abort()
    this.#stream.destroy()
    for (const { reject } of this.#awaited) reject(error)
    for (const { reject } of this.#content ?? []) reject(error)
  }

  async #send(line: string, expected: Expected): Promise<void> {
    if (this.#failure) throw this.#failure
    // The host has asked for a part of a log-on. RFC 4954 section 4.
    this.record.line('out', line, this.#isAsked)
    this.#isAsked = false
    const effect = await this.#faults.at('command', this.#ended.signal, line)
    const isSent = isPassed(effect)
    this.#await([expected], effect, isSent)
    // Replies are read meanwhile, so that neither side waits for the other. RFC 2920 section 3.1
    if (isSent) void this.#write(`${line}\r\n`)
  }

  async #sendContent(pieces: AsyncIterable<Buffer> | Iterable<Buffer>, content: readonly Expected[]): Promise<void> {
    const stuffer = new DotStuffer()
    try {
      for await (const piece of withLineEnds(pieces)) {
        if (this.#failure) return
        const octets = Buffer.concat(stuffer.add(piece))
        this.record.octets('out', octets.length)
        await this.#write(octets)
      }
    } catch (error) {
      // Only the end of the connection keeps the host from taking the part that it has. RFC 5321 section 4.1.1.4
      throw connectionLost(`the message could not be read: ${(error as Error).message}`, error)
    }
    const end = stuffer.end()
    this.record.octets('out', end.length - DOT_OCTETS)
    const effect = await this.#faults.at('end-of-data', this.#ended.signal, 'DATA')
    if (this.#failure) return
    this.#content = undefined
    const isSent = effect.stored !== false
    void this.#write(isSent ? end : end.subarray(0, -DOT_OCTETS))
    this.#await(content, effect, isSent)
  }

  #write(data: string | Buffer): void | Promise<void> {
    if (this.#isSilent) return
    this.#arm()
    return this.#stream.write(data)
  }

  /** Awaits the replies to one step, as far as faults let them arrive. */
  #await(replies: readonly Expected[], effect: StepEffect, isSent: boolean): void {
    if (this.#failure) {
      for (const { reject } of replies) reject(this.#failure)
      return
    }
    const { drop, ...before } = effect
    const isEarly = (at: number): boolean => drop === 'after' && at < replies.length - 1
    this.#awaited.push(...replies.map((one, at) => ({ ...one, effect: isEarly(at) ? before : effect, isSent })))
    if (isDropped(effect) && !isSent) return this.#drop(effect)
    this.#isSilent ||= effect.silence === true
    this.#reading ??= this.#read()
    this.#settle()
    this.#arm()
  }

  #drop({ drop }: StepEffect): void {
    if (drop === 'rst') this.#tcp.resetAndDestroy()
    this.fail(faultError())
  }

  /** Delivers the replies to commands that faults have kept from the host. */
  #settle(): void {
    for (;;) {
      const [first] = this.#awaited
      if (first?.effect.instead === undefined || first.isSent) return
      for (const line of first.effect.instead) this.record.line('in', line)
      this.#deliver(first, replyOf(first.effect.instead))
      // The message was lost on the way, or the greeting was not the host's.
      const isEnd = first.command === END_OF_DATA && this.awaited !== END_OF_DATA
      if (isEnd || first.command === 'greeting') return this.fail(faultError())
    }
  }

  #deliver({ command, effect, resolve }: Awaited, reply: Reply): void {
    this.#awaited.shift()
    if (reply.code >= 400) this.record.refused(`${command === '' ? '' : `${command}: `}${replyText(reply)}`)
    this.#isAsked = reply.code === 334
    this.#arm()
    resolve(effect.hide ? this.#without(effect.hide, reply) : reply)
    if (effect.drop === 'after') this.fail(faultError())
  }

  /** Removes extensions from a reply to EHLO. */
  #without(hidden: readonly string[], { code, lines }: Reply): Reply {
    const isHidden = (line: string): boolean =>
      hidden.some((keyword) => new RegExp(`^${keyword}\\b`, 'i').test(line.slice(4)))
    const kept = lines.filter((line, at) => at === 0 || !isHidden(line))
    this.record.note(`fault: hidden from the lab: ${lines.filter((line) => !kept.includes(line)).join(', ')}`)
    return { code, lines: kept.map((line, at) => `${code}${at === kept.length - 1 ? ' ' : '-'}${line.slice(4)}`) }
  }

  /** Reads replies until the connection ends, or TLS begins: what follows in clear text belongs to nobody. */
  async #read(): Promise<void> {
    try {
      for (;;) {
        const reply = await this.#reply()
        const command = this.awaited
        this.#onReply(reply)
        if (command === 'STARTTLS' && reply.code === 220) break
      }
    } catch (error) {
      this.fail(error as Error)
    }
    this.#reading = undefined
  }

  async #reply(): Promise<Reply> {
    let octets = 0
    for (;;) {
      const line = await this.#stream.line()
      if (this.#awaited[0]?.effect.silence) continue
      this.record.line('in', line)
      this.#lines.push(line)
      octets += line.length
      if (octets > MAX_REPLY_OCTETS) throw endless()
      if (isContinued(line)) continue
      const reply = replyOf(this.#lines)
      this.#lines = []
      return reply
    }
  }

  #onReply(reply: Reply): void {
    // Further commands, such as RSET, would be content.
    if (this.#content) return this.fail(connectionLost(`the host answered during the message: ${replyText(reply)}`))
    const [awaited] = this.#awaited
    if (!awaited) {
      if (reply.code >= 400) this.record.refused(replyText(reply))
      return this.fail(connectionLost(`the host answered without a command: ${replyText(reply)}`))
    }
    const { effect } = awaited
    if (isDropped(effect)) return this.#drop(effect)
    if (effect.instead) this.record.note(`fault: seen by the lab: ${effect.instead.join(', ')}`)
    const seen = effect.instead ? replyOf(effect.instead) : reply
    // RFC 5321 section 4.2.1: only 2yz, 4yz and 5yz say whether the host has taken the message.
    if (awaited.command === END_OF_DATA && (seen.code < 200 || Math.floor(seen.code / 100) === 3)) {
      return this.fail(connectionLost(`the host answered the message with ${replyText(seen) || 'an empty line'}`))
    }
    this.#deliver(awaited, seen)
    this.#settle()
  }

  #errorOf(end: StreamEnd): Error {
    const before = this.awaited === undefined ? '' : ` before its reply to ${this.awaited}`.replace(' to greeting', '')
    const when = this.#content ? ' during the message' : before
    if (end.kind === 'line too long') return endless()
    if (end.kind === 'lost') return connectionLost(`the connection was lost${when}: ${end.error.message}`, end.error)
    return connectionLost(`the host closed the connection${when}`)
  }

  /** Starts the time of the reply that comes next. */
  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#failure || (this.awaited === undefined && !this.#content)) return
    const ms = this.awaited === undefined ? this.#timeouts.blockMs : this.#timeouts.replyMs(this.awaited)
    const what = this.awaited === undefined ? 'took no more of the message' : `sent no reply to ${this.awaited}`
    this.#timer = setTimeout(
      () =>
        this.fail(
          connectionLost(`the host ${what} within ${timeInWords(ms)}`.replace('reply to greeting', 'greeting')),
        ),
      ms,
    )
    this.#timer.unref()
  }
}

/** Whether faults let the host get a command. */
const isPassed = (effect: StepEffect): boolean => effect.instead === undefined && !isDropped(effect)

const endless = (): Error => connectionLost('the host sent a reply without an end')

/** Returns a reply that the host has still to send. */
function expect(command: string): Expected {
  let settle: Pick<Expected, 'resolve' | 'reject'> | undefined
  const reply = new Promise<Reply>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // A caller that pipelines commands awaits only the replies up to the first failure.
  reply.catch(() => {})
  return { command, reply, ...(settle as NonNullable<typeof settle>) }
}
