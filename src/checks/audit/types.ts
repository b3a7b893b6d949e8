import type { FaultInput } from '../../core/config/schema/fault.ts'
import type { ServerProtocol, VirtualServerInput } from '../../core/config/schema.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'

/** How TLS begins: with a command on the clear-text port, or from the first octet. */
export const forms = ['starttls', 'implicit'] as const
export type Form = (typeof forms)[number]

/**
 * The reaction of a safe client to a server. `careful`: a careful client refuses it (for revocation, key lengths …); a client
 * that accepts it is lax, but not broken.
 */
export type Expectation = 'accept' | 'refuse' | 'careful'

/** A bad server of `config/badmail.yaml`. The lab runs it once per protocol of mail and news; an audit runs it for the chosen ones. */
export interface BadServer {
  /** Name of the server, which is also part of its host name: `expired.badmail.localhost`. */
  readonly name: string
  readonly meaning: string
  readonly expectation: Expectation
  readonly settings: Pick<VirtualServerInput, 'certificate' | 'tls'>
  /** Returns its faults for a protocol. Default: none. */
  readonly faults?: (protocol: ServerProtocol) => readonly FaultInput[]
  /** Default: all. */
  readonly protocols?: readonly ServerProtocol[]
  /** Default: both. */
  readonly forms?: readonly Form[]
  /** The result means nothing unless the client connects by the server's host name. */
  readonly needsOwnName?: true
  /**
   * The proof under TLS that a client accepted the server. `injected replies`: the server is authentic, but sends nothing
   * under TLS, so a second command follows from a reply that came before TLS. Default: anything private.
   */
  readonly proof?: 'injected replies'
}

/** One port of a bad server. */
export interface BadPort extends Pick<BadServer, 'name' | 'meaning' | 'expectation' | 'proof'> {
  readonly protocol: ServerProtocol
  readonly form: Form
  /** The host name of its certificate. */
  readonly hostname: string
  /** The port in `config/badmail.yaml`. */
  readonly port: number
  readonly virtualServer: string
  readonly needsOwnName: boolean
}

/** The server that a client must try. */
export interface AuditTarget extends Pick<BadPort, 'name' | 'expectation' | 'protocol' | 'form' | 'hostname'> {
  /** A host name that resolves to this machine: `hostname` if it does, else `localhost`. */
  readonly host: string
  readonly address: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** The root to trust, in PEM. */
  readonly ca: string
  /** A file with the root to trust. It exists during the audit. */
  readonly caFile: string
  /** A file in the format of /etc/hosts, with the names of all bad servers. It exists during the audit. */
  readonly hostsFile: string
}

/**
 * The result of one run:
 * - safe: the client refused a bad server or accepted a good one
 * - unsafe: it accepted a bad server, or sent something private in clear text or to a bad server, whatever it reported
 * - lax: it accepted a server that a careful client refuses
 * - unable: it refused a good server
 * - untested: it was not run or did not connect; `reason` says why
 */
export type Verdict = 'safe' | 'unsafe' | 'lax' | 'unable' | 'untested'

/** Kinds of data that a client sends only to a server that it accepts. */
export type PrivateKind = 'credentials' | 'commands' | 'content'

/** Something private that crossed the wire: `{ kind: 'credentials', what: 'AUTH PLAIN', encrypted: false }`. */
export interface Disclosure {
  readonly kind: PrivateKind
  /** The command, or `message content`. */
  readonly what: string
  /** Whether it was sent under TLS. */
  readonly encrypted: boolean
}

export interface AuditResult {
  readonly name: string
  /** The defect or the peculiarity of the server. */
  readonly meaning: string
  readonly protocol: ServerProtocol
  readonly form: Form
  readonly expectation: Expectation
  /** Whether the client reported success. */
  readonly accepted: boolean
  readonly verdict: Verdict
  /** Why the verdict is so, from what crossed the wire. */
  readonly reason: string
  /** The client's result or error, in one line. */
  readonly detail: string
  /** The client's disclosures, in order, without repetitions. */
  readonly disclosed: readonly Disclosure[]
  /** The client's sessions as the lab recorded them, oldest first. */
  readonly sessions: readonly SessionSummary[]
}

/** The result of the client's run against a good server, which must succeed before anything is judged. */
export interface ControlResult {
  readonly protocol: ServerProtocol
  readonly form: Form
  readonly succeeded: boolean
  /** The client's actions, or the failure. */
  readonly detail: string
  /** How to fix what failed. */
  readonly hint?: string
  readonly disclosed: readonly Disclosure[]
}

/** The summary of a session. */
export interface SessionSummary extends Pick<SessionRecord, 'refusals' | 'user' | 'endCause'> {
  readonly tls?: { readonly version: string; readonly cipher: string }
  /** The whole session, one line per entry. `C:` precedes the client's lines, `S:` the server's; `*` marks clear text. */
  readonly transcript: readonly string[]
}

/** Nothing could be judged. The message says why and how to fix it. */
export class AuditError extends Error {
  override readonly name = 'AuditError'
}
