import { type LogonPolicy, logonPolicy } from '../../src/directory/policy.ts'
import type { Account } from '../../src/directory/types.ts'
import type { Connection } from '../../src/net/connection.ts'
import { ConnectionEnded, HandshakeFailure, TooLong } from '../../src/net/errors.ts'
import { StoreError } from '../../src/store/types.ts'
import type { ServerContext } from '../service.ts'
import { commands } from './commands/index.ts'
import { SmtpError } from './errors.ts'
import { policyRefusal } from './gate.ts'
import type { Transaction } from './transaction.ts'

/** What the client said of itself. */
export interface ClientGreeting {
  readonly name: string
  /** EHLO rather than HELO. */
  readonly extended: boolean
}

/** Room for a SASL response behind AUTH. RFC 4954 section 4. */
const MAX_LINE_OCTETS = 12_288
/** So many commands that are none end the session. */
const MAX_UNRECOGNIZED = 10
/** Replies that session records show as refusals: policy, log-on, recipients, connections. */
const REFUSALS = new Set([421, 530, 535, 550, 553])
/** Capitals of other letters can be in ASCII: long s, dotless i. RFC 5321 section 2.4 knows ASCII alone. */
const ASCII = /^[\x21-\x7e]*$/
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g
/** What a web page can make a browser send here. */
const HTTP_REQUEST = /^(?:OPTIONS|GET|HEAD|POST|PUT|DELETE|TRACE|CONNECT) \/.* HTTP\/\d\.\d$/i

/** One client's session: greeting, commands, end. */
export class SmtpSession {
  readonly connection: Connection
  readonly context: ServerContext
  account: Account | undefined
  /** What EHLO or HELO said; undefined before. */
  client: ClientGreeting | undefined
  /** The transaction that MAIL has opened. */
  transaction: Transaction | undefined
  #messages = 0
  #unrecognized = 0
  #over = false
  #policy: LogonPolicy | undefined

  constructor(connection: Connection, context: ServerContext) {
    this.connection = connection
    this.context = context
  }

  /** Of the channel as it is now. */
  get policy(): LogonPolicy {
    this.#policy ??= logonPolicy(this.context.config, this.context.directory, this.connection.channel)
    return this.#policy
  }

  /** Id of the message that comes next. */
  get messageId(): string {
    return `${this.connection.record.id}.${this.#messages + 1}`
  }

  async serve(): Promise<void> {
    try {
      // No enhanced code. RFC 2034 section 3
      this.reply(220, '', `${this.context.hostname} ESMTP Sealpost`)
      while (!this.#over) await this.#next()
    } catch (error) {
      this.#sayGoodBye(error)
    } finally {
      this.connection.end()
    }
  }

  /** One reply, of one line or several, each with its codes. RFC 2034 section 4. */
  reply(code: number, enhancedCode: string, text: string | readonly string[]): void {
    const middle = enhancedCode === '' ? '' : `${enhancedCode} `
    if (typeof text === 'string') this.connection.write(replyLine(code, ' ', middle, text))
    else {
      const last = text.length - 1
      this.connection.write(text.map((line, i) => replyLine(code, i < last ? '-' : ' ', middle, line)).join(''))
    }
    if (REFUSALS.has(code))
      this.connection.record.refused(`${code} ${typeof text === 'string' ? text : text.join(' ')}`)
    if (code === 421) this.quit()
  }

  /** Forgets everything that was said before TLS. RFC 3207 section 4.2. */
  forget(): void {
    this.#policy = undefined
    this.account = undefined
    this.client = undefined
    this.transaction = undefined
  }

  logOn(account: Account): void {
    this.account = account
    this.connection.record.user(account.user)
  }

  /** The transaction is over, its message stored or refused. */
  endTransaction(): void {
    this.#messages++
    this.#unrecognized = 0
    this.transaction = undefined
  }

  /** @throws SmtpError 421 where this connection has brought as many messages as it may */
  checkMessageCount(): void {
    const { messagesPerConnection } = this.context.config.limits
    if (messagesPerConnection !== 'off' && this.#messages >= messagesPerConnection) {
      throw new SmtpError(421, '4.7.0', `${messagesPerConnection} messages are enough for one connection`)
    }
  }

  /** Ends the session once the reply is sent; what is pipelined behind is not answered. */
  quit(): void {
    this.#over = true
  }

  async #next(): Promise<void> {
    try {
      const done = this.#command(await this.connection.readLine(MAX_LINE_OCTETS, 'utf8'))
      if (done) await done
    } catch (error) {
      this.#refuse(error)
    }
  }

  #command(line: string): void | Promise<void> {
    const space = line.indexOf(' ')
    const word = (space === -1 ? line : line.slice(0, space)).trim()
    const verb = ASCII.test(word) ? word.toUpperCase() : word
    const argument = space === -1 ? '' : line.slice(space + 1).trim()
    const command = commands.get(verb)
    const refusal = policyRefusal(this, verb)
    if (refusal) {
      if (command?.refused) return command.refused(this, argument, refusal)
      throw refusal
    }
    if (!command) throw this.#unknown(line)
    return command.run(this, argument)
  }

  #unknown(line: string): SmtpError {
    if (HTTP_REQUEST.test(line)) return new SmtpError(421, '4.7.0', 'HTTP requests not allowed')
    if (++this.#unrecognized >= MAX_UNRECOGNIZED)
      return new SmtpError(421, '4.7.0', 'Error: too many unrecognized commands')
    return new SmtpError(500, '5.5.2', 'Error: command not recognized')
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
    this.context.log.error({ session: this.connection.record.id, err: error }, 'an SMTP command failed')
    return (error instanceof StoreError && storeReply(error)) || new SmtpError(451, '4.3.0', 'internal error')
  }

  #sayGoodBye(error: unknown): void {
    if (error instanceof HandshakeFailure) return
    if (!(error instanceof ConnectionEnded)) throw error
    const { hostname } = this.context
    if (error.reason === 'idle') this.reply(421, '4.4.2', `${hostname} idle for too long, closing the connection`)
    if (error.reason === 'stopping') this.reply(421, '4.3.2', `${hostname} is stopping`)
  }
}

/** A store that takes nothing now. RFC 5321 section 4.2.3, RFC 3463 section 3.4 */
function storeReply({ code }: StoreError): SmtpError | undefined {
  if (code === 'no-space') return new SmtpError(452, '4.3.1', 'the store is full')
  if (code === 'read-only') return new SmtpError(452, '4.3.2', 'the store cannot be written to')
  return undefined
}

/** Whatever a client got into a text cannot end the line. */
const replyLine = (code: number, separator: ' ' | '-', enhancedCode: string, text: string): string =>
  `${code}${separator}${enhancedCode}${text.replace(CONTROL, ' ')}\r\n`
