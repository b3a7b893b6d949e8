import type { Account } from '../../src/accounts/directory/types.ts'
import type { NntpPersonality } from '../../src/core/personality/types.ts'
import type { Folder } from '../../src/storage/store/folder.ts'
import type { NewsService } from '../../src/transport/news/news-service.ts'
import type { LogonSession } from '../logon.ts'
import { type FeedPeer, type GroupAccess, logonMakesPeer } from './access.ts'
import { expectArguments } from './arguments.ts'
import { authenticationRequired, NntpError } from './reply.ts'

/** The selected newsgroup. RFC 3977 section 6.1. */
export interface SelectedGroup {
  readonly folder: Folder
  /** The current article number; undefined if it is invalid. */
  current: number | undefined
}

/** The session's interface for commands. */
export interface NntpSession extends LogonSession {
  readonly news: NewsService
  /** The words that the virtual server uses instead of its own. */
  readonly words: NntpPersonality | undefined
  /** The command line being run, as the client sent it. */
  readonly line: string
  /** The client's access rights now. */
  readonly access: GroupAccess
  /** The inbound feed whose peer this client is. */
  readonly peer: FeedPeer | undefined
  /** The reply to the connection and to MODE READER. RFC 3977 sections 5.1 and 5.3. */
  readonly welcome: readonly [code: number, text: string]
  readonly account: Account | undefined
  /** Whether the client has logged on by ANONYMOUS. RFC 4505. */
  isAnonymous: boolean
  group: SelectedGroup | undefined
  /** The name that AUTHINFO USER gave. */
  claimedUser: string | undefined
  /** Returns the groups that the client may read, in name order. */
  readableGroups(): Promise<readonly Folder[]>
  logOn(account: Account): Promise<void>
  /** Discards everything the client sent in clear text. RFC 4642 section 2.2.2. */
  forget(): void
  reply(code: number, text: string): void
  /** Sends a multi-line reply that is short enough for the session's transcript. */
  replyLines(code: number, text: string, lines: readonly string[]): void
  /** Ends the session once the reply is sent. */
  quit(): void
}

/** The right that a command requires: read access, or an inbound feed that names the client as the peer. */
type Requirement = 'read-access' | 'feed'

/** A row of the command table. */
export interface NntpCommand {
  /** In capitals, with a second word for a variant (`LIST ACTIVE`). */
  readonly name: string
  /** The arguments for HELP. */
  readonly syntax: string
  /** Returns a promise only if something has to be awaited. @throws NntpError */
  run(session: NntpSession, args: readonly string[]): void | Promise<void>
  /**
   * Refuses a line of this command that is too long to be run. Only commands after which the client sends an article immediately
   * have it: they read the article first. @throws NntpError
   */
  refused?(session: NntpSession, refusal: NntpError): void | Promise<void>
}

interface Definition<A> {
  readonly name: string
  readonly syntax?: string
  /** Default: every client may use the command. */
  readonly requires?: Requirement
  /** The reply to a client that no log-on makes a peer. Default: 502. */
  readonly notPeer?: readonly [code: number, text: string]
  /** The least and the most arguments. Default: none. */
  readonly args?: readonly [least: number, most: number]
  /** Parses all arguments before the command has any effect. @throws NntpError 501 */
  readonly parse?: (args: readonly string[], session: NntpSession) => A
  readonly run: (session: NntpSession, argument: A) => void | Promise<void>
}

/** Creates a row that counts and parses the arguments and checks the requirement before it runs. */
export function defineCommand<A = void>(definition: Definition<A>): NntpCommand {
  const [least, most] = definition.args ?? [0, 0]
  return {
    name: definition.name,
    syntax: definition.syntax ?? '',
    run(session, args) {
      expectArguments(args, least, most)
      const argument = definition.parse?.(args, session) as A
      checkRequirement(session, definition)
      if (definition.requires) session.connection.logon.cancelTimeout()
      return definition.run(session, argument)
    },
  }
}

function checkRequirement(
  session: NntpSession,
  { requires, notPeer }: Pick<Definition<never>, 'requires' | 'notPeer'>,
) {
  if (requires === 'read-access' && !session.access.canRead) throw authenticationRequired()
  if (requires === 'feed') expectPeer(session, notPeer)
}

/** Returns the feed's peer. @throws NntpError 480 if a log-on could help, else `notPeer` */
export function expectPeer(
  session: NntpSession,
  [code, text]: readonly [code: number, text: string] = [502, 'No feed is accepted from this client'],
): FeedPeer {
  const { peer } = session
  if (peer) return peer
  if (logonMakesPeer(session.context.config.feeds)) throw authenticationRequired()
  throw new NntpError(code, text)
}
