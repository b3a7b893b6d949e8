import { type LogonPolicy, logonPolicy } from '../../src/directory/policy.ts'
import type { Account } from '../../src/directory/types.ts'
import type { OctetString } from '../../src/mail/types.ts'
import type { Connection } from '../../src/net/connection.ts'
import { ConnectionEnded, HandshakeFailure, TooLong } from '../../src/net/errors.ts'
import { ensureMailboxes } from '../../src/store/mailboxes.ts'
import { accountOwner, StoreError } from '../../src/store/types.ts'
import type { ServerContext } from '../service.ts'
import { capabilities, type Extension } from './capabilities.ts'
import type { Command, Result } from './command.ts'
import { commandOf, literalRefusal } from './dispatch.ts'
import { bad, ImapError, no, replyLine } from './reply.ts'
import type { Selection } from './selection.ts'
import type { ImapState, StateOf } from './state.ts'
import { tellUpdates } from './updates.ts'
import { CommandReader, LiteralFlood, type Request } from './wire/command-reader.ts'

/** One client's session, from the greeting to the end. */
export class Session {
  readonly connection: Connection
  readonly context: ServerContext
  readonly enabled = new Set<Extension>()
  state: ImapState = { name: 'not-authenticated' }
  readonly #reader: CommandReader

  constructor(connection: Connection, context: ServerContext) {
    this.connection = connection
    this.context = context
    this.#reader = new CommandReader(connection, (ahead) => literalRefusal(this, ahead))
  }

  get policy(): LogonPolicy {
    return logonPolicy(this.context.config, this.context.directory, this.connection.channel)
  }

  /** The tag of the command that runs: ESEARCH names it. */
  get tag(): string {
    return this.#reader.tag
  }

  /** Whether the client takes UTF-8 in quoted strings and mailbox names. RFC 6855 section 3; RFC 9051 section 5.1. */
  get utf8(): boolean {
    return this.enabled.has('UTF8=ACCEPT') || this.enabled.has('IMAP4rev2')
  }

  async serve(): Promise<void> {
    try {
      this.connection.write(replyLine('*', 'OK', 'Sealpost IMAP4 server ready', `CAPABILITY ${capabilities(this)}`))
      while (this.state.name !== 'logout') await this.#serveOne()
    } catch (error) {
      this.#sayGoodBye(error)
    } finally {
      this.deselect()
      this.connection.end()
    }
  }

  /** Sends octets: as text, which goes on record, where they are ASCII. */
  say(octets: OctetString): void {
    this.connection.write(/[\x80-\xff]/.test(octets) ? Buffer.from(octets, 'latin1') : octets)
  }

  /** Lets an account in. RFC 9051 section 6.2. */
  async logOn(account: Account | undefined): Promise<Result> {
    if (!account) {
      this.connection.record.refused('log-on failed: unknown user name or bad password')
      throw no('Logon failure: unknown user name or bad password.', 'AUTHENTICATIONFAILED')
    }
    const owner = accountOwner(account.user)
    await ensureMailboxes(this.context.store, owner)
    this.connection.record.user(account.user)
    this.state = { name: 'authenticated', identity: { account, owner } }
    return { text: 'logged on', code: `CAPABILITY ${capabilities(this)}` }
  }

  /** @throws ImapError where a log-on may not be tried, before its password is looked at */
  checkLogon(): void {
    const { logon } = this.policy
    if (logon === 'yes') return
    const needsTls = logon === 'needs-tls'
    const why = needsTls
      ? 'a secure channel is required: use STARTTLS first'
      : 'log-on is not offered on this virtual server'
    this.connection.record.refused(why)
    throw no(why, needsTls ? 'PRIVACYREQUIRED' : 'CONTACTADMIN') // RFC 5530 section 3
  }

  select(state: StateOf<'authenticated'> | StateOf<'selected'>, selection: Selection): void {
    this.deselect()
    this.state = { name: 'selected', identity: state.identity, selection }
  }

  /** From selected back to authenticated. */
  deselect(): void {
    if (this.state.name !== 'selected') return
    this.state.selection.close()
    this.state = { name: 'authenticated', identity: this.state.identity }
  }

  /** Everything that was known is forgotten, as after STARTTLS. RFC 9051 section 6.2.1. */
  forget(): void {
    this.deselect()
    this.enabled.clear()
    this.state = { name: 'not-authenticated' }
  }

  async #serveOne(): Promise<void> {
    try {
      const request = await this.#reader.next()
      const command = commandOf(this, request.name)
      await this.#run(request, command)
    } catch (error) {
      const { status, message, code } = this.#asReply(error)
      this.say(replyLine(this.#reader.tag, status, message, code))
    }
  }

  async #run({ tag, cursor }: Request, command: Command): Promise<void> {
    const { text, code, after } = await command.prepare(cursor, this)()
    if (this.state.name === 'selected' && command.updates !== 'none') {
      tellUpdates(this, this.state.selection, command.updates === 'all')
      if (this.state.selection.isGone) return this.endSelectedGone()
    }
    this.say(replyLine(tag, 'OK', text, code))
    await after?.()
  }

  /** Another session deleted the selected mailbox: nothing said of it would be true any more. RFC 2180 section 3.3. */
  endSelectedGone(): void {
    this.say(replyLine('*', 'BYE', 'the selected mailbox was deleted'))
    this.deselect()
    this.state = { name: 'logout' }
    this.connection.end()
  }

  /** The one place where errors become replies. Rethrows what ends the session. */
  #asReply(error: unknown): ImapError {
    if (error instanceof ImapError) return error
    if (error instanceof ConnectionEnded || error instanceof HandshakeFailure || error instanceof LiteralFlood)
      throw error
    if (error instanceof TooLong) return bad('line too long', 'TOOBIG')
    if (error instanceof StoreError && error.code !== 'closed') return storeReply(error)
    this.context.log.error({ session: this.connection.record.id, err: error }, 'an IMAP4 command failed')
    return no('internal error', 'SERVERBUG')
  }

  #sayGoodBye(error: unknown): void {
    if (error instanceof HandshakeFailure) return
    if (error instanceof LiteralFlood) return this.say(replyLine('*', 'BYE', 'literal too long', 'TOOBIG'))
    if (!(error instanceof ConnectionEnded)) throw error
    const farewell = FAREWELLS[error.reason]
    if (farewell) this.say(replyLine('*', 'BYE', farewell))
  }
}

/** What can still be said at the end. RFC 9051 section 7.1.5. */
const FAREWELLS: Partial<Record<ConnectionEnded['reason'], string>> = {
  idle: 'logged out for inactivity',
  stopping: 'server is stopping',
}

const STORE_CODES: Partial<Record<StoreError['code'], string>> = {
  exists: 'ALREADYEXISTS',
  'not-found': 'NONEXISTENT',
  'no-space': 'OVERQUOTA',
  'read-only': 'OVERQUOTA',
}

/** RFC 5530 section 3. */
function storeReply(error: StoreError): ImapError {
  return new ImapError('NO', error.message, STORE_CODES[error.code], { cause: error })
}
