import { isRegExp } from 'node:util/types'
import type { AddedFault } from '../api/lab.ts'
import { parsePart } from '../core/config/issues.ts'
import {
  type Fault,
  type FaultAction,
  type FaultActionInput,
  type FaultConditions,
  type FaultInput as FaultData,
  fault,
  scriptedFault,
} from '../core/config/schema/fault.ts'
import { isOutgoingFault } from '../core/config/schema/fault-checks.ts'
import type { SessionRecord } from '../core/sessions/types.ts'
import type { SharedMap, SharedValues } from '../core/values/shared-values.ts'
import type { FaultCommand } from '../net/faults/fault-command.ts'
import {
  type AddedRule,
  type Decide,
  FaultRules,
  type FaultWatcher,
  faultName,
  type RuledFault,
} from '../net/faults/fault-rules.ts'
import { SharedCounts } from '../net/faults/shared-counts.ts'

/** The decision of a fault's function: a reply of one or several lines, actions, or undefined to let the command pass. */
export type FaultDecision = string | readonly string[] | FaultActionInput | undefined

/** Decides at each command what happens. */
export type FaultFunction = (command: FaultCommand, session: SessionRecord) => FaultDecision | Promise<FaultDecision>

/** A fault whose function decides what happens. `on` is `command` by default. */
export type ScriptedFaultInput = Omit<FaultData, 'do'> & { readonly do: FaultFunction }

/** A fault as an argument of the library: `matching` can also be a RegExp, and `do` a function. */
export type FaultInput = FaultData | ScriptedFaultInput

/** A fault that was added over the API, as all nodes of a lab share it. */
interface KeptFault {
  readonly input: FaultData
  /** Grows with each change. */
  readonly revision: number
  /** The API that added it, if it was not the lab's own. */
  readonly purpose?: string
}

/** The parts of a lab that faults need. */
interface FaultServices {
  /** The first configuration; `configure` applies others. */
  readonly config: { readonly testing: { readonly faults: readonly Fault[]; readonly seed: number } }
  readonly values: SharedValues
  logError(error: unknown, message: string): void
}

/**
 * The faults of a lab: of its configuration, added over the API, and added by tests in this process.
 * The nodes of a lab share the first two with their counts.
 */
export class LabFaults {
  readonly rules: FaultRules
  readonly #counts: SharedCounts | undefined
  readonly #shared: SharedMap<KeptFault>
  readonly #ids: SharedMap<number>
  readonly #services: FaultServices
  /** The rules of the faults that were added over the API, by id. */
  readonly #rulesById = new Map<string, { readonly rule: AddedRule; hits: number }>()
  #seed: number
  #configured: readonly Fault[]
  /** The rules of the configured faults. */
  #applied: readonly AddedRule[] = []

  constructor(services: FaultServices) {
    const {
      config: { testing },
      values,
    } = services
    this.#services = services
    this.#counts = values.isShared ? new SharedCounts(values.map('fault-counts')) : undefined
    this.#shared = values.map('faults')
    this.#ids = values.map('fault-ids')
    this.rules = new FaultRules(testing.seed, this.#counts)
    this.#seed = testing.seed
    this.#configured = testing.faults
    this.resetHere()
    this.#shared.watch(({ key, value }) => this.#follow(key, value))
  }

  /** Returns the faults that were added over the API, the oldest first. */
  shared(): readonly AddedFault[] {
    const all = [...this.#shared.entries()].map(([id, { input, purpose }]) => ({
      id,
      input,
      ...(purpose === undefined ? {} : { purpose }),
      hits: this.#hitsOf(id),
    }))
    return all.sort((one, other) => Number(one.id.slice(1)) - Number(other.id.slice(1)))
  }

  /** Adds a fault on all nodes of the lab. Returns its id. @throws ConfigError listing every mistake in it */
  async share(input: FaultData, purpose?: string): Promise<string> {
    parsePart(fault, plainFault(input))
    const id = `f${await this.#ids.add('last', 1)}`
    await this.#shared.put(id, { input, revision: 0, ...(purpose === undefined ? {} : { purpose }) })
    return id
  }

  /**
   * Puts another fault in the place of one on all nodes. Its hits are counted from 0 again.
   * @throws ConfigError listing every mistake in it; nothing has changed then
   */
  async changeShared(id: string, input: FaultData): Promise<void> {
    parsePart(fault, plainFault(input))
    const before = this.#shared.get(id)
    await this.#shared.put(id, { ...before, input, revision: (before?.revision ?? 0) + 1 })
    if (before) await this.#counts?.delete(countKey(id, before))
  }

  async removeShared(id: string): Promise<void> {
    const before = this.#shared.get(id)
    await this.#shared.delete(id)
    if (before) await this.#counts?.delete(countKey(id, before))
  }

  /**
   * Adds a fault in this process only.
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
        ? scriptedRule(parsePart(scriptedFault, given), input.do, watch)
        : parsePart(fault, given)
    const rule = this.rules.add(ruled, watch)
    return Object.assign(rule, {
      name: faultName(ruled),
      change: (other: FaultData) => rule.replace(parsePart(fault, plainFault(other))),
    })
  }

  /** Calls `watcher` each time a fault happens. Returns the function that removes the watcher. */
  watch(watcher: FaultWatcher): () => void {
    return this.rules.watch(watcher)
  }

  /** Removes all faults. Those of the configuration are removed in this process only. */
  async clear(): Promise<void> {
    this.rules.clear()
    await this.#shared.clear()
  }

  /** Restores the faults of the configuration, removes all others and resets every count, on all nodes. */
  async reset(): Promise<void> {
    await this.#shared.clear()
    await this.#counts?.clear()
    this.resetHere()
  }

  /** Does what `reset` does, except what it has done for all nodes. */
  resetHere(): void {
    this.rules.clear(this.#seed)
    this.#rulesById.clear()
    this.#apply()
    for (const [id, kept] of this.#shared.entries()) this.#follow(id, kept)
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
    this.#apply()
  }

  #hitsOf(id: string): number {
    const known = this.#rulesById.get(id)
    return (this.#counts ? known?.rule.fired : known?.hits) ?? 0
  }

  #apply(): void {
    // Nodes with the same configuration share the count; the number tells two that are the same from each other.
    this.#applied = this.#configured.map((each, index) =>
      this.rules.add(each, { key: `configured ${index} ${JSON.stringify(each)}` }),
    )
  }

  /** Takes up a fault that was added, changed or removed over the API. */
  #follow(id: string, kept: KeptFault | undefined): void {
    const known = this.#rulesById.get(id)
    try {
      if (!kept) {
        known?.rule.remove()
        this.#rulesById.delete(id)
        return
      }
      const parsed = parsePart(fault, plainFault(kept.input))
      const key = countKey(id, kept)
      if (known) {
        known.rule.replace(parsed, key)
        known.hits = 0
        return
      }
      const added = { rule: this.rules.add(parsed, { key, onFire: () => added.hits++ }), hits: 0 }
      this.#rulesById.set(id, added)
    } catch (error) {
      // A newer Sealpost on another node may know more faults.
      this.#services.logError(error, 'a fault of another node cannot be used here')
    }
  }
}

/** Returns the key of the count of a fault. After a change it has another one, so that it begins at 0. */
const countKey = (id: string, { revision }: KeptFault): string => `${id} ${revision}`

/** Returns the rule of a fault whose function decides. Its decisions are checked as the faults of a configuration are. */
function scriptedRule(conditions: FaultConditions, decide: FaultFunction, { onError }: FaultWatch): RuledFault {
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
interface FaultWatch {
  readonly onFire?: (session: SessionRecord) => void
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
