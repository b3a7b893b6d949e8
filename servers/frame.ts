import type { Connection } from '../src/net/connection.ts'
import { ConnectionEnded, HandshakeFailure, TooLong } from '../src/net/errors.ts'
import { StoreError } from '../src/store/types.ts'
import type { ServerContext } from './service.ts'

/** The ends of a connection at which the server can still send a last line. */
export type FarewellReason = 'idle' | 'log-on timeout' | 'stopping'

/**
 * How a protocol answers errors. `Reply` is what its `sendError` takes, usually the protocol's own error class.
 * Errors that end the connection never get here, except as a reason for a farewell.
 */
export interface ErrorReplies<Reply> {
  /** Returns the reply to an error that commands throw on purpose; undefined for every other error, which is then logged. */
  expected(error: unknown): Reply | undefined
  /** A line or block was over its limit. It has been read and dropped, so the session goes on. */
  tooLong(error: TooLong): Reply
  /** The store failed. The error is already logged. */
  storeFailed(error: StoreError): Reply
  /** A defect of the server. The error is already logged, and the client learns nothing about it. */
  internal(): Reply
  /** The last line of a connection; undefined if the protocol closes without one. */
  farewell(reason: FarewellReason, context: ServerContext): Reply | undefined
}

/** What a protocol brings to `serveSession`: its greeting, its grammar, its commands and its replies to errors. */
export interface ProtocolSession<Command, Reply> {
  readonly connection: Connection
  readonly context: ServerContext
  readonly errorReplies: ErrorReplies<Reply>
  /** True once the session must not read another command: after QUIT, or after a reply that closes the connection. */
  readonly isOver: boolean
  greet(): void
  /** Reads the next command, as far as it must be read to know where the following one starts. */
  readCommand(): Promise<Command>
  /** Finds the command's handler and runs it. Returns a promise only if something has to be awaited: this is the hot path. */
  run(command: Command): void | Promise<void>
  /** Sends an error reply and records it if it is a refusal. May end the session. */
  sendError(reply: Reply): void
  /** Releases what the session holds: locks, selections, claims. Called once, whatever ended the session. */
  close(): void
}

/**
 * Serves one connection from the greeting to its end. Every error that a command throws becomes a reply here, and only
 * here. Rejects with errors that no reply could be sent for.
 */
export async function serveSession<Command, Reply>(session: ProtocolSession<Command, Reply>): Promise<void> {
  try {
    session.greet()
    while (!session.isOver) {
      try {
        const running = session.run(await session.readCommand())
        if (running) await running
      } catch (error) {
        session.sendError(replyTo(session, error))
      }
    }
  } catch (error) {
    sayFarewell(session, error)
  } finally {
    session.close()
    session.connection.end()
  }
}

/** Returns the reply to an error. Throws the error again if it ends the connection. */
function replyTo<Reply>(session: ProtocolSession<unknown, Reply>, error: unknown): Reply {
  const { errorReplies, context, connection } = session
  const expected = errorReplies.expected(error)
  if (expected !== undefined) return expected
  if (error instanceof ConnectionEnded || error instanceof HandshakeFailure) throw error
  if (error instanceof TooLong) return errorReplies.tooLong(error)
  context.log.error({ session: connection.record.id, err: error }, `${context.config.protocol}: command failed`)
  return error instanceof StoreError ? errorReplies.storeFailed(error) : errorReplies.internal()
}

function sayFarewell<Reply>(session: ProtocolSession<unknown, Reply>, error: unknown): void {
  if (error instanceof HandshakeFailure) return // already on record, and the connection is gone
  if (!(error instanceof ConnectionEnded)) throw error
  const { reason } = error
  if (reason !== 'idle' && reason !== 'log-on timeout' && reason !== 'stopping') return
  const farewell = session.errorReplies.farewell(reason, session.context)
  if (farewell !== undefined) session.sendError(farewell)
}
