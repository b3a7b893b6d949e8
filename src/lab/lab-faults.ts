import { isRegExp } from 'node:util/types'
import { mistakesOf } from '../config/issues.ts'
import { jsonSchemaOf } from '../config/json-schema.ts'
import { ConfigError, linesInOrder, locateByPath } from '../config/mistakes.ts'
import { type Fault, type FaultInput, fault } from '../config/schema/fault.ts'
import { type AddedRule, FaultRules, nameOf } from '../net/faults/fault-rules.ts'
import type { SessionRecord } from '../sessions/types.ts'

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
   * Adds a fault.
   * @param watch called each time it happens, and once it cannot happen any more
   * @throws ConfigError listing every mistake in it
   */
  add(input: FaultInput, watch: FaultWatch = {}): AddedRule & { readonly name: string } {
    const given = plainFault(input)
    const parsed = fault.safeParse(given)
    if (!parsed.success) {
      const mistakes = mistakesOf(parsed.error.issues, given, jsonSchemaOf(fault))
      throw new ConfigError(linesInOrder(mistakes, locateByPath))
    }
    const rule = this.rules.add(parsed.data, watch.onStrike, watch.onRemove)
    return Object.assign(rule, { name: nameOf(parsed.data) })
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

/** Called when a fault happens, and once it cannot happen any more. */
export interface FaultWatch {
  readonly onStrike?: (session: SessionRecord) => void
  readonly onRemove?: () => void
}

/** Returns a fault as YAML would have it: a regular expression as its source. */
function plainFault(input: FaultInput): unknown {
  const when: unknown = input?.when
  if (typeof when !== 'object' || when === null || !('matching' in when)) return input
  const { matching } = when
  return isRegExp(matching) ? { ...input, when: { ...when, matching: matching.source } } : input
}
