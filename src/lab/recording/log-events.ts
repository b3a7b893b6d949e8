import type { Logger } from 'pino'
import type { SessionRecord } from '../../core/sessions/types.ts'
import type { OutgoingQueue, QueueEvent } from '../../transport/outgoing/types.ts'

/** Logs one structured line for a session that has ended. */
export function logSession(log: Logger, record: SessionRecord): void {
  const {
    id,
    virtualServer,
    direction,
    remoteAddress,
    remotePort,
    proxy,
    user,
    tls,
    refusals,
    startedAt,
    endedAt,
    endCause,
  } = record
  const facts = {
    session: id,
    server: virtualServer,
    [direction === 'out' ? 'host' : 'client']: `${remoteAddress}:${remotePort}`,
    direction,
    proxy: proxy && `${proxy.address}:${proxy.port}`,
    user,
    tls: tls && { version: tls.version, cipher: tls.cipher, bits: tls.bits },
    refusals: refusals.length > 0 ? refusals : undefined,
    durationMs: (endedAt ?? startedAt) - startedAt,
  }
  log.info(facts, `session ended: ${endCause}`)
}

/** The line of the log for each event of the queue. */
const lines: Partial<Record<QueueEvent['type'], { readonly level: 'info' | 'warn'; readonly text: string }>> = {
  queued: { level: 'info', text: 'outgoing mail queued' },
  sent: { level: 'info', text: 'outgoing mail sent' },
  deferred: { level: 'warn', text: 'outgoing mail deferred' },
  failed: { level: 'warn', text: 'outgoing mail failed' },
}

/** Logs each event of the queue of outgoing mail. */
export function logQueue(log: Logger, queue: OutgoingQueue): void {
  queue.watch(({ type, entry: { id, connector, destination, mailFrom, recipients, reason, lastSession }, results }) => {
    const line = lines[type]
    if (!line) return
    const facts = { queued: id, connector, destination, mailFrom, recipients: recipients.length }
    const failed = results?.find(({ kind }) => kind === 'failed')?.text
    log[line.level]({ ...facts, reason: failed ?? reason, session: lastSession }, line.text)
  })
}
