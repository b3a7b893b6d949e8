import { type LogonPolicy, logonPolicy } from '../../src/directory/policy.ts'
import type { Account } from '../../src/directory/types.ts'
import type { Connection } from '../../src/net/connection.ts'
import { ConnectionEnded, HandshakeFailure, TooLong } from '../../src/net/errors.ts'
import { StoreError } from '../../src/store/errors.ts'
import { accountOwner } from '../../src/store/types.ts'
import type { ServerContext } from '../service.ts'
import { commands } from './commands/index.ts'
import { Pop3Error } from './errors.ts'
import { Maildrop } from './maildrop.ts'
import { sendError, sendReply } from './reply.ts'
import { timestamp } from './timestamp.ts'

export interface AuthorizationState {
  readonly name: 'authorization'
  /** What USER said. */
  readonly user?: string
}
/** RFC 1939 section 3. The UPDATE state is what QUIT does at the end of a transaction. */
export type Pop3State = AuthorizationState | { readonly name: 'transaction'; readonly maildrop: Maildrop }

/** Room for a SASL response. RFC 5034 section 4. */
const MAX_LINE_OCTETS = 12_288

/** One client's session: greeting, commands, end. */
export class Pop3Session {
  readonly connection: Connection
  readonly context: ServerContext
  /** What APOP is computed over, where this lab can check it, and a client may log on as it connects. RFC 1939 section 7, APOP. */
  readonly timestamp: string | undefined
  state: Pop3State = { name: 'authorization' }
  #over = false

  constructor(connection: Connection, context: ServerContext) {
    this.connection = connection
    this.context = context
    const { clearPasswords, logon } = this.policy
    const offersApop = clearPasswords && logon === 'yes'
    this.timestamp = offersApop ? timestamp(context.hostname) : undefined
  }

  get policy(): LogonPolicy {
    return logonPolicy(this.context.config, this.context.directory, this.connection.channel)
  }

  async serve(): Promise<void> {
    try {
      await this.#greetAndServe()
    } catch (error) {
      this.#sayGoodBye(error)
    } finally {
      this.#closeMaildrop()
      this.connection.end()
    }
  }

  /** Whether a log-on may be tried now. @throws Pop3Error naming STLS where that is what is missing */
  checkLogon(command: string): void {
    const { logon } = this.policy
    if (logon === 'yes') return
    const why =
      logon === 'needs-tls'
        ? `a secure channel is required before ${command}: use STLS first`
        : 'log-on is not offered on this virtual server'
    this.connection.record.refused(why)
    throw new Pop3Error(why, 'AUTH')
  }

  /** Lets an account in, or nobody. @throws Pop3Error `AUTH`, `IN-USE` */
  async logOn(account: Account | undefined): Promise<string> {
    this.state = { name: 'authorization' }
    if (!account) {
      this.connection.record.refused('log-on failed: unknown user name or bad password')
      throw new Pop3Error('Logon failure: unknown user name or bad password.', 'AUTH')
    }
    const maildrop = await Maildrop.open(this.context.store, accountOwner(account.user))
    this.state = { name: 'transaction', maildrop }
    this.connection.record.user(account.user)
    return `${maildrop.count} messages (${maildrop.octets} octets)`
  }

  /** Ends the session once the reply is sent. */
  quit(): void {
    this.#over = true
  }

  async #greetAndServe(): Promise<void> {
    const { connection, timestamp } = this
    connection.write(`+OK Sealpost POP3 server ready${timestamp ? ` ${timestamp}` : ''}\r\n`)
    while (!this.#over) {
      try {
        const running = this.#command(await connection.readLine(MAX_LINE_OCTETS, 'utf8'))
        if (running) await running
      } catch (error) {
        sendError(connection, this.#asReply(error))
      }
    }
  }

  #command(line: string): void | Promise<void> {
    const space = line.indexOf(' ')
    const name = (space === -1 ? line : line.slice(0, space)).toUpperCase()
    const command = commands.get(name)
    if (!command) throw new Pop3Error('unknown command')
    const argument = space === -1 ? '' : line.slice(space + 1)
    const reply = command.run(this, argument)
    if (reply instanceof Promise) return reply.then((found) => sendReply(this.connection, found))
    return sendReply(this.connection, reply)
  }

  /** The one place where errors become replies. Rethrows what ends the session. */
  #asReply(error: unknown): Pop3Error {
    if (error instanceof Pop3Error) return error
    if (error instanceof ConnectionEnded || error instanceof HandshakeFailure) throw error
    if (error instanceof TooLong) return new Pop3Error('line too long')
    this.context.log.error({ session: this.connection.record.id, err: error }, 'a POP3 command failed')
    if (error instanceof StoreError) return new Pop3Error(error.message, 'SYS/TEMP')
    return new Pop3Error('internal error', 'SYS/TEMP')
  }

  #sayGoodBye(error: unknown): void {
    if (error instanceof HandshakeFailure) return
    if (!(error instanceof ConnectionEnded)) throw error
    // On a time-out nothing is sent and nothing is removed. RFC 1939 section 3
    if (error.reason === 'stopping') sendError(this.connection, new Pop3Error('server is stopping', 'SYS/TEMP'))
  }

  #closeMaildrop(): void {
    if (this.state.name === 'transaction') this.state.maildrop.close()
  }
}
