import type { FaultInput } from '../config/schema/fault.ts'
import type { LabInput, Protocol } from '../config/schema.ts'
import type { SessionRecord } from '../sessions/types.ts'

/** How TLS begins: by a command on the clear-text port, or with the first octet. */
export const forms = ['starttls', 'implicit'] as const
export type Form = (typeof forms)[number]

/**
 * What a safe client does. `careful`: what only a careful one does (revocation, key lengths …): who does not is lax, not
 * broken.
 */
export type Expectation = 'accept' | 'refuse' | 'careful'

type VirtualServerInput = NonNullable<LabInput['virtualServers']>[number]

/** One row of the index of bad servers: a virtual server of each protocol. */
export interface BadServer {
  /** Part of the host name too: `expired.badmail.localhost`. */
  readonly name: string
  readonly meaning: string
  readonly expectation: Expectation
  readonly settings: Pick<VirtualServerInput, 'certificate' | 'tls'>
  /** What goes wrong on it, for one of its protocols; absent: nothing. */
  readonly faults?: (protocol: Protocol) => readonly FaultInput[]
  /** Absent: all. */
  readonly protocols?: readonly Protocol[]
  /** Absent: both. */
  readonly forms?: readonly Form[]
  /** Cannot be judged by a client that does not ask for its host name. */
  readonly needsOwnName?: true
}

/** One port of the index. */
export interface BadPort {
  readonly name: string
  readonly meaning: string
  readonly expectation: Expectation
  readonly protocol: Protocol
  readonly form: Form
  /** The host name that its certificate is for. */
  readonly hostname: string
  /** In `config/badmail.yaml`. */
  readonly port: number
  readonly virtualServer: string
  readonly needsOwnName: boolean
}

/** Where a client is to connect. */
export interface AuditTarget extends Pick<BadPort, 'name' | 'expectation' | 'protocol' | 'form' | 'hostname'> {
  /** A name that leads there from here: `hostname` where it resolves, else `localhost`. */
  readonly host: string
  readonly address: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** PEM of the root to trust, and a file that holds it. */
  readonly ca: string
  readonly caFile: string
}

/**
 * What came of one run. safe: refused what is bad, took what is good. unsafe: took what is bad. lax: took what a careful
 * client refuses. unable: refused what is good. untested: said why in `detail`.
 */
export type Verdict = 'safe' | 'unsafe' | 'lax' | 'unable' | 'untested'

export interface AuditResult {
  readonly name: string
  readonly protocol: Protocol
  readonly form: Form
  readonly expectation: Expectation
  readonly accepted: boolean
  readonly verdict: Verdict
  /** What the client said, in a line. */
  readonly detail: string
  /** What the lab saw, oldest first. */
  readonly sessions: readonly Seen[]
}

/** A session in short. */
export interface Seen extends Pick<SessionRecord, 'refusals' | 'user'> {
  readonly tls?: { readonly version: string; readonly cipher: string }
}
