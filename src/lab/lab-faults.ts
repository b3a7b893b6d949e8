import { mistakesOf } from '../config/issues.ts'
import { ConfigError, linesInOrder, locateByPath } from '../config/mistakes.ts'
import { type Fault, type FaultInput, fault } from '../config/schema/fault.ts'
import { FaultRules } from '../net/faults/fault-rules.ts'

/** The faults of a lab: those of its configuration, and those that tests add. */
export class LabFaults {
  readonly rules: FaultRules
  #configured: readonly Fault[]

  constructor(seed: number, configured: readonly Fault[]) {
    this.rules = new FaultRules(seed)
    this.#configured = configured
    this.reset()
  }

  /**
   * Adds a fault. Returns a function that removes it.
   * @throws ConfigError listing every mistake in it
   */
  add(input: FaultInput): () => void {
    const { when = {}, ...rest } = input
    const { matching, ...conditions } = when
    const pattern = matching instanceof RegExp ? matching.source : matching
    const parsed = fault.safeParse({
      ...rest,
      when: pattern === undefined ? conditions : { ...conditions, matching: pattern },
    })
    if (parsed.success) return this.rules.add(parsed.data)
    throw new ConfigError(linesInOrder(mistakesOf(parsed.error.issues, input), locateByPath))
  }

  /** Removes all faults, including those of the configuration. */
  clear(): void {
    this.rules.clear()
  }

  /** Restores the faults of the configuration, removes all others and resets every count. @param seed default: the last one */
  reset(configured: readonly Fault[] = this.#configured, seed?: number): void {
    this.#configured = configured
    this.rules.clear(seed)
    for (const each of configured) this.rules.add(each)
  }
}
