import type { LogonPolicy } from '../../src/accounts/directory/policy.ts'
import type { Account } from '../../src/accounts/directory/types.ts'
import type { ImapPersonality } from '../../src/core/personality/types.ts'
import type { OctetString } from '../../src/mail/format/types.ts'
import type { Connection } from '../../src/net/connection.ts'
import type { Owner } from '../../src/storage/store/folder.ts'
import type { Origin } from '../../src/storage/store/origin.ts'
import type { ServerContext } from '../service.ts'
import type { Selection } from './selection.ts'
import type { FetchItem } from './wire/fetch-request.ts'

/** The account that has logged on. */
export interface Identity {
  readonly account: Account
  readonly owner: Owner
}

/** The states of RFC 9051 section 3, each with the data that exists only in that state. */
export type ImapState =
  | { readonly name: 'not-authenticated' }
  | { readonly name: 'authenticated'; readonly identity: Identity }
  | { readonly name: 'selected'; readonly identity: Identity; readonly selection: Selection }
  | { readonly name: 'logout' }

export type StateName = ImapState['name']
/** The state of that name, with its data. */
export type StateOf<S extends StateName> = Extract<ImapState, { name: S }>
export type LoggedOn = StateOf<'authenticated' | 'selected'>

// The states that allow a command, for `CommandRow.states`.
export const anyState = ['not-authenticated', 'authenticated', 'selected'] as const
export const loggedOn = ['authenticated', 'selected'] as const
export const selected = ['selected'] as const
export const notAuthenticated = ['not-authenticated'] as const

/** Extensions that ENABLE can turn on. RFC 5161, 7162, 9051, 9586, 9755. */
export const extensions = ['CONDSTORE', 'QRESYNC', 'UTF8=ACCEPT', 'IMAP4rev2', 'UIDONLY'] as const
export type Extension = (typeof extensions)[number]

/** Which message events of the selected mailbox the client wants. RFC 5465 section 6.1. */
export interface SelectedEvents {
  /** New and expunged messages. */
  readonly messages: boolean
  readonly flags: boolean
  /** Whether an EXPUNGE must wait for a command that allows it. */
  readonly delayed: boolean
  /** Items to send of new messages. */
  readonly items: readonly FetchItem[]
}

/** The events that a client asked for with NOTIFY. RFC 5465. */
export interface Notifier {
  readonly selected: SelectedEvents
  /** Callback for changes to send. */
  onChange: (() => void) | undefined
  /** Whether changes of other mailboxes wait. */
  readonly hasChanges: boolean
  /** Sends the changes of other mailboxes. */
  send(): Promise<void>
  /** Drops the events of mailbox names that this session has changed itself. RFC 5465 section 5. */
  forget(names: readonly string[]): void
  close(): void
}

/** Returns who makes the changes of a session, so that it recognizes them in the events of the store. */
export const originOf = (session: ImapSession): Origin =>
  session.state.name === 'selected' ? session.state.selection : session

/** The session's interface for commands. */
export interface ImapSession {
  readonly connection: Connection
  readonly sessionId: string
  readonly context: ServerContext
  readonly state: ImapState
  /** The words that the virtual server uses instead of its own. */
  readonly words: ImapPersonality | undefined
  /** Extensions turned on by ENABLE, or by use (CONDSTORE). */
  readonly enabled: Set<Extension>
  /** The client's request by NOTIFY. Undefined: it never did, and gets changes during commands only. */
  notifier: Notifier | undefined
  /** The tag of the current command; ESEARCH repeats it. */
  readonly tag: string
  readonly policy: LogonPolicy
  /** Whether quoted strings and mailbox names are UTF-8. RFC 9755 section 3; RFC 9051 section 5.1. */
  readonly utf8: boolean
  /** Writes responses, as octets. */
  send(octets: OctetString): void
  /** Changes the state. Closes the selected mailbox, if any. */
  enter(state: ImapState): void
  /** Returns from selected to authenticated. Does nothing in any other state. */
  deselect(): void
  /** Discards everything the client sent, as required after STARTTLS. RFC 9051 section 6.2.1. */
  forget(): void
  /** Ends the session, because its selected mailbox was deleted. */
  endAfterMailboxDeletion(): void
}
