import { isRegExp } from 'node:util/types'
import { parsePart } from '../config/issues.ts'
import {
  type Fault,
  type FaultAction,
  type FaultActionInput,
  type FaultConditions,
  type FaultInput as FaultData,
  fault,
  scriptedFault,
} from '../config/schema/fault.ts'
import { isOutgoingFault } from '../config/schema/fault-checks.ts'
import type { FaultCommand } from '../net/faults/fault-command.ts'
import {
  type AddedRule,
  type Decide,
  FaultRules,
  nameOf,
  type RuledFault,
  type StrikeWatcher,
} from '../net/faults/fault-rules.ts'
import type { SessionRecord } from '../sessions/types.ts'

/** What the function of a fault decides: a reply of one or several lines, actions, or undefined to let the command pass. */
export type FaultDecision = string | readonly string[] | FaultActionInput | undefined

/** Decides at each command what happens. */
export type FaultFunction = (command: FaultCommand, session: SessionRecord) => FaultDecision | Promise<FaultDecision>

/** A fault whose function decides what happens. `on` is `command` by default. */
export type ScriptedFaultInput = Omit<FaultData, 'do'> & { readonly do: FaultFunction }

/** A fault as an argument of the library: `matching` can also be a RegExp, and `do` a function. */
export type FaultInput = FaultData | ScriptedFaultInput

/** The faults of a lab: those of its configuration, and those that tests add. */
export class LabFaults {
  readonly rules: FaultRules
  #seed: number
  #configured: readonly Fault[]
  /** The rules of the configured faults. */
  #applied: readonly AddedRule[] = []

  constructor(seed: number, configured: readonly Fault[]) {
    this.rules = new FaultRules(seed)
    this.#seed = seed
    this.#configured = configured
    this.reset()
  }

  /**
   * Adds a fault.
   * @param watch called each time it happens, and once it cannot happen any more
   * @throws ConfigError listing every mistake in it
   */
  add(
    input: FaultInput,
    watch: FaultWatch = {},
  ): AddedRule & { readonly name: string; change(input: FaultData): void } {
    const given = plainFault(input)
    const ruled =
      typeof input?.do === 'function'
        ? scripted(parsePart(scriptedFault, given), input.do, watch)
        : parsePart(fault, given)
    const rule = this.rules.add(ruled, watch.onStrike, watch.onRemove)
    return Object.assign(rule, {
      name: nameOf(ruled),
      change: (other: FaultData) => rule.replace(parsePart(fault, plainFault(other))),
    })
  }

  /** Calls `watcher` each time a fault happens. Returns the function that removes the watcher. */
  watch(watcher: StrikeWatcher): () => void {
    return this.rules.watch(watcher)
  }

  /** Removes all faults, including those of the configuration. */
  clear(): void {
    this.rules.clear()
  }

  /** Restores the faults of the configuration, removes all others and resets every count. */
  reset(): void {
    this.rules.clear(this.#seed)
    this.#applied = this.#configured.map((each) => this.rules.add(each))
  }

  /** The faults of the configuration, and how often each has happened. */
  get configured(): readonly { readonly fault: Fault; readonly hits: number }[] {
    return this.#configured.map((each, index) => ({ fault: each, hits: this.#applied[index]?.fired ?? 0 }))
  }

  /** Replaces the faults of the configuration, if they or the seed differ. Those that were added stay. */
  configure(configured: readonly Fault[], seed: number): void {
    if (seed !== this.#seed) this.rules.restart(seed)
    this.#seed = seed
    if (JSON.stringify(configured) === JSON.stringify(this.#configured)) return
    for (const rule of this.#applied) rule.remove()
    this.#configured = configured
    this.#applied = configured.map((each) => this.rules.add(each))
  }
}

/** Returns the rule of a fault whose function decides. Its decisions are checked as the faults of a configuration are. */
function scripted(conditions: FaultConditions, decide: FaultFunction, { onError }: FaultWatch): RuledFault {
  const { name = decide.name || 'a function' } = conditions
  const checked: Decide = async (command, session) => {
    try {
      const decision = await decide(command, session)
      return decision === undefined ? undefined : actionOf(conditions, decision, session)
    } catch (error) {
      onError?.(error)
      throw error
    }
  }
  return { ...conditions, name, do: checked }
}

/** @throws ConfigError if the decision is not possible at this point, or is not a reply of the protocol */
function actionOf({ when }: FaultConditions, decision: FaultDecision, { protocol }: SessionRecord): FaultAction {
  const action = typeof decision === 'string' || Array.isArray(decision) ? { reply: decision } : decision
  const direction = isOutgoingFault(when) ? { direction: 'out' } : {}
  return parsePart(fault, { when: { on: when.on, protocol, ...direction }, do: action }).do
}

/** Called when a fault happens, and once it cannot happen any more. */
export interface FaultWatch {
  readonly onStrike?: (session: SessionRecord) => void
  readonly onRemove?: () => void
  /** Called when its function throws, or decides something that is not possible. */
  readonly onError?: (error: unknown) => void
}

/** Returns a fault as YAML would have it: a regular expression as its source. */
function plainFault(input: FaultInput): unknown {
  const when: unknown = input?.when
  if (typeof when !== 'object' || when === null || !('matching' in when)) return input
  const { matching } = when
  return isRegExp(matching) ? { ...input, when: { ...when, matching: matching.source } } : input
}
