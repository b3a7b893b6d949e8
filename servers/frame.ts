import { MemoryLimitReached } from '../src/core/octets/memory-budget.ts'
import { SpoolError } from '../src/core/octets/spool.ts'
import type { Connection } from '../src/net/connection.ts'
import { ConnectionEnded, FaultAnswered, HandshakeFailure, TooLong } from '../src/net/errors.ts'
import { StoreError } from '../src/storage/store/errors.ts'
import type { ServerContext } from './service.ts'

/** The ends of a connection at which the server can still send a last line. */
export type FarewellReason = 'idle' | 'log-on timeout' | 'stopping'

/**
 * The replies of a protocol to errors. `Reply` is what its `sendError` takes, usually the protocol's error class.
 * Errors that end the connection get no reply, except the farewell.
 */
export interface ErrorReplies<Reply> {
  /** Returns the reply to an error that commands throw on purpose; undefined for any other error, which is then logged. */
  expected(error: unknown): Reply | undefined
  /** Returns the reply to a line or block over its limit. It has been read and discarded, so the session continues. */
  tooLong(error: TooLong): Reply
  /** Returns the reply to a command for which the lab has no memory left. The client may try again later. */
  memoryFull(): Reply
  /** Returns the reply to a failure of the store, which is already logged. */
  storeFailed(error: StoreError): Reply
  /** Returns the reply to a defect of the server, which is already logged. The client sees no details. */
  internal(): Reply
  /** Returns the last line of a connection; undefined if the protocol closes without one. */
  farewell(reason: FarewellReason, context: ServerContext): Reply | undefined
}

/** The protocol's part of a session: its greeting, its grammar, its commands and its replies to errors. */
export interface ProtocolSession<Command, Reply> {
  readonly connection: Connection
  readonly context: ServerContext
  readonly errorReplies: ErrorReplies<Reply>
  /** True once the session must not read another command: after QUIT, or after a reply that closes the connection. */
  readonly isOver: boolean
  /** Whether further commands complete what is under way, such as a mail transaction. Default: no. */
  readonly isUnderWay?: boolean
  greet(): void
  /**
   * Reads the next command, at least far enough to know where the following one starts. Undefined: nothing of it has arrived,
   * and it is read again after `Connection.onMore`.
   */
  readCommand(): Command | Promise<Command> | undefined
  /** Finds the command's handler and runs it. Returns a promise only if something has to be awaited: this is the hot path. */
  run(command: Command): void | Promise<void>
  /** Sends an error reply and records it if it is a refusal. May end the session. */
  sendError(reply: Reply): void
  /** Releases what the session holds: locks, selections, claims. Called once at the end of every session. */
  close(): void
}

/**
 * Serves one connection from the greeting to its end. Every error that a command throws becomes a reply here, and only
 * here. Rejects with errors that get no reply: HandshakeFailure, and defects outside of commands.
 */
export const serveSession = <Command, Reply>(session: ProtocolSession<Command, Reply>): Promise<void> =>
  new Promise((resolve, reject) => new CommandLoop(session, resolve, reject).start())

/** Runs the commands of a session as they arrive, without a promise for those that need not wait for anything. */
class CommandLoop<Command, Reply> {
  readonly #session: ProtocolSession<Command, Reply>
  readonly #resolve: () => void
  readonly #reject: (error: unknown) => void

  constructor(session: ProtocolSession<Command, Reply>, resolve: () => void, reject: (error: unknown) => void) {
    this.#session = session
    this.#resolve = resolve
    this.#reject = reject
  }

  start(): void {
    try {
      this.#session.greet()
    } catch (error) {
      return this.#end(error)
    }
    this.#continue()
  }

  /** Runs commands until one has to wait, or the session is over. @param error thrown by what the session waited for */
  readonly #continue = (error?: unknown): void => {
    try {
      if (error !== undefined) this.#answer(error)
      while (!this.#session.isOver) {
        const waiting = this.#runNext()
        if (waiting === 'for octets') return
        if (waiting) return void waiting.then(this.#resume, this.#continue)
      }
    } catch (failure) {
      return this.#end(failure)
    }
    this.#end()
  }

  readonly #resume = (): void => this.#continue()

  /** Runs the next command. Returns what must be awaited before the following one. */
  #runNext(): Promise<void> | 'for octets' | undefined {
    const session = this.#session
    try {
      session.connection.atBoundary(session.isUnderWay)
      const command = session.readCommand()
      if (command === undefined) {
        session.connection.onMore(this.#continue)
        return 'for octets'
      }
      if (command instanceof Promise) return command.then((read) => session.run(read))
      return session.run(command) ?? undefined
    } catch (error) {
      this.#answer(error)
      return undefined
    }
  }

  /** Replies to an error. Throws it again if it ends the connection. */
  #answer(error: unknown): void {
    if (!(error instanceof FaultAnswered)) this.#session.sendError(replyTo(this.#session, error))
  }

  #end(error?: unknown): void {
    const session = this.#session
    try {
      try {
        if (error !== undefined) sayFarewell(session, error)
      } finally {
        session.close()
        session.connection.end()
      }
      this.#resolve()
    } catch (failure) {
      this.#reject(failure)
    }
  }
}

/** Returns the reply to an error, and logs unexpected ones. Throws the error again if it ends the connection. */
export function replyTo<Reply>(session: ProtocolSession<unknown, Reply>, error: unknown): Reply {
  const { errorReplies, context, connection } = session
  const expected = errorReplies.expected(error)
  if (expected !== undefined) return expected
  if (error instanceof ConnectionEnded || error instanceof HandshakeFailure) throw error
  if (error instanceof TooLong) return errorReplies.tooLong(error)
  if (error instanceof MemoryLimitReached) {
    connection.record.note(`${error.message} (memoryLimit)`)
    return errorReplies.memoryFull()
  }
  context.log.error({ session: connection.record.id, err: error }, `${context.config.protocol}: command failed`)
  // Temporary files belong to the store on disk.
  if (error instanceof SpoolError && error.code !== 'failed')
    return errorReplies.storeFailed(new StoreError(error.code, error.message, { cause: error }))
  return error instanceof StoreError ? errorReplies.storeFailed(error) : errorReplies.internal()
}

function sayFarewell<Reply>(session: ProtocolSession<unknown, Reply>, error: unknown): void {
  if (!(error instanceof ConnectionEnded)) throw error
  const { reason } = error
  if (reason !== 'idle' && reason !== 'log-on timeout' && reason !== 'stopping') return
  const farewell = session.errorReplies.farewell(reason, session.context)
  if (farewell !== undefined) session.sendError(farewell)
}
