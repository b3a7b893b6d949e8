import type { LogonPolicy } from '../../src/accounts/directory/policy.ts'
import type { ImapPersonality } from '../../src/core/personality/types.ts'
import { isAscii } from '../../src/core/text/printable.ts'
import type { OctetString } from '../../src/mail/format/types.ts'
import type { Connection } from '../../src/net/connection.ts'
import { StoreError } from '../../src/storage/store/errors.ts'
import { GmailStore } from '../../src/storage/store/views/gmail/gmail-store.ts'
import { ReaderStore } from '../../src/storage/store/views/readers/reader-store.ts'
import { type ErrorReplies, type FarewellReason, type ProtocolSession, serveSession } from '../frame.ts'
import { currentPolicy } from '../logon.ts'
import { personalityOf } from '../personality.ts'
import { type ProtocolService, type ServerContext, whyBusy } from '../service.ts'
import type { Command } from './command.ts'
import { findCommand, isCommand } from './commands/index.ts'
import { capabilitiesOf, personalityError, personalityGreeting, personalityResult } from './personality.ts'
import { Pusher } from './push.ts'
import { bad, bye, type CommandResult, ImapError, no, statusResponse } from './reply.ts'
import { reportChanges } from './report.ts'
import type { Extension, Identity, ImapSession, ImapState, Notifier } from './state.ts'
import { CommandReader, type LiteralAhead, type Request } from './wire/command-reader.ts'

/** IMAP4rev1 and IMAP4rev2. RFC 3501, RFC 9051. */
export const imap4: ProtocolService = {
  protocol: 'imap4',
  alpn: ['imap'],
  serve: (connection, context) => serveSession(new Session(connection, context)),
  // RFC 5530 section 3: LIMIT for what the client can change, UNAVAILABLE for what it cannot.
  busy: (context, limited) =>
    personalityOf(context).imap4?.busy ??
    `* BYE [${limited === 'address' ? 'LIMIT' : 'UNAVAILABLE'}] ${whyBusy(limited)}. Try again later.`,
}

const FAREWELLS: Readonly<Record<FarewellReason, readonly [text: string, code?: string]>> = {
  idle: ['Logged out for inactivity.'],
  'log-on timeout': ['No log-on within the time limit.', 'LIMIT'],
  stopping: ['Server is shutting down.'],
}

/** Response codes for errors of the store. RFC 5530 section 3. */
const STORE_CODES: Partial<Record<StoreError['code'], string>> = {
  exists: 'ALREADYEXISTS',
  'not-found': 'NONEXISTENT',
  'no-space': 'OVERQUOTA',
  'over-quota': 'OVERQUOTA',
  'read-only': 'OVERQUOTA',
  failed: 'UNAVAILABLE',
  unknown: 'UNAVAILABLE',
}

const internalError = (): ImapError => no('Internal server error.', 'SERVERBUG')

const errorReplies: ErrorReplies<ImapError> = {
  expected(error) {
    if (error instanceof ImapError) return error
    if (!(error instanceof StoreError) || error.code === 'closed') return undefined
    return new ImapError('NO', error.message, STORE_CODES[error.code], { cause: error })
  },
  tooLong: () => bad('Line too long.', 'TOOBIG'),
  memoryFull: () => no('Not enough memory. Try again later.', 'LIMIT'), // RFC 5530 section 3
  storeFailed: ({ code, message }) => (code === 'closed' ? internalError() : no(message, STORE_CODES[code])),
  internal: internalError,
  farewell: (reason) => bye(...FAREWELLS[reason]),
}

/** Codes of what the session's record lists as refusals: log-ons, rights, messages, limits. RFC 5530 section 3. */
const REFUSALS = new Set<string | undefined>([
  'AUTHENTICATIONFAILED',
  'AUTHORIZATIONFAILED',
  'PRIVACYREQUIRED',
  'CONTACTADMIN',
  'EXPIRED',
  'ALERT',
  'NOPERM',
  'OVERQUOTA',
  'TOOBIG', // RFC 7889 section 4
  'LIMIT',
  'INUSE',
  'UNAVAILABLE',
  'SERVERBUG',
])

/** Commands without a NO. RFC 9051 section 6.1.2, RFC 3501 section 6.4.1. */
const CANNOT_FAIL = new Set(['NOOP', 'CHECK'])

/** Log-on commands. After a malformed one, the client's next line may be the password, in the place of a tag. */
const LOGON_COMMANDS = new Set(['LOGIN', 'AUTHENTICATE'])

/** The session of one client. */
class Session implements ImapSession, ProtocolSession<Request, ImapError> {
  readonly connection: Connection
  context: ServerContext
  readonly errorReplies = errorReplies
  readonly enabled = new Set<Extension>()
  state: ImapState = { name: 'not-authenticated' }
  notifier: Notifier | undefined
  readonly #reader: CommandReader
  /** The context of a client before log-on. */
  readonly #context: ServerContext
  /** Sends changes between commands to clients that use NOTIFY. */
  #pusher: Pusher | undefined
  /** Whether the last command was a log-on that failed. The next lines that are not commands may contain its password. */
  #hasFailedLogon = false

  constructor(connection: Connection, context: ServerContext) {
    this.connection = connection
    this.context = context
    this.#context = context
    this.#reader = new CommandReader(connection, (ahead) => literalRefusal(this, ahead))
  }

  get policy(): LogonPolicy {
    return currentPolicy(this)
  }

  get sessionId(): string {
    return this.connection.record.id
  }

  get words(): ImapPersonality | undefined {
    return personalityOf(this.context).imap4
  }

  get tag(): string {
    return this.#reader.tag
  }

  get utf8(): boolean {
    return this.enabled.has('UTF8=ACCEPT') || this.enabled.has('IMAP4rev2')
  }

  get isOver(): boolean {
    return this.state.name === 'logout'
  }

  /** Sends octets. The transcript shows ASCII text as it is, and other octets by their number. */
  send(octets: OctetString): void {
    if (isAscii(octets)) return this.connection.write(octets)
    // A character above 0xff would be cut to its low octet, which may be CR or LF.
    if (/[^\x00-\xff]/.test(octets)) throw new TypeError('a response must be octets, not text')
    this.connection.write(Buffer.from(octets, 'latin1'))
  }

  enter(state: ImapState): void {
    this.deselect()
    const before = 'identity' in this.state ? this.state.identity : undefined
    const identity = 'identity' in state ? state.identity : undefined
    if (before?.owner !== identity?.owner) this.context = this.#contextOf(identity)
    this.state = state
  }

  /** Returns the context of an account, with the store as that account sees it. */
  #contextOf(identity: Identity | undefined): ServerContext {
    const { store, log } = this.#context
    if (!identity) return this.#context
    const failed = (err: unknown): void => {
      log.error({ session: this.connection.record.id, err }, 'imap4: a change was not reported to the session')
    }
    const seen = new ReaderStore(store, identity.owner, failed)
    return { ...this.#context, store: this.words?.hasLabels ? new GmailStore(seen, store, identity.owner) : seen }
  }

  deselect(): void {
    if (this.state.name !== 'selected') return
    this.state.selection.close()
    this.state = { name: 'authenticated', identity: this.state.identity }
  }

  forget(): void {
    this.enabled.clear()
    this.#endNotifications()
    this.enter({ name: 'not-authenticated' })
  }

  greet(): void {
    const text = 'Sealpost IMAP4 server ready'
    const own = { text, code: `CAPABILITY ${capabilitiesOf(this)}` }
    const greeting = this.words ? { text: personalityGreeting(this.words, this) } : own
    this.connection.write(statusResponse('*', 'OK', greeting))
  }

  readCommand(): Request | Promise<Request> | undefined {
    return this.notifier ? this.#readAndNotify() : this.#reader.take()
  }

  /** Sends changes until the next command has arrived. RFC 5465 section 3.1. */
  async #readAndNotify(): Promise<Request> {
    this.#pusher ??= new Pusher(this)
    this.#pusher.start(this.notifier?.selected.delayed === false)
    try {
      return await this.#reader.next()
    } finally {
      await this.#pusher.stop()
    }
  }

  run({ tag, name, cursor }: Request): void | Promise<void> {
    const command = findCommand(this, name)
    // Otherwise the changes of other commands would wait for a message of this session.
    this.connection.content.expect(false)
    const action = command.prepare(cursor, this)
    const running = this.#isCurrentFor(command) ? action() : this.#refresh(command).then(action)
    if (running instanceof Promise) return running.then((result) => this.#finish(tag, command, result))
    return this.#finish(tag, command, running)
  }

  #isCurrentFor({ needsNoRefresh }: Command): boolean {
    return !this.#context.store.isShared || needsNoRefresh || !('identity' in this.state)
  }

  /** Takes up what other nodes have stored: the client may have changed it there. */
  async #refresh({ name }: Command): Promise<void> {
    try {
      await this.context.store.refresh()
    } catch (error) {
      // The database may be unreachable for now.
      if (!(error instanceof StoreError) || !CANNOT_FAIL.has(name)) throw error
    }
  }

  /** Reports changes, then replies to a command that succeeded. */
  #finish(tag: string, command: Command, result: CommandResult): void | Promise<void> {
    this.#hasFailedLogon = false
    if (this.state.name !== 'selected' || command.updates === 'none') return this.#reply(tag, command, result)
    const { selection } = this.state
    const reply = (): void | Promise<void> =>
      selection.isDeleted ? this.endAfterMailboxDeletion() : this.#reply(tag, command, result)
    const reporting = reportChanges(this, selection, command.updates === 'all')
    return reporting ? reporting.then(reply) : reply()
  }

  #reply(
    tag: string,
    { name, takesMessages }: Command,
    { text = `${name} completed`, code, after }: CommandResult,
  ): void | Promise<void> {
    // After the reports, which may store marks of the reader.
    if (takesMessages) this.connection.content.expect(true)
    const own = { text, code }
    this.send(statusResponse(tag, 'OK', this.words ? personalityResult(this.words, this, name, own) : own))
    return after?.()
  }

  sendError(error: ImapError): void {
    if (REFUSALS.has(error.code)) this.connection.record.refused(`${error.status} [${error.code}] ${error.message}`)
    const { tag, name } = this.#reader
    const { status, message, code } = this.words ? personalityError(this.words, this, name, error) : error
    const isNoCommand = !isCommand(name)
    this.#hasFailedLogon = LOGON_COMMANDS.has(name) || (this.#hasFailedLogon && isNoCommand)
    const isUntagged = status === 'BYE' || (this.#hasFailedLogon && isNoCommand)
    // Text outside ASCII needs IMAP4rev2; UTF8=ACCEPT covers quoted strings only. RFC 9051 section 9, `text`
    this.send(statusResponse(isUntagged ? '*' : tag, status, { text: message, code }, this.enabled.has('IMAP4rev2')))
    if (status === 'BYE') this.enter({ name: 'logout' })
  }

  /** Ends the session, because every reply about the deleted mailbox would be wrong. RFC 2180 section 3.3. */
  endAfterMailboxDeletion(): void {
    this.sendError(bye('The selected mailbox was deleted.'))
    this.connection.end()
  }

  #endNotifications(): void {
    this.notifier?.close()
    this.notifier = undefined
  }

  close(): void {
    this.#endNotifications()
    this.deselect()
    this.#reader.release()
  }
}

/** The largest literal that is not a message. RFC 9051 section 4.3 allows servers to refuse larger ones. */
const MAX_LITERAL_OCTETS = 64 * 1024
/** Number of messages of the largest size that one command may contain. They are kept in memory until all have arrived. */
const MAX_MESSAGES_HELD = 4

/** Checks a literal before it is read, by the command so far. Returns its refusal, or undefined to accept it. */
function literalRefusal(
  session: ImapSession,
  ahead: LiteralAhead,
): ImapError | undefined | Promise<ImapError | undefined> {
  let command: Command
  try {
    command = findCommand(session, ahead.name)
    command.check(session)
    checkSize(session, command, ahead)
  } catch (error) {
    return asRefusal(error)
  }
  if (!ahead.isSaved) return undefined
  try {
    const checking = command.checkLiteral?.(ahead.cursor, session, ahead.octets)
    return checking ? checking.then(() => undefined, asFinalRefusal) : undefined
  } catch (error) {
    return asFinalRefusal(error)
  }
}

/** Returns the refusal of a literal. A BAD only means that the command is not complete yet. */
function asFinalRefusal(error: unknown): ImapError | undefined {
  const refusal = asRefusal(error)
  return refusal.status === 'BAD' ? undefined : refusal
}

function checkSize({ context }: ImapSession, { takesMessages }: Command, { octets, before }: LiteralAhead): void {
  if (!takesMessages && octets > MAX_LITERAL_OCTETS) throw bad('Literal too long.', 'TOOBIG')
  const limit = context.config.limits.messageSize
  const isTooBig = takesMessages && (octets > limit || before + octets > limit * MAX_MESSAGES_HELD)
  if (isTooBig) throw no(`A message may have ${limit} octets.`, 'TOOBIG') // RFC 7889 section 4
}

function asRefusal(error: unknown): ImapError {
  if (error instanceof ImapError) return error
  throw error
}
