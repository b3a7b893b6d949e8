import type { SessionLog } from '../../../core/sessions/log.ts'
import type { FaultRules } from '../../../net/faults/fault-rules.ts'
import type { NextHop, ResolvedConnector } from '../types.ts'
import type { ClientIdentity } from './secure.ts'
import type { PeerTimeouts } from './timeouts.ts'

/** The parts of the lab that every session with other hosts uses. */
export interface ClientServices {
  /** The name that the lab says in EHLO. */
  readonly hostname: () => string
  readonly sessions: SessionLog
  /** Returns the PEM of the roots that an `authority` names. */
  readonly roots: (authority: string | undefined) => Promise<readonly string[]>
  /** Returns the certificate that a connector's `certificate` names. */
  readonly identity: (certificate: string) => Promise<ClientIdentity>
  readonly faults?: FaultRules
  readonly timeouts: PeerTimeouts
  readonly now: () => number
}

/** A host to connect to, at one of its addresses. */
export interface Destination {
  readonly hop: NextHop
  readonly address: string
  /** The name of the connector, for session records and faults. */
  readonly connector: string
  readonly protocol: ResolvedConnector['protocol']
  /** The connector's `certificate`. */
  readonly certificate: string | undefined
  /** TLS has failed before, and the level allows clear text. */
  readonly isWithoutTls?: boolean
}
