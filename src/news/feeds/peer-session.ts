import type { Connection } from '../../net/connection.ts'
import { type DialOptions, dial } from './dial.ts'
import { FeedError } from './errors.ts'

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
