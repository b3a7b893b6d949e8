import { logonMakesPeer, type Peer } from './peer.ts'
import { authenticationRequired, NntpError } from './reply.ts'
import type { NntpSession } from './session.ts'
import { expectArguments } from './wire.ts'

/** Whom a command is for. `feed`: a peer of an inbound feed. */
export type Audience = 'everyone' | 'reader' | 'feed'

/** A row of the command table. */
export interface NntpCommand {
  /** In capitals; a second word where the command has variants (`LIST ACTIVE`). */
  readonly name: string
  /** What HELP says of its arguments. */
  readonly syntax: string
  /** @throws NntpError */
  run(session: NntpSession, args: readonly string[]): void | Promise<void>
}

interface Definition<A> {
  readonly name: string
  readonly syntax?: string
  /** Default: everyone. */
  readonly audience?: Audience
  /** Least and most arguments. Default: none. */
  readonly args?: readonly [least: number, most: number]
  /** Parses the whole command before anything happens. @throws NntpError 501 */
  readonly parse?: (args: readonly string[], session: NntpSession) => A
  readonly run: (session: NntpSession, argument: A) => void | Promise<void>
}

/** Makes a row: counts the arguments, parses them, checks that the client may, and only then runs. */
export function defineCommand<A = void>(definition: Definition<A>): NntpCommand {
  const [least, most] = definition.args ?? [0, 0]
  return {
    name: definition.name,
    syntax: definition.syntax ?? '',
    run(session, args) {
      expectArguments(args, least, most)
      const argument = definition.parse?.(args, session) as A
      checkAudience(session, definition.audience ?? 'everyone')
      return definition.run(session, argument)
    },
  }
}

function checkAudience(session: NntpSession, audience: Audience): void {
  if (audience === 'reader' && !session.access.reads) throw authenticationRequired()
  if (audience === 'feed') checkFeed(session)
}

/** RFC 3977 section 6.3.2: 480 where logging on would help, 502 where nothing would. */
export function checkFeed(session: NntpSession): Peer {
  const { peer } = session
  if (peer) return peer
  if (logonMakesPeer(session.context.config.feeds)) throw authenticationRequired()
  throw new NntpError(502, 'no feed is taken from this client')
}
