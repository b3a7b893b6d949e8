import { setImmediate } from '../time/real-timers.ts'
import type { SessionRecord } from './types.ts'

export const BEFORE_RESET = 'begun before the last reset'

/**
 * Turns of the event loop after which everything that had reached the ports is read: one accepts waiting connections, one
 * reads what they sent, and one more for what their streams pass on.
 */
const TURNS = 3

/** Resolves once everything that had reached the ports is read. */
export async function untilRead(): Promise<void> {
  for (let n = 0; n < TURNS; n++) await new Promise<void>((resolve) => setImmediate(resolve))
}

/**
 * Returns whether the client of a session is about to send mail: it has not sent anything yet, or is in the middle of a
 * message. An idle session counts as finished once it has sent something: clients that keep connections do so.
 */
export const mayStillSend = ({ protocol, endedAt, mail }: SessionRecord): boolean =>
  (protocol === 'smtp' || protocol === 'lmtp') && endedAt === undefined && mail?.isOpen !== false

const sessionAndUser = ({ id, user }: SessionRecord): string =>
  `${id} ${user === undefined ? 'without log-on' : `as ${user}`}`

/** Describes a session that may still send. */
export function describeUnfinished(record: SessionRecord): string {
  const { begun = 0, wasOpenAtReset = false } = record.mail ?? {}
  const before = begun === 1 && wasOpenAtReset ? `, ${BEFORE_RESET}` : ''
  return `${sessionAndUser(record)}: ${record.mail ? `in the middle of a message${before}` : 'has sent nothing yet'}`
}

/**
 * Returns a line for each session that began more messages than it delivered.
 * @param sessions the session of each delivered message
 */
export function attemptsBesides(
  sessions: readonly (string | undefined)[],
  records: readonly SessionRecord[],
): string[] {
  return records.flatMap((record) => {
    const delivered = sessions.filter((id) => id === record.id).length
    const count = (record.mail?.begun ?? 0) - delivered
    const before = record.mail?.wasOpenAtReset ? [`the first was ${BEFORE_RESET}`] : []
    const refusals = record.refusals.map((reason) => `refused: ${reason}`)
    return count > 0 ? [[`${sessionAndUser(record)}: ${count}`, ...before, ...refusals].join('; ')] : []
  })
}
