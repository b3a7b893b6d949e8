import type { LogonPolicy } from '../../src/accounts/directory/policy.ts'
import type { Account } from '../../src/accounts/directory/types.ts'
import type { ManageSievePersonality } from '../../src/core/personality/types.ts'
import type { Connection } from '../../src/net/connection.ts'
import { ScriptError, SieveScripts } from '../../src/storage/store/sieve-scripts.ts'
import { type ErrorReplies, type ProtocolSession, serveSession } from '../frame.ts'
import { currentPolicy, MAX_SASL_OCTETS } from '../logon.ts'
import { personalityOf } from '../personality.ts'
import { type ProtocolService, type ServerContext, whyBusy } from '../service.ts'
import { capabilities, commands, type ManageSieveSession } from './commands.ts'
import { personalityError, personalityGreeting, personalityReply } from './personality.ts'
import { type Request, RequestReader } from './reader.ts'
import { ManageSieveError, type ManageSieveReply, sendError, sendReply, statusLine } from './reply.ts'

/** ManageSieve. RFC 5804. */
export const managesieve: ProtocolService = {
  protocol: 'managesieve',
  alpn: ['managesieve'],
  serve: (connection, context) => serveSession(new Session(connection, context)),
  busy: (context, limited) =>
    personalityOf(context).managesieve?.busy ?? statusLine('BYE', `${whyBusy(limited)}. Try again later.`, 'TRYLATER'), // RFC 5804 section 1.3
}

const FAREWELLS = {
  idle: 'Idle for too long.',
  'log-on timeout': 'No log-on within the time limit.',
  stopping: 'Server is shutting down.',
} as const

const errorReplies: ErrorReplies<ManageSieveError> = {
  expected(error) {
    if (error instanceof ScriptError) return new ManageSieveError(error.message, error.code, { cause: error })
    return error instanceof ManageSieveError ? error : undefined
  },
  tooLong: () => new ManageSieveError('Line too long.'),
  memoryFull: () => new ManageSieveError('Not enough memory. Try again later.', 'TRYLATER'),
  storeFailed: ({ message }) => new ManageSieveError(message, 'TRYLATER'),
  internal: () => new ManageSieveError('Internal server error.', 'TRYLATER'),
  farewell: (reason) => new ManageSieveError(FAREWELLS[reason], 'TRYLATER', { isLast: true, isRefusal: false }),
}

/** The session of one client. */
class Session implements ManageSieveSession, ProtocolSession<Request, ManageSieveError> {
  readonly connection: Connection
  readonly context: ServerContext
  readonly reader: RequestReader
  readonly errorReplies = errorReplies
  account: Account | undefined
  isOver = false
  #name = ''

  constructor(connection: Connection, context: ServerContext) {
    this.connection = connection
    this.context = context
    const { scriptSize } = context.sieve
    // Clients that have not logged on make the server keep no scripts.
    this.reader = new RequestReader(connection, () =>
      this.account ? Math.max(scriptSize, MAX_SASL_OCTETS) : MAX_SASL_OCTETS,
    )
  }

  get policy(): LogonPolicy {
    return currentPolicy(this)
  }

  get words(): ManageSievePersonality | undefined {
    return personalityOf(this.context).managesieve
  }

  /** A reload may have given the account another script. */
  scriptsOf(account: Account): SieveScripts {
    const { directory, store, sieve } = this.context.latest()
    return new SieveScripts(store, directory.find(account.user) ?? account, sieve)
  }

  /** RFC 5804 section 1.2: the server sends its capabilities first. */
  greet(): void {
    const text = this.words ? personalityGreeting(this.words, this) : 'Sealpost ManageSieve server ready.'
    sendReply(this.connection, { lines: capabilities(this), text })
  }

  readCommand(): Request | Promise<Request> | undefined {
    return this.reader.take()
  }

  run(request: Request): void | Promise<void> {
    this.#name = request.name
    const command = commands.get(request.name)
    if (!command) throw new ManageSieveError('Unknown command.')
    const reply = command(this, request.values)
    if (reply instanceof Promise) return reply.then((found) => this.#send(found))
    return this.#send(reply)
  }

  sendError(error: ManageSieveError): void {
    if (error.isLast) this.isOver = true
    if (error.isRefusal)
      this.connection.record.refused(statusLine(error.isLast ? 'BYE' : 'NO', error.message, error.code))
    sendError(this.connection, this.words ? personalityError(this.words, this, this.#name, error) : error)
  }

  #send(reply: ManageSieveReply): void | Promise<void> {
    sendReply(this.connection, this.words ? personalityReply(this.words, this, this.#name, reply) : reply)
    return reply.afterwards?.()
  }

  close(): void {
    // The session holds nothing.
  }
}
