import type { MessageEntry } from '../../src/storage/store/message-entry.ts'
import { no } from './reply.ts'
import type { Selection } from './selection.ts'
import type { ImapSession } from './state.ts'

/** Returns how many messages one command may process; undefined for no limit. RFC 9738 section 3. */
export function messageLimit({ context }: Pick<ImapSession, 'context'>): number | undefined {
  const { messagesPerCommand } = context.config.limits
  return messagesPerCommand === 'off' ? undefined : messagesPerCommand
}

/** The messages that a command processes. */
interface Limited {
  /** Ascending. */
  readonly indexes: readonly number[]
  /** The response code if the command named more. */
  readonly code?: string
}

/** Returns the messages with the highest uids, as many as one command may process. RFC 9738 section 3.1. */
export function withinLimit(session: ImapSession, { messages }: Selection, indexes: readonly number[]): Limited {
  const limit = messageLimit(session)
  if (limit === undefined || indexes.length <= limit) return { indexes }
  const last = indexes.slice(-limit)
  const { uid } = messages.at(last[0] as number) as MessageEntry
  return { indexes: last, code: `MESSAGELIMIT ${limit} ${uid}` }
}

/** Checks a command that processes all its messages or none: APPEND, COPY, MOVE. @throws ImapError MESSAGELIMIT */
export function checkMessageLimit(session: ImapSession, count: number): void {
  const limit = messageLimit(session)
  if (limit === undefined || count <= limit) return
  throw no(`One command may process ${limit} messages.`, `MESSAGELIMIT ${limit}`)
}
