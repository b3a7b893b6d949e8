import { bad, type CommandResult, ImapError } from './reply.ts'
import { missingRight } from './rights.ts'
import type { ImapSession, StateName, StateOf } from './state.ts'
import type { Cursor } from './wire/cursor.ts'

/** The changes by other sessions that are reported before the tagged reply. RFC 9051 section 7.5.1. */
type ReportedUpdates = 'all' | 'no-expunge' | 'none'

/** One command: the states that allow it, its grammar and its action. All of it is parsed before the action starts. */
interface CommandRow<S extends StateName, A> {
  readonly name: string
  readonly states: readonly S[]
  /** Checks the session before the command's arguments and literals are read. @throws ImapError to refuse the command */
  readonly check?: (session: ImapSession) => void
  /**
   * Checks a literal by its size and the arguments before it. If it is refused here, the client need not send it.
   * @throws ImapError
   */
  readonly checkLiteral?: (cursor: Cursor, session: ImapSession, octets: number) => Promise<void> | void
  /** Reads the arguments, including the space in front of them. */
  readonly parse: (cursor: Cursor, session: ImapSession) => A
  readonly run: (session: ImapSession, state: StateOf<S>, args: A) => Promise<CommandResult> | CommandResult
  /** Replaces errors of the grammar, which quote the client's text: it may contain a password. */
  readonly usage?: string
  /** Default: all. */
  readonly updates?: ReportedUpdates
  /** Whether its literals are messages, limited by `limits.messageSize`. */
  readonly takesMessages?: boolean
  /** Whether it needs nothing of what other nodes have stored. Default: false. */
  readonly needsNoRefresh?: boolean
  /** Whether it uses sequence numbers, which UIDONLY forbids. RFC 9586 section 3. */
  readonly bySequenceNumber?: boolean
}

/** A row of the command table, with its argument type hidden. */
export interface Command {
  readonly name: string
  readonly states: readonly StateName[]
  readonly updates: ReportedUpdates
  readonly takesMessages: boolean
  readonly needsNoRefresh: boolean
  readonly bySequenceNumber: boolean
  readonly check: (session: ImapSession) => void
  readonly checkLiteral: CommandRow<never, never>['checkLiteral']
  /** Parses the command and returns its action. @throws ImapError if it cannot run */
  readonly prepare: (cursor: Cursor, session: ImapSession) => () => Promise<CommandResult> | CommandResult
}

/** Creates a row that checks, parses and runs a command. */
export function defineCommand<const S extends StateName, A>(row: CommandRow<S, A>): Command {
  const { name, states, parse, run, usage, checkLiteral, check = () => {} } = row
  const { updates = 'all', takesMessages = false, needsNoRefresh = false, bySequenceNumber = false } = row
  const isAllowed = (state: ImapSession['state']): state is StateOf<S> =>
    (states as readonly StateName[]).includes(state.name)
  return {
    name,
    states,
    updates,
    takesMessages,
    needsNoRefresh,
    bySequenceNumber,
    check,
    checkLiteral,
    prepare(cursor, session) {
      const parseAll = (): A => {
        const args = parse(cursor, session)
        cursor.end()
        return args
      }
      check(session)
      const args = usage === undefined ? parseAll() : withUsage(usage, parseAll)
      return () => {
        const { state } = session
        if (!isAllowed(state)) throw new Error(`${name} run in state ${state.name}`)
        return run(session, state, args)
      }
    },
  }
}

function withUsage<A>(usage: string, parse: () => A): A {
  try {
    return parse()
  } catch (error) {
    throw error instanceof ImapError && error.status === 'BAD' ? bad(`Syntax: ${usage}.`) : error
  }
}

type Selected = StateOf<'selected'>

/** A command of the selected state that names messages by sequence number, and by uid as `UID NAME`. */
interface MessageCommandRow<A> {
  readonly name: string
  readonly parse: (cursor: Cursor, session: ImapSession, byUid: boolean) => A
  readonly run: (session: ImapSession, state: Selected, args: A, byUid: boolean) => Promise<CommandResult>
  /** For the command with sequence numbers. The UID command always reports all. Default: all. */
  readonly updates?: ReportedUpdates
  readonly takesMessages?: boolean
  readonly needsNoRefresh?: boolean
}

/** Defines `NAME` and `UID NAME`. RFC 9051 section 6.4.9. */
export function defineMessageCommand<A>(row: MessageCommandRow<A>): readonly [Command, Command] {
  const { name, parse, run, updates = 'all', takesMessages = false, needsNoRefresh = false } = row
  const define = (byUid: boolean): Command =>
    defineCommand({
      name: byUid ? `UID ${name}` : name,
      states: ['selected'],
      takesMessages,
      needsNoRefresh,
      bySequenceNumber: !byUid,
      updates: byUid ? 'all' : updates,
      parse: (cursor, session) => parse(cursor, session, byUid),
      run(session, state, args) {
        // The right to read may be taken while the mailbox is selected. RFC 4314 section 4
        if (!state.selection.rights.includes('r')) throw missingRight('r')
        return run(session, state, args, byUid)
      },
    })
  return [define(false), define(true)]
}

/** Parses the arguments of a command that has none. */
export const noArguments = (): undefined => undefined
