import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { OpenedPeer } from './opening.ts'
import { type Reply, textOf } from './reply.ts'
import type { Wire } from './wire.ts'

/** The replies of one transaction, by the command that each answers. */
export interface TransactionReplies {
  readonly mail?: Reply
  /** By recipient address. */
  readonly recipients: ReadonlyMap<string, Reply>
  readonly data?: Reply
  /** The reply to the message. */
  readonly final?: Reply
}

/** Returns the parameters to add to a command of the client, or '' for none. */
export type ParametersOf = (line: string) => string

const none: ParametersOf = () => ''
const RCPT = /^RCPT TO:<(.*)>$/

/**
 * What nodemailer takes for its socket: an opened connection whose greeting and reply to EHLO are played to it again. Adds
 * parameters that nodemailer does not know to its commands, and keeps the replies of a transaction.
 */
export class DialogStream extends Duplex {
  readonly #wire: Wire
  readonly #hello: Reply
  #isGreeted = false
  #parametersOf = none
  #replies: { mail?: Reply; data?: Reply; final?: Reply; readonly recipients: Map<string, Reply> } = {
    recipients: new Map(),
  }

  constructor({ wire, greeting, hello }: OpenedPeer) {
    super({ allowHalfOpen: true })
    this.#wire = wire
    this.#hello = hello
    wire.readBy({
      reply: (reply, line) => this.#onReply(reply, line),
      failed: (error) => this.destroy(error),
    })
    this.#play(greeting)
  }

  /** Starts a transaction. */
  begin(parametersOf: ParametersOf): void {
    this.#parametersOf = parametersOf
    this.#replies = { recipients: new Map() }
  }

  get replies(): TransactionReplies {
    return this.#replies
  }

  /** Has no effect: nodemailer uses the stream as a socket, and the wire limits the waits. */
  setTimeout(): this {
    return this
  }

  /** Returns the stream with the type that nodemailer expects. It uses nothing else of a socket. */
  asSocket(): Socket {
    return this as unknown as Socket
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#take(chunk).then(() => done(), done)
  }

  /** Pipelined commands. RFC 2920 */
  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#takeAll(chunks).then(() => done(), done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#wire.end()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#wire.destroy()
    done(error)
  }

  async #takeAll(chunks: { chunk: Buffer }[]): Promise<void> {
    this.#wire.cork()
    try {
      for (const { chunk } of chunks) await this.#take(chunk)
    } finally {
      this.#wire.uncork()
    }
  }

  async #take(chunk: Buffer): Promise<void> {
    if (!this.#isGreeted) {
      this.#isGreeted = true
      return this.#play(this.#hello)
    }
    if (this.#wire.isInContent) return this.#wire.write(chunk)
    const line = chunk.toString('utf8').replace(/\r\n$/, '')
    const parameters = this.#parametersOf(line)
    return this.#wire.write(parameters === '' ? chunk : Buffer.from(`${line}${parameters}\r\n`))
  }

  #onReply(reply: Reply, line: string): void {
    const command = /^\w+/.exec(line)?.[0].toUpperCase()
    const recipient = RCPT.exec(line.replace(/> .*$/, '>'))?.[1]
    if (command === 'MAIL') this.#replies.mail = reply
    else if (command === 'DATA') this.#replies.data = reply
    else if (line === '.') this.#replies.final = reply
    else if (recipient !== undefined) this.#replies.recipients.set(recipient, reply)
    this.#play(reply)
  }

  #play(reply: Reply): void {
    // A line that is not a reply ends the session in nodemailer, too.
    this.push(`${reply.code === 0 ? textOf(reply) : reply.lines.join('\r\n')}\r\n`)
  }
}
