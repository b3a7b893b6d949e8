import type { Logger } from 'pino'
import type { SessionRecord } from '../sessions/types.ts'

/** One structured line a session. */
export function logSession(log: Logger, record: SessionRecord): void {
  const { id, virtualServer, remoteAddress, remotePort, user, tls, refusals, startedAt, endedAt, endCause } = record
  const facts = {
    session: id,
    server: virtualServer,
    client: `${remoteAddress}:${remotePort}`,
    user,
    tls: tls && { version: tls.version, cipher: tls.cipher, bits: tls.bits },
    refusals: refusals.length > 0 ? refusals : undefined,
    durationMs: (endedAt ?? startedAt) - startedAt,
  }
  log.info(facts, `session ended: ${endCause}`)
}
