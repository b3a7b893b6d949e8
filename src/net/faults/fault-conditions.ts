import type { FaultConditions, FaultPoint } from '../../core/config/schema/fault.ts'
import { isOutgoingFault } from '../../core/config/schema/fault-checks.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'

type When = FaultConditions['when']

/** The facts about a connection that the conditions of faults test. */
export interface FaultTarget {
  readonly protocol: string
  /** For outgoing sessions, the connector. */
  readonly virtualServer: string
  /** `out`: the lab opened the connection. */
  readonly direction?: 'out'
  readonly session: SessionRecord
  /** Closes the connection with a TCP reset. */
  readonly reset: () => void
}

/** Returns the test of the conditions of a fault, except its counts: `connection`, `nth`, `chance`. */
export function conditionsTest(when: When): (at: FaultPoint, line: string, target: FaultTarget) => boolean {
  const { on, virtualServer, connector, verb, method, matching, user, tls } = when
  const pattern = matching === undefined ? undefined : new RegExp(matching, 'i')
  const isOutgoing = isOutgoingFault(when)
  return (at, line, target) =>
    at === on &&
    isOutgoing === (target.direction === 'out') &&
    (connector === undefined || connector === target.virtualServer) &&
    isForProtocol(when, target.protocol) &&
    (virtualServer === undefined || virtualServer === target.virtualServer) &&
    (user === undefined || user === target.session.user) &&
    (tls === undefined || tls === (target.session.tls !== undefined)) &&
    (verb === undefined || isVerb(verb, verbOf(target.protocol, line))) &&
    (method === undefined || line.startsWith(`${method} `)) &&
    (pattern === undefined || pattern.test(line))
}

/** Without `protocol`, a fault leaves HTTP alone: it must not keep a test from the API that removes the fault. */
function isForProtocol({ protocol, virtualServer }: When, actual: string): boolean {
  if (protocol !== undefined) return protocol === actual
  return actual !== 'jmap' && (actual !== 'http' || virtualServer !== undefined)
}

/** Returns the command of a client's line in upper case: `RCPT`, `UID FETCH`, `AUTHINFO PASS`. */
function verbOf(protocol: string, line: string): string {
  const words = line.trim().toUpperCase().split(/\s+/)
  const command = protocol === 'imap4' ? words.slice(1) : words
  return command.slice(0, 2).join(' ')
}

/** Returns whether a rule's verb matches a command: `UID FETCH` exactly, `AUTHINFO` with any argument. */
function isVerb(wanted: string, verb: string): boolean {
  const upper = wanted.toUpperCase()
  return verb === upper || verb.startsWith(`${upper} `)
}
