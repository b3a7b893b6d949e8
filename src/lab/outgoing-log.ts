import type { Logger } from 'pino'
import type { OutgoingQueue, QueueEvent } from '../outgoing/types.ts'

/** What the log says about each event of the queue. */
const lines: Partial<Record<QueueEvent['type'], { readonly level: 'info' | 'warn'; readonly text: string }>> = {
  queued: { level: 'info', text: 'outgoing mail queued' },
  sent: { level: 'info', text: 'outgoing mail sent' },
  deferred: { level: 'warn', text: 'outgoing mail deferred' },
  failed: { level: 'warn', text: 'outgoing mail failed' },
}

/** Logs what becomes of queued messages. */
export function logQueue(log: Logger, queue: OutgoingQueue): void {
  queue.watch(({ type, entry: { id, connector, destination, mailFrom, recipients, reason, lastSession }, results }) => {
    const line = lines[type]
    if (!line) return
    const facts = { queued: id, connector, destination, mailFrom, recipients: recipients.length }
    const failed = results?.find(({ kind }) => kind === 'failed')?.text
    log[line.level]({ ...facts, reason: failed ?? reason, session: lastSession }, line.text)
  })
}
