import type { SessionRecord } from '../../core/sessions/types.ts'
import type { FaultInput, LabFaults } from '../../lab/lab-faults.ts'
import { Call } from '../calls/call.ts'
import { type Settle, type WaitOptions, wait } from '../waits/wait.ts'
import { sessionLines, WaitTimeout } from '../waits/wait-timeout.ts'

/** A fault that happened. */
export interface FaultHit {
  /** 1 for the first time. */
  readonly number: number
  /** The session in which it happened. */
  readonly session: SessionRecord
}

/** A fault that a test added. */
export interface AddedFault extends Disposable {
  /** Removes the fault. @deprecated Call `remove`. Removed in the next minor version. */
  (): void
  /** How often it has happened. */
  readonly hits: number
  /**
   * Resolves when it happens; for the first call, the first time, which may have been before the call; then the second, and
   * so on.
   * @throws WaitTimeout, which lists the sessions; an Error if the fault is removed first; what the fault's function throws
   */
  hit(options?: WaitOptions): Promise<FaultHit>
  /** Removes the fault. It does not happen again. */
  remove(): void
}

/** The faults of a lab, from its configuration and from tests. */
export class TestFaults {
  readonly #faults: LabFaults
  readonly #sessions: () => readonly SessionRecord[]

  constructor(faults: LabFaults, sessions: () => readonly SessionRecord[]) {
    this.#faults = faults
    this.#sessions = sessions
  }

  /** Adds a fault. @throws ConfigError listing every mistake in it */
  add(input: FaultInput): AddedFault {
    const call = new Call('faults.add', TestFaults.prototype.add)
    const hits = new Hits(this.#sessions)
    try {
      const rule = this.#faults.add(input, hits)
      return toAddedFault(hits, rule)
    } catch (error) {
      throw call.at(error as Error)
    }
  }

  /** Removes all faults, including those of the configuration. */
  clear(): Promise<void> {
    return this.#faults.clear()
  }
}

type Rule = ReturnType<LabFaults['add']>

function toAddedFault(hits: Hits, rule: Rule): AddedFault {
  const remove = (): void => rule.remove()
  const added = Object.assign(() => remove(), {
    hit: async (options: WaitOptions = {}): Promise<FaultHit> =>
      hits.next(new Call('fault.hit', added.hit), rule, options),
    remove,
    [Symbol.dispose]: remove,
  })
  return Object.defineProperty(added, 'hits', { get: () => hits.count, enumerable: true }) as unknown as AddedFault
}

/** Hits that nobody waits for and that are kept. */
const MAX_KEPT = 1_000

/** The function of a fault failed. */
interface Failure {
  readonly error: unknown
}

const settle = ({ resolve, reject }: Settle<FaultHit>, event: FaultHit | Failure): void =>
  'error' in event ? reject(event.error) : resolve(event)

/** The times at which a fault happened. */
class Hits {
  count = 0
  readonly #sessions: () => readonly SessionRecord[]
  readonly #unread: (FaultHit | Failure)[] = []
  readonly #readers = new Set<Settle<FaultHit>>()
  #isRemoved = false

  constructor(sessions: () => readonly SessionRecord[]) {
    this.#sessions = sessions
  }

  readonly onFire = (session: SessionRecord): void => {
    this.#add({ number: ++this.count, session })
  }

  readonly onError = (error: unknown): void => this.#add({ error })

  readonly onRemove = (): void => {
    this.#isRemoved = true
    for (const reader of this.#readers) reader.reject(removedError())
  }

  next(call: Call, rule: Rule, options: WaitOptions): Promise<FaultHit> {
    return wait<FaultHit>(call, options, {
      start: ({ resolve, reject }) => {
        const event = this.#unread.shift()
        const reader: Settle<FaultHit> = { resolve, reject: (error) => reject(call.at(error as Error)) }
        if (event) settle({ resolve, reject }, event)
        else if (this.#isRemoved) reader.reject(removedError())
        else this.#readers.add(reader)
        return () => this.#readers.delete(reader)
      },
      timedOut: (timeoutMs) =>
        new WaitTimeout(
          [
            `the fault "${rule.name}" did not happen${this.count > 0 ? ' again' : ''} within ${timeoutMs} ms; ${this.#met(rule.matched)}`,
            ...sessionLines(this.#sessions()),
          ].join('\n'),
        ),
    })
  }

  #add(event: FaultHit | Failure): void {
    const [reader] = this.#readers
    if (reader) {
      this.#readers.delete(reader)
      settle(reader, event)
    } else if (this.#unread.push(event) > MAX_KEPT) this.#unread.shift()
  }

  #met(matched: number): string {
    if (matched === 0) return 'its conditions (`when`) were never met'
    return `its conditions were met ${matched} times and it happened ${this.count} times (\`skip\`, \`times\`)`
  }
}

const removedError = (): Error => new Error('the fault was removed, so it cannot happen any more')
