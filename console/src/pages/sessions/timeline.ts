import { type Entry, isOfClient, type Session } from './types.ts'

/** The steps of a session that stand out. */
type StepName =
  | 'connected'
  | 'notConnected'
  | 'greeting'
  | 'starttls'
  | 'handshake'
  | 'logOn'
  | 'commands'
  | 'message'
  | 'ended'

/** A step, with the milliseconds since the start. */
interface Step {
  readonly name: StepName
  readonly ms: number
}

const STARTTLS = /^(?:\S+ )?(?:STARTTLS|STLS)$/i
const LOG_ON = /^(?:\S+ )?(?:LOGIN|AUTHENTICATE|AUTH|AUTHINFO|USER|PASS|APOP)\b/i

/** Returns the steps of a session in the order of time. Those that did not happen are left out. */
export function timelineOf(session: Session, entries: readonly Entry[]): readonly Step[] {
  const { startedAt, endedAt } = session
  // A connection that failed has no address of its own.
  const isRefused = session.direction === 'out' && session.localPort === 0
  const steps: Step[] = [{ name: isRefused ? 'notConnected' : 'connected', ms: 0 }]
  const add = (name: StepName, at: string | undefined): void => {
    if (at !== undefined && !steps.some((step) => step.name === name))
      steps.push({ name, ms: Date.parse(at) - Date.parse(startedAt) })
  }
  const lines = entries.filter((entry) => entry.kind === 'line')
  add('greeting', lines.find(({ direction }) => !isOfClient(session, direction))?.at)
  const commands = lines.filter(({ direction }) => isOfClient(session, direction))
  add('starttls', commands.find(({ text }) => STARTTLS.test(text))?.at)
  add('handshake', entries.find((entry) => entry.kind === 'note' && entry.text.startsWith('TLS: '))?.at)
  add('logOn', commands.find(({ text }) => LOG_ON.test(text))?.at)
  add('commands', commands[0]?.at)
  add('message', entries.find((entry) => entry.kind === 'octets')?.at)
  add('ended', endedAt)
  return steps.toSorted((a, b) => a.ms - b.ms)
}
