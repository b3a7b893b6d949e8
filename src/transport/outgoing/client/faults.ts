import type { FaultAction } from '../../../core/config/schema/fault.ts'
import type { SessionRecorder } from '../../../core/sessions/types.ts'
import { delay as sleep } from '../../../core/time/real-timers.ts'
import { parseCommand } from '../../../net/faults/fault-command.ts'
import type { ConnectionFaults, DueFault } from '../../../net/faults/fault-rules.ts'
import { attemptStopped, notSecured } from './failure.ts'

/** The effect of faults on one step of an outgoing session. */
export interface StepEffect {
  /** The lines of a reply that the lab sees instead of the host's. */
  readonly instead?: readonly string[]
  readonly drop?: FaultAction['drop']
  readonly silence?: true
  /** Extensions that the lab does not see in the reply to EHLO. */
  readonly hide?: readonly string[]
  /** At the end of a message: whether the host gets it. */
  readonly stored?: boolean
}

type Step = 'connect' | 'command' | 'end-of-data'

/** Injects the faults of one outgoing session. */
export class PeerFaults {
  readonly #faults: ConnectionFaults | undefined
  readonly #record: SessionRecorder

  constructor(faults: ConnectionFaults | undefined, record: SessionRecorder) {
    this.#faults = faults
    this.#record = record
  }

  /**
   * Returns what faults do at a step.
   * @param signal ends a delay
   * @param line the command that the lab is about to send
   * @throws PeerFailure if the signal aborts
   */
  async at(step: Step, signal: AbortSignal, line = ''): Promise<StepEffect> {
    let effect: StepEffect = {}
    for (const due of this.#faults?.due(step, line) ?? []) {
      const action = await this.#fire(due, line, signal)
      if (action) effect = { ...effect, ...effectOf(action) }
    }
    return effect
  }

  /** Injects the faults before a TLS handshake. @param signal ends a delay @throws PeerFailure */
  async atHandshake(signal: AbortSignal): Promise<void> {
    for (const due of this.#faults?.due('handshake') ?? []) {
      const action = await this.#fire(due, '', signal)
      if (action?.abortHandshake !== undefined) {
        throw notSecured(`TLS failed: the host sent the alert ${action.abortHandshake} (fault ${due.name})`)
      }
      if (action?.drop !== undefined) throw notSecured(`TLS failed: the host closed the connection (fault ${due.name})`)
      if (action?.distrust !== undefined) this.distrust = `${action.distrust} (fault ${due.name})`
    }
  }

  /** Why the certificate of the next handshake is not accepted. */
  distrust: string | undefined

  async #fire(
    { name, action, confirm, decide, reportFired, reportPassed }: DueFault,
    line: string,
    signal: AbortSignal,
  ): Promise<FaultAction | undefined> {
    if (confirm && !(await confirm())) return undefined
    const decided = decide ? await decide(parseCommand('smtp', line)) : action
    if (!decided) {
      reportPassed()
      return undefined
    }
    this.#record.note(`fault: ${name}`)
    reportFired()
    if (decided.delay !== undefined) await pause(decided.delay, signal)
    return decided
  }
}

/** @throws PeerFailure if the signal aborts */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal, ref: false })
  } catch {
    throw attemptStopped()
  }
}

function effectOf({ reply, rawReply, drop, silence, hide, stored }: FaultAction): StepEffect {
  const instead = reply ?? rawReply
  const lines = instead === undefined ? undefined : [instead].flat()
  const isRefusal = /^[45]/.test(lines?.at(-1) ?? '')
  return {
    ...(lines && { instead: lines }),
    ...(drop && { drop }),
    ...(silence && { silence }),
    ...(hide && { hide }),
    ...(stored === undefined ? isRefusal && { stored: false } : { stored }),
  }
}
