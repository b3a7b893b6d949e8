import type { FaultProtocol } from '../../core/config/schema/protocol.ts'
import type { Endpoint } from './types.ts'

/** A server's reply to a command. */
export interface Reply {
  readonly lines: readonly string[]
  /** The status: `250`, `+OK`, `OK`, `+` … */
  readonly code: string
  /** The line that holds the status. */
  readonly status: string
}

/** A name and a password that belong to no account. */
export const NOBODY = 'sealpost-verify'
export const NO_PASSWORD = 'not-a-password'

/** A log-on to try in clear text, with a name and password of no account. */
interface ClearLogOn {
  readonly name: string
  readonly command: string
  /** Returns whether the server accepted the attempt: asked for the password or checked it. @param announced capability lines */
  readonly isAccepted: (reply: Reply, announced: readonly string[]) => boolean
}

/** A command other than log-on that is refused in clear text if a secure channel is required. */
interface ClearUse {
  readonly command: string
  readonly isRefused: (reply: Reply) => boolean
  /** The right answer, and the rule that demands it. */
  readonly expected: string
}

/** Commands before STARTTLS whose effect the server must forget. */
interface StateProbe {
  /** Returns commands in clear text. Each must be accepted, otherwise the server has no state to forget. */
  readonly before: (facts: StateFacts) => readonly string[] | undefined
  /** Returns the command under TLS that shows whether the state is kept. */
  readonly after: (facts: StateFacts) => string
  /** Matches the reply to `after` if the state is forgotten. */
  readonly forgotten: RegExp
  /** The state, for reports. */
  readonly what: string
}

export interface StateFacts {
  readonly user: string | undefined
  readonly password: string | undefined
  readonly newsgroup: string | undefined
}

/** How a connection changes to TLS. */
export interface StartTls {
  readonly command: string
  /** Matches the capability line that announces it. */
  readonly announced: RegExp
  readonly ready: RegExp
  /** A command to send behind it in the same segment. The server must not answer it. */
  readonly injected: { readonly command: string; readonly answered: (reply: Reply) => boolean }
  readonly state?: StateProbe
}

/** The facts of the server that commands contain. */
export type Server = Pick<Endpoint, 'serverName' | 'path'>

/** The client's side of a protocol, as far as the checks need it. */
export interface ProtocolRow {
  readonly protocol: FaultProtocol
  readonly title: string
  /** Protocol name in TLS. RFC 7301. */
  readonly alpn?: string
  /** Matches the status of the greeting. */
  readonly greeting: RegExp
  /** Matches the status of a greeting, or of the first reply, by which a server says that it has too many sessions. */
  readonly busy?: RegExp
  /** The server is silent until the first command; its reply to `capabilities.command` takes the place of the greeting. */
  readonly isAskedFirst?: true
  /** Returns a command as it is sent, without its line end. @param n its number in the session, for tags */
  readonly frame: (command: string, n: number, server: Server) => string
  /** Returns whether the last line that arrived ends the reply. */
  readonly isLast: (lines: readonly string[], command: string, n: number) => boolean
  /** Returns the line that holds the status. */
  readonly status: (lines: readonly string[]) => string
  /** Returns the status in that line: `250`, `+OK`. */
  readonly code: (status: string) => string
  readonly capabilities: {
    readonly command: string
    /** A command for servers that do not answer the other one. The connection is of no use after it. */
    readonly otherwise?: string
    /** Returns the log-on mechanisms, including commands (`USER`, `LOGIN`). */
    readonly mechanisms: (lines: readonly string[]) => readonly string[]
  }
  /** Absent: the protocol has TLS on a port of its own only. */
  readonly startTls?: StartTls
  /** Matches any positive reply. */
  readonly accepted: RegExp
  readonly clearLogOn: readonly ClearLogOn[]
  /** A command other than log-on that is refused in clear text if a secure channel is required. */
  readonly clearUse?: ClearUse
  /** The command that ends a session. Absent: the client closes the connection. */
  readonly quit?: string
}
