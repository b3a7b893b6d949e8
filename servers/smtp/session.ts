import { type LogonPolicy, logonPolicy } from '../../src/directory/policy.ts'
import type { Account } from '../../src/directory/types.ts'
import type { Connection } from '../../src/net/connection.ts'
import { ConnectionEnded, HandshakeFailure, TooLong } from '../../src/net/errors.ts'
import { StoreError } from '../../src/store/errors.ts'
import type { ServerContext } from '../service.ts'
import { SmtpAdapter } from './adapter.ts'
import { bdat } from './commands/bdat.ts'
import { commands, fromEngine } from './commands/index.ts'
import type { SmtpEngine } from './engine.ts'
import { SmtpError } from './errors.ts'
import { checkPolicy } from './gate.ts'

type CommandHandler = NonNullable<ReturnType<SmtpAdapter['_getHandler']>>
type Settle = (error?: unknown) => void

/** Room for a SASL response behind AUTH. RFC 4954 section 4. */
const MAX_LINE_OCTETS = 12_288
/** Replies that session records show as refusals: policy, log-on, recipients, connections. */
const REFUSALS = new Set([421, 530, 535, 550, 553])
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g

/**
 * One client's session. Lines come from our connection and replies go to it, so that STARTTLS, transcript, time-outs and
 * joined writes are those of every protocol; the engine is asked for what SMTP itself is.
 */
export class SmtpSession extends SmtpAdapter {
  readonly connection: Connection
  readonly context: ServerContext
  account: Account | undefined
  /** What BDAT has brought of a message so far. */
  chunks: Buffer[] = []
  chunkOctets = 0
  #over = false
  #settle: Settle = () => {}
  #policy: LogonPolicy | undefined

  constructor(engine: SmtpEngine, connection: Connection) {
    super(engine, connection)
    this.connection = connection
    this.context = engine.context
    this.secure = connection.tls !== undefined
    this.session.secure = this.secure
    this._setClientHostname('')
    this._resetSession()
    this._ready = true
  }

  /** Of the channel as it is now. */
  get policy(): LogonPolicy {
    this.#policy ??= logonPolicy(this.context.config, this.context.directory, this.connection.channel)
    return this.#policy
  }

  async serve(): Promise<void> {
    try {
      this._sendGreeting()
      while (!this.#over) await this.#next()
    } catch (error) {
      this.#sayGoodBye(error)
    } finally {
      this.connection.end()
    }
  }

  /** One reply, of one line or several, each with its codes. RFC 2034 section 4. */
  override reply(code: number, enhancedCode: string, text: string | readonly string[]): void {
    const lines = typeof text === 'string' ? [text] : text
    const middle = enhancedCode === '' ? '' : `${enhancedCode} `
    let out = ''
    for (const [index, line] of lines.entries()) {
      // Whatever a client got into a text cannot end the line.
      out += `${code}${index < lines.length - 1 ? '-' : ' '}${middle}${line.replace(CONTROL, ' ')}\r\n`
    }
    this.connection.write(out)
    if (REFUSALS.has(code)) this.connection.record.refused(`${code} ${lines.join(' ')}`)
    if (code === 421) this.close()
  }

  /** Forgets everything that was said before TLS. RFC 3207 section 4.2. */
  forget(): void {
    this.secure = true
    this.session.secure = true
    this.#policy = undefined
    this.logOn(undefined)
    this.hostNameAppearsAs = false
    this.openingCommand = false
    this._resetSession()
  }

  logOn(account: Account | undefined): void {
    this.account = account
    this.session.user = account?.user ?? false
    if (account) this.connection.record.user(account.user)
  }

  /** The transaction is over, whatever came of it. */
  endTransaction(): void {
    this._transactionCounter++
    this._unrecognizedCommands = 0
    this._resetSession()
  }

  /** @throws SmtpError 421 where this connection has brought as many messages as it may */
  checkMessageCount(): void {
    const { messagesPerConnection } = this.context.config.limits
    if (messagesPerConnection !== 'off' && this._transactionCounter >= messagesPerConnection) {
      throw new SmtpError(421, '4.7.0', `${messagesPerConnection} messages are enough for one connection`)
    }
  }

  async #next(): Promise<void> {
    try {
      const text = (await this.connection.readLine(MAX_LINE_OCTETS)).toString('utf8')
      const space = text.indexOf(' ')
      const verb = (space === -1 ? text : text.slice(0, space)).trim().toUpperCase()
      try {
        checkPolicy(this, verb)
      } catch (error) {
        // A chunk comes behind its command, refused or not.
        if (verb === 'BDAT') await bdat.drop(this, text.slice(5))
        throw error
      }
      await this.#dispatch(text)
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** Resolves once the command is done, or the session is. */
  #dispatch(line: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = (error) => (error === undefined ? resolve() : reject(error))
      // The engine only ever calls toString() on it, often: a string is that already.
      this._onCommand(line as unknown as Buffer, resolve)
    })
  }

  /** The one place where errors become replies. Rethrows what ends the session. */
  #refuse(error: unknown): void {
    if (error instanceof ConnectionEnded || error instanceof HandshakeFailure) throw error
    const { code, enhancedCode, message } = this.#asReply(error)
    this.reply(code, enhancedCode, message)
  }

  #asReply(error: unknown): SmtpError {
    if (error instanceof SmtpError) return error
    if (error instanceof TooLong) return new SmtpError(500, '5.5.6', 'line too long') // RFC 4954 section 4
    this.context.log.error({ session: this.id, err: error }, 'an SMTP command failed')
    // RFC 5321 section 4.2.3, RFC 3463 section 3.4
    if (error instanceof StoreError && error.code === 'no-space')
      return new SmtpError(452, '4.3.1', 'the store is full')
    return new SmtpError(451, '4.3.0', 'internal error')
  }

  #sayGoodBye(error: unknown): void {
    if (error instanceof HandshakeFailure) return
    if (!(error instanceof ConnectionEnded)) throw error
    const { hostname } = this.context
    if (error.reason === 'idle') this.reply(421, '4.4.2', `${hostname} idle for too long, closing the connection`)
    if (error.reason === 'stopping') this.reply(421, '4.3.2', `${hostname} is stopping`)
  }

  // What the engine does, done our way.

  override close(): void {
    this.#over = true
    this.#settle()
  }

  /** Our commands first, then those of the engine's that are wanted. */
  override _getHandler(name: string): CommandHandler | undefined {
    const command = commands.get(name)
    if (!command) return fromEngine.has(name) ? super._getHandler(name) : undefined
    return (line, callback) => {
      const text = line.toString('utf8')
      const space = text.indexOf(' ')
      try {
        const done = command.run(this, space === -1 ? '' : text.slice(space + 1).trim())
        if (done) done.then(callback, (error: unknown) => this.#settle(error))
        else callback()
      } catch (error) {
        this.#settle(error)
      }
    }
  }

  override _isSupported(name: string): boolean {
    return commands.has(name) || fromEngine.has(name)
  }

  override _resetSession(): void {
    super._resetSession()
    this.chunks = []
    this.chunkOctets = 0
  }
}
