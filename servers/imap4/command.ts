import type { Done } from './reply.ts'
import type { Session } from './session.ts'
import type { StateName, StateOf } from './state.ts'
import type { Cursor } from './wire/cursor.ts'

/** What of the changes others made may be told before the tagged reply. RFC 9051 section 7.5.1. */
export type Updates = 'all' | 'no-expunge' | 'none'

/** What a command ends with; `after` is done once the tagged reply is written (STARTTLS, COMPRESS). */
export type Result = Done & { readonly after?: () => Promise<void> | void }

/** One verb: where it may stand, its grammar, what it does. The whole command is parsed before anything happens. */
export interface CommandRow<S extends StateName, A> {
  readonly name: string
  readonly states: readonly S[]
  /** What must hold before the arguments, and their literals, are looked at. Throws the refusal. */
  readonly check?: (session: Session) => void
  /** Looks at what stands in front of a literal of so many octets, for a refusal that spares the client the sending. */
  readonly foresee?: (cursor: Cursor, session: Session, octets: number) => Promise<void>
  /** Reads the arguments, the space in front of them included. */
  readonly parse: (cursor: Cursor, session: Session) => A
  readonly run: (session: Session, state: StateOf<S>, args: A) => Promise<Result> | Result
  /** Default: all. */
  readonly updates?: Updates
  /** Takes messages as literals, up to the limit for messages. */
  readonly takesMessages?: boolean
  /** Speaks of messages by sequence number, which UIDONLY does not let. RFC 9586 section 3. */
  readonly byNumber?: boolean
}

/** A row of the table, its argument type closed over. */
export interface Command {
  readonly name: string
  readonly states: readonly StateName[]
  readonly updates: Updates
  readonly takesMessages: boolean
  readonly byNumber: boolean
  readonly check: (session: Session) => void
  readonly foresee: CommandRow<never, never>['foresee']
  /** @throws ImapError before anything happened */
  readonly prepare: (cursor: Cursor, session: Session) => () => Promise<Result>
}

export function defineCommand<const S extends StateName, A>(row: CommandRow<S, A>): Command {
  const {
    name,
    states,
    parse,
    run,
    foresee,
    check = () => {},
    updates = 'all',
    takesMessages = false,
    byNumber = false,
  } = row
  const isMine = (state: Session['state']): state is StateOf<S> => (states as readonly StateName[]).includes(state.name)
  return {
    name,
    states,
    updates,
    takesMessages,
    byNumber,
    check,
    foresee,
    prepare(cursor, session) {
      check(session)
      const args = parse(cursor, session)
      cursor.end()
      return async () => {
        const { state } = session
        if (!isMine(state)) throw new Error(`${name} run in state ${state.name}`)
        return run(session, state, args)
      }
    },
  }
}

/** The grammar of a command without arguments. */
export const noArguments = (): undefined => undefined
