import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { SessionRecorder } from '../../sessions/types.ts'
import { ContentEnd } from './content-end.ts'
import { lost } from './failure.ts'
import type { PeerFaults, StepEffect } from './faults.ts'
import { isContinued, type Reply, replyOf, textOf } from './reply.ts'
import { type PeerTimeouts, timeInWords } from './timeouts.ts'

/** Longest reply that is read. */
const MAX_REPLY_OCTETS = 256 * 1024

/** A command whose reply has not arrived, or `greeting` or `end of data`. */
interface Awaited {
  readonly command: string
  readonly line: string
  readonly effect: StepEffect
  /** Whether the host gets it. Faults answer other commands in the host's place. */
  readonly isSent: boolean
}

const nothing: StepEffect = {}
const endless = (): Error => lost('the host sent a reply without an end')
const byFault = (): Error => lost('a fault dropped the connection')
/** Whether a fault drops the connection instead of a reply. */
const isDropped = ({ drop }: StepEffect): boolean => drop === 'before' || drop === 'rst'

/** Receives what arrives from the other host. */
interface WireReader {
  reply(reply: Reply, line: string): void
  /** The connection has ended. Nothing follows. */
  failed(error: Error): void
}

/**
 * The connection to another host as lines of SMTP: sends commands and messages, and tells which reply belongs to which
 * command. Records the transcript, limits the waits and injects faults.
 */
export class Wire {
  readonly record: SessionRecorder
  /** Whether TLS protects the connection. */
  isSecure = false
  readonly #faults: PeerFaults
  readonly #timeouts: PeerTimeouts
  /** The socket below TLS. */
  readonly #tcp: Socket
  #socket: Socket
  #reader: WireReader = { reply: () => {}, failed: () => {} }
  #awaited: Awaited[] = []
  #held = ''
  #lines: string[] = []
  /** Octets of `#lines`. */
  #replyOctets = 0
  #content: ContentEnd | undefined
  #isAsked = false
  #isSilent = false
  #failure: Error | undefined
  /** Aborts when the connection ends. It may outlast the attempt that opened it. */
  readonly #ended = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(socket: Socket, record: SessionRecorder, faults: PeerFaults, timeouts: PeerTimeouts) {
    this.#tcp = socket
    this.#socket = socket
    this.record = record
    this.#faults = faults
    this.#timeouts = timeouts
    this.#listen(socket)
  }

  get localAddress(): string {
    return this.#tcp.localAddress ?? ''
  }

  /** The command whose reply is awaited: of several, the first. */
  get awaited(): string | undefined {
    return this.#awaited[0]?.command
  }

  /** Whether what is written is a message. */
  get isInContent(): boolean {
    return this.#content !== undefined
  }

  /** Why the connection has ended. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Lets `reader` receive what arrives from here on. */
  readBy(reader: WireReader): void {
    this.#reader = reader
    if (this.#failure) reader.failed(this.#failure)
  }

  /** Awaits the greeting. */
  async begin(): Promise<void> {
    const effect = await this.#faults.at('connect', this.#ended.signal)
    this.#await({ command: 'greeting', line: '', effect, isSent: effect.instead === undefined && !isDropped(effect) })
  }

  /** Sends what the client writes: a command with its line end, or a part of a message. */
  async write(octets: Buffer): Promise<void> {
    if (this.#failure) throw this.#failure
    if (this.#content) return this.#writeContent(octets, this.#content)
    const line = octets.toString('utf8').replace(/\r\n$/, '')
    // The host has asked for a part of a log-on. RFC 4954 section 4.
    this.record.line('out', line, this.#isAsked)
    this.#isAsked = false
    const effect = await this.#faults.at('command', this.#ended.signal, line)
    const isSent = effect.instead === undefined && !isDropped(effect)
    this.#await({ command: /^\w+/.exec(line)?.[0].toUpperCase() ?? '', line, effect, isSent })
    if (isSent && !effect.silence) await this.#send(octets)
  }

  /** Sends commands in as few packets as possible. */
  cork(): void {
    this.#socket.cork()
  }

  uncork(): void {
    this.#socket.uncork()
  }

  /** Hands over the socket for a handshake. Discards what the host sent in clear text before it (CVE-2011-0411). */
  release(): Socket {
    const discarded = this.#held.length + this.#lines.length
    if (discarded > 0) this.record.note('what the host sent in clear text after its reply to STARTTLS was discarded')
    this.#held = ''
    this.#lines = []
    this.#replyOctets = 0
    this.#unlisten(this.#socket)
    return this.#socket
  }

  /** Continues under TLS. */
  adopt(socket: TLSSocket): void {
    this.#socket = socket
    this.isSecure = true
    this.#listen(socket)
  }

  /** Closes the sending side, and the connection if the host does not. */
  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    clearTimeout(this.#timer)
    this.#ended.abort()
    this.#socket.destroy()
  }

  /** Ends the connection for a reason. The reader is told once. */
  fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    this.destroy()
    this.#reader.failed(error)
  }

  async #writeContent(octets: Buffer, content: ContentEnd): Promise<void> {
    const terminator = content.add(octets)
    this.record.octets('out', octets.length - terminator)
    if (terminator === 0) return this.#send(octets)
    const effect = await this.#faults.at('end-of-data', this.#ended.signal, 'DATA')
    this.#content = undefined
    const isSent = effect.stored !== false
    const sent = this.#send(isSent ? octets : octets.subarray(0, octets.length - terminator))
    this.#await({ command: 'end of data', line: '.', effect, isSent })
    await sent
  }

  #send(octets: Buffer): void | Promise<void> {
    if (this.#isSilent) return
    this.#arm()
    if (this.#socket.write(octets)) return
    return new Promise((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done)
        this.#socket.off('close', done)
        resolve()
      }
      this.#socket.once('drain', done)
      this.#socket.once('close', done)
    })
  }

  /** Awaits a reply, as far as faults let it arrive. */
  #await(awaited: Awaited): void {
    this.#awaited.push(awaited)
    const { effect, isSent } = awaited
    if (isDropped(effect) && !isSent) return this.#drop(effect)
    this.#isSilent ||= effect.silence === true
    this.#settle()
    this.#arm()
  }

  #drop({ drop }: StepEffect): void {
    if (drop === 'rst') this.#tcp.resetAndDestroy()
    this.fail(byFault())
  }

  /** Delivers the replies to commands that faults have kept from the host. */
  #settle(): void {
    for (;;) {
      const [first] = this.#awaited
      if (first?.effect.instead === undefined || first.isSent) return
      for (const line of first.effect.instead) this.record.line('in', line)
      this.#deliver(replyOf(first.effect.instead))
      // The message was lost on the way, or the greeting was not the host's.
      if (first.command === 'end of data' || first.command === 'greeting') return this.fail(byFault())
    }
  }

  #deliver(reply: Reply): void {
    const { line, command, effect } = this.#awaited.shift() ?? { line: '', command: '', effect: nothing }
    if (reply.code >= 400) this.record.refused(`${command === '' ? '' : `${command}: `}${textOf(reply)}`)
    if (command === 'DATA' && (reply.code === 354 || reply.code === 250)) this.#content = new ContentEnd()
    this.#isAsked = reply.code === 334
    this.#arm()
    this.#reader.reply(effect.hide ? this.#without(effect.hide, reply) : reply, line)
    if (effect.drop === 'after') this.fail(byFault())
  }

  /** Removes extensions from a reply to EHLO. */
  #without(hidden: readonly string[], { code, lines }: Reply): Reply {
    const isHidden = (line: string): boolean =>
      hidden.some((keyword) => new RegExp(`^${keyword}\\b`, 'i').test(line.slice(4)))
    const kept = lines.filter((line, at) => at === 0 || !isHidden(line))
    this.record.note(`fault: hidden from the lab: ${lines.filter((line) => !kept.includes(line)).join(', ')}`)
    return { code, lines: kept.map((line, at) => `${code}${at === kept.length - 1 ? ' ' : '-'}${line.slice(4)}`) }
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#awaited[0]?.effect.silence) return
    this.#held += chunk.toString('latin1')
    const lines = this.#held.split('\n')
    this.#held = lines.pop() ?? ''
    for (const each of lines) {
      if (this.#failure) return
      this.#onLine(Buffer.from(each.replace(/\r$/, ''), 'latin1').toString('utf8'))
    }
    if (this.#held.length > MAX_REPLY_OCTETS) this.fail(endless())
  }

  #onLine(line: string): void {
    this.record.line('in', line)
    this.#lines.push(line)
    this.#replyOctets += line.length
    if (this.#replyOctets > MAX_REPLY_OCTETS) return this.fail(endless())
    if (isContinued(line)) return
    const reply = replyOf(this.#lines)
    this.#lines = []
    this.#replyOctets = 0
    // What follows, such as RSET, would be content.
    if (this.#content) return this.fail(lost(`the host answered during the message: ${textOf(reply)}`))
    const effect = this.#awaited[0]?.effect ?? nothing
    if (isDropped(effect)) return this.#drop(effect)
    if (effect.instead) this.record.note(`fault: seen by the lab: ${effect.instead.join(', ')}`)
    this.#deliver(effect.instead ? replyOf(effect.instead) : reply)
    this.#settle()
  }

  readonly #onClose = (): void => this.fail(lost(`the host closed the connection${this.#inWords()}`))
  readonly #onError = (error: Error): void =>
    this.fail(lost(`the connection was lost${this.#inWords()}: ${error.message}`, error))

  #inWords(): string {
    if (this.#content) return ' during the message'
    return this.awaited === undefined ? '' : ` before its reply to ${this.awaited}`.replace(' to greeting', '')
  }

  /** Starts the time of the reply that comes next. */
  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#failure || (this.awaited === undefined && !this.#content)) return
    const ms = this.awaited === undefined ? this.#timeouts.blockMs : this.#timeouts.replyMs(this.awaited)
    const what = this.awaited === undefined ? 'took no more of the message' : `sent no reply to ${this.awaited}`
    this.#timer = setTimeout(
      () => this.fail(lost(`the host ${what} within ${timeInWords(ms)}`.replace('reply to greeting', 'greeting'))),
      ms,
    )
    this.#timer.unref()
  }

  #listen(socket: Socket): void {
    socket.on('data', this.#onData)
    socket.on('close', this.#onClose)
    socket.on('error', this.#onError)
  }

  #unlisten(socket: Socket): void {
    socket.off('data', this.#onData)
    socket.off('close', this.#onClose)
    socket.off('error', this.#onError)
  }
}
