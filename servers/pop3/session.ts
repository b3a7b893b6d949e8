import type { LogonPolicy } from '../../src/accounts/directory/policy.ts'
import type { Account } from '../../src/accounts/directory/types.ts'
import type { Pop3Personality } from '../../src/core/personality/types.ts'
import type { Connection } from '../../src/net/connection.ts'
import { accountOwner } from '../../src/storage/store/folder.ts'
import { type ErrorReplies, type ProtocolSession, serveSession } from '../frame.ts'
import { completeLogon, currentPolicy, MAX_SASL_OCTETS } from '../logon.ts'
import { personalityOf } from '../personality.ts'
import { capturedInboxOf, isCapturedReader, type ProtocolService, type ServerContext, whyBusy } from '../service.ts'
import { createTimestamp } from './apop.ts'
import type { Pop3Session, Pop3State } from './command.ts'
import { commands } from './commands/index.ts'
import { Maildrop } from './maildrop.ts'
import { personalityError, personalityGreeting, personalityReply } from './personality.ts'
import { Pop3Error, type Pop3Reply, sendError, sendReply } from './reply.ts'

/** POP3. RFC 1939, with RFC 2449 (CAPA), RFC 2595 (STLS), RFC 3206 (AUTH response code), RFC 5034 (SASL). */
export const pop3: ProtocolService = {
  protocol: 'pop3',
  alpn: ['pop3'],
  serve: (connection, context) => serveSession(new Session(connection, context)),
  busy: (context, limited) =>
    personalityOf(context).pop3?.busy ?? `-ERR [SYS/TEMP] ${whyBusy(limited)}. Try again later.`, // RFC 3206 section 4
}

const errorReplies: ErrorReplies<Pop3Error> = {
  expected: (error) => (error instanceof Pop3Error ? error : undefined),
  tooLong: () => new Pop3Error('Line too long.'),
  memoryFull: () => new Pop3Error('Not enough memory. Try again later.', 'SYS/TEMP'),
  storeFailed: ({ message }) => new Pop3Error(message, 'SYS/TEMP'),
  internal: () => new Pop3Error('Internal server error.', 'SYS/TEMP'),
  farewell(reason) {
    if (reason === 'stopping') return new Pop3Error('Server is shutting down.', 'SYS/TEMP')
    if (reason === 'log-on timeout') return new Pop3Error('No log-on within the time limit.', 'SYS/TEMP')
    // The inactivity timer has no reply and removes no messages. RFC 1939 section 3
    return undefined
  },
}

/** The session of one client. */
class Session implements Pop3Session, ProtocolSession<string, Pop3Error> {
  readonly connection: Connection
  readonly context: ServerContext
  readonly timestamp: string | undefined
  readonly errorReplies = errorReplies
  state: Pop3State = { name: 'authorization' }
  isUtf8 = false
  isOver = false
  /** The command that is being run, in capitals. */
  #name = ''

  constructor(connection: Connection, context: ServerContext) {
    this.connection = connection
    this.context = context
    const { clearPasswords, logon } = this.policy
    // APOP needs the password in clear text, and no TLS can start before the greeting. RFC 1939 section 7, APOP
    const offersApop = clearPasswords && logon === 'yes' && this.words?.hasApop !== false
    this.timestamp = offersApop ? createTimestamp(context.hostname) : undefined
  }

  get policy(): LogonPolicy {
    return currentPolicy(this)
  }

  /** QUIT deletes the messages that are marked. Without marks, nothing is lost if the session ends. RFC 1939 section 6. */
  get isUnderWay(): boolean {
    return this.state.name === 'transaction' && this.state.maildrop.hasMarked
  }

  get words(): Pop3Personality | undefined {
    return personalityOf(this.context).pop3
  }

  async logOn(account: Account): Promise<string> {
    let summary = ''
    await completeLogon(this, account, async ({ user }) => {
      const maildrop = await this.#open(user)
      this.state = { name: 'transaction', maildrop }
      summary = maildrop.summary
    })
    return summary
  }

  /** @throws Pop3Error `AUTH`, `IN-USE`, `LOGIN-DELAY` */
  async #open(user: string): Promise<Maildrop> {
    const { store } = this.context
    const options = { isUtf8: this.isUtf8, sessionId: this.connection.record.id }
    const captured = capturedInboxOf(this.context, { user })
    if (captured !== undefined) this.#assertReader(user)
    const maildrop =
      captured !== undefined
        ? await Maildrop.openCaptured(store, captured, options)
        : await Maildrop.open(store, accountOwner(user), options)
    if (!this.#isDue(user)) {
      await maildrop.close()
      throw new Pop3Error('The last log-on was too recent. Try again later.', 'LOGIN-DELAY') // RFC 2449 section 8.1.1
    }
    return maildrop
  }

  /** The maildrop has the captured mail of all tenants. @throws Pop3Error `AUTH` */
  #assertReader(user: string): void {
    const { context } = this
    if (isCapturedReader(context, { user }) && context.tenants.tenantOfAccount(user) === undefined) return
    throw new Pop3Error('The account is not a reader of captured mail (mail.captured.readers).', 'AUTH')
  }

  /** Counts a log-on. Returns whether it keeps the time after the last one. RFC 2449 section 6.5. */
  #isDue(user: string): boolean {
    const { config, name, rates } = this.context
    const { loginDelay: perMs } = config.limits
    return perMs === undefined || rates.take(`${name}\nlog-ons\n${user}`, { count: 1, perMs })
  }

  quit(): void {
    this.isOver = true
  }

  greet(): void {
    const { words } = this
    if (words) sendReply(this.connection, personalityGreeting(words, this))
    else sendReply(this.connection, `Sealpost POP3 server ready${this.timestamp ? ` ${this.timestamp}` : ''}`)
  }

  readCommand(): string | Promise<string> | undefined {
    // AUTH may carry an initial response. RFC 5034 section 4
    return this.connection.takeLine(MAX_SASL_OCTETS, 'utf8')
  }

  run(line: string): void | Promise<void> {
    const space = line.indexOf(' ')
    const name = (space === -1 ? line : line.slice(0, space)).toUpperCase()
    this.#name = name
    const command = commands.get(name)
    if (!command) throw new Pop3Error('Unknown command.')
    const argument = space === -1 ? '' : line.slice(space + 1)
    const reply = command.run(this, argument)
    if (reply instanceof Promise) return reply.then((found) => this.#send(found))
    return this.#send(reply)
  }

  sendError(error: Pop3Error): void {
    if (error.isRefusal) this.connection.record.refused(`-ERR ${error.code ? `[${error.code}] ` : ''}${error.message}`)
    sendError(this.connection, this.words ? personalityError(this.words, this, this.#name, error) : error)
  }

  #send(reply: Pop3Reply): void | Promise<void> {
    return sendReply(this.connection, this.words ? personalityReply(this.words, this, this.#name, reply) : reply)
  }

  close(): void {
    if (this.state.name === 'transaction') void this.state.maildrop.close()
  }
}
