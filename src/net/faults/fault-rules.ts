import type { FaultAction, FaultConditions, FaultPoint } from '../../core/config/schema/fault.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { seededRandom } from '../../core/values/random.ts'
import type { FaultCommand } from './fault-command.ts'
import { conditionsTest, type FaultTarget } from './fault-conditions.ts'
import { LocalCount, NodesCount, type RuleCount } from './rule-count.ts'
import type { SharedCounts } from './shared-counts.ts'

/** Decides what happens at a command. Undefined: nothing. */
export type Decide = (
  command: FaultCommand,
  session: SessionRecord,
) => FaultAction | undefined | Promise<FaultAction | undefined>

/** A fault as its rule keeps it. */
export interface RuledFault extends FaultConditions {
  readonly do: FaultAction | Decide
}

/** A fault to inject now. */
export interface DueFault {
  /** Its name in the record. */
  readonly name: string
  /** The action. For a function, it is set once the function has decided. */
  readonly action: FaultAction
  /** Asks the function. Undefined if the fault has none. */
  readonly decide?: (command: FaultCommand) => ReturnType<Decide>
  /**
   * In a lab of several nodes: counts the fault among all nodes, and returns whether it happens. Undefined if it happens
   * in any case. Call it once, before everything else.
   */
  readonly confirm?: () => Promise<boolean>
  /** Counts it as fired, and tells its watchers. */
  readonly reportFired: () => void
  /** Takes it out of the count: its function let the command pass. */
  readonly reportPassed: () => void
}

/** A rule that was added. */
export interface AddedRule {
  /** How often its conditions were met, also when `skip` or `times` kept it from happening. */
  readonly matched: number
  /** How often it has happened. */
  readonly fired: number
  /** Puts another fault in its place. Its hits are counted from 0 again. @param key the key of its new count */
  replace(fault: RuledFault, key?: string): void
  remove(): void
}

/** A fault with the parts that are made of it. */
interface RuleFault {
  readonly fault: RuledFault
  readonly meets: ReturnType<typeof conditionsTest>
  readonly count: RuleCount
  /** The key of its count, if the nodes of the lab share it. */
  readonly key: string | undefined
}

interface Rule {
  current: RuleFault
  readonly onFire: (session: SessionRecord) => void
  readonly onRemove: () => void
}

/** Called with the name of each fault that happens, and its session. */
export type FaultWatcher = (name: string, session: SessionRecord) => void

/** The listeners and the shared count of a rule. */
interface RuleOptions {
  /** Called each time the fault happens. */
  readonly onFire?: ((session: SessionRecord) => void) | undefined
  /** Called once it cannot happen any more. */
  readonly onRemove?: (() => void) | undefined
  /** The key of its count, which the nodes of a lab share. Default: only this process counts it. */
  readonly key?: string | undefined
}

/** The fault rules of a lab. The same seed and the same clients always produce the same faults. */
export class FaultRules {
  readonly #rules = new Set<Rule>()
  readonly #counts: SharedCounts | undefined
  readonly #connections = new Map<string, number>()
  readonly #watchers = new Set<FaultWatcher>()
  #seed: number
  #random: () => number

  /** @param counts what the nodes of the lab share; undefined in a lab that is one process */
  constructor(seed: number, counts?: SharedCounts) {
    this.#seed = seed
    this.#random = seededRandom(seed)
    this.#counts = counts
  }

  get isEmpty(): boolean {
    return this.#rules.size === 0
  }

  /** Adds a rule. */
  add(fault: RuledFault, { onFire = () => {}, onRemove = () => {}, key }: RuleOptions = {}): AddedRule {
    const rule: Rule = { current: this.#ruleFault(fault, key), onFire, onRemove }
    this.#rules.add(rule)
    return {
      get matched() {
        return rule.current.count.matched
      },
      get fired() {
        return rule.current.count.fired
      },
      replace: (other, otherKey = rule.current.key) => {
        rule.current = this.#ruleFault(other, otherKey)
      },
      remove: () => {
        if (this.#rules.delete(rule)) onRemove()
      },
    }
  }

  #ruleFault(fault: RuledFault, key: string | undefined): RuleFault {
    const isShared = this.#counts !== undefined && key !== undefined
    const count = isShared ? new NodesCount(fault, this.#counts, key) : new LocalCount(fault)
    return { fault, meets: conditionsTest(fault.when), count, key }
  }

  /** Calls `watcher` each time a fault of any rule happens. Returns the function that removes the watcher. */
  watch(watcher: FaultWatcher): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Removes all rules, and restarts the random numbers from a seed. */
  clear(seed = this.#seed): void {
    const removed = [...this.#rules]
    this.#rules.clear()
    for (const { onRemove } of removed) onRemove()
    this.#connections.clear()
    this.restart(seed)
  }

  /** Restarts the random numbers from a seed. */
  restart(seed: number): void {
    this.#seed = seed
    this.#random = seededRandom(seed)
  }

  /** Returns the rules for a connection that was just accepted. */
  open(target: FaultTarget): ConnectionFaults {
    const key = `${target.direction ?? 'in'} ${target.virtualServer}`
    const number = (this.#connections.get(key) ?? 0) + 1
    this.#connections.set(key, number)
    return new ConnectionFaults(this, target, { number, inLab: this.#numberInLab(key) })
  }

  /** Counts a connection among all nodes, if a fault asks for its number. */
  #numberInLab(key: string): Promise<number | undefined> | undefined {
    if (!this.#counts) return undefined
    for (const { current } of this.#rules) {
      const { count, fault } = current
      if (count.isShared && fault.when.connection !== undefined) return this.#counts.next(`connections ${key}`)
    }
    return undefined
  }

  /** Returns random octets of the seeded generator. */
  octets(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => Math.floor(this.#random() * 256)))
  }

  /** Returns the faults to inject now, in the order in which their rules were added. */
  due(
    at: FaultPoint,
    line: string,
    target: FaultTarget,
    connection: ConnectionNumber,
    seen: Map<object, number>,
  ): DueFault[] {
    const due: DueFault[] = []
    for (const rule of this.#rules) {
      const { fault, meets, count } = rule.current
      const { connection: wanted, nth: wantedNth, chance } = fault.when
      if (!meets(at, line, target)) continue
      // Among several nodes, `confirm` compares the number.
      if (wanted !== undefined && !count.isShared && wanted !== connection.number) continue
      const nth = (seen.get(rule) ?? 0) + 1
      seen.set(rule, nth)
      if (wantedNth !== undefined && wantedNth !== nth) continue
      if (chance !== undefined && this.#random() >= chance) continue
      if (count.countMatch()) due.push(this.#dueFault(rule, target, connection))
    }
    return due
  }

  #dueFault({ current, onFire }: Rule, { session }: FaultTarget, connection: ConnectionNumber): DueFault {
    const { fault, count } = current
    const confirm = confirmation(current, connection)
    const { do: what } = fault
    const name = faultName(fault)
    return {
      name,
      ...(typeof what === 'function' ? { action: {}, decide: (command) => what(command, session) } : { action: what }),
      ...(confirm && { confirm }),
      reportFired: () => {
        count.countFired()
        onFire(session)
        for (const watcher of this.#watchers) watcher(name, session)
      },
      reportPassed: () => count.takeBack(),
    }
  }
}

/** Returns `confirm` of a fault; undefined if this process alone decides. */
function confirmation({ fault, count }: RuleFault, { inLab }: ConnectionNumber): (() => Promise<boolean>) | undefined {
  const { connection } = fault.when
  const { isShared, confirm } = count
  if (!isShared || connection === undefined) return confirm
  return async () => (await inLab) === connection && (confirm === undefined || (await confirm()))
}

/** The number of a connection to its virtual server. */
interface ConnectionNumber {
  /** In this process. */
  readonly number: number
  /** Among all nodes of the lab, if a fault asks for it; undefined in it if the database cannot be reached. */
  readonly inLab: Promise<number | undefined> | undefined
}

const NONE: readonly DueFault[] = []

/** The fault rules as applied to one connection. */
export class ConnectionFaults {
  readonly #rules: FaultRules
  readonly #target: FaultTarget
  readonly #number: ConnectionNumber
  #seen: Map<object, number> | undefined
  #carried: ConnectionFaults | undefined

  constructor(rules: FaultRules, target: FaultTarget, number: ConnectionNumber) {
    this.#rules = rules
    this.#target = target
    this.#number = number
  }

  get protocol(): string {
    return this.#target.protocol
  }

  /** Returns the faults to inject now; usually none. */
  due(at: FaultPoint, line = ''): readonly DueFault[] {
    if (this.#rules.isEmpty) return NONE
    this.#seen ??= new Map()
    return this.#rules.due(at, line, this.#target, this.#number, this.#seen)
  }

  /** Returns the faults at calls of JMAP, which the connection carries. Undefined if there are no faults at all. */
  get ofCalls(): ConnectionFaults | undefined {
    if (this.#rules.isEmpty) return undefined
    this.#carried ??= new ConnectionFaults(this.#rules, { ...this.#target, protocol: 'jmap' }, this.#number)
    return this.#carried
  }

  octets(count: number): Buffer {
    return this.#rules.octets(count)
  }

  /** Closes the connection with a TCP reset. RFC 9293 section 3.10.5 */
  reset(): void {
    this.#target.reset()
  }
}

/** Returns the name of a fault in records: its own, or its actions. */
export const faultName = ({ name, do: what }: RuledFault): string =>
  name ?? (typeof what === 'function' ? what.name || 'a function' : describe(what))

const describe = (action: FaultAction): string =>
  Object.entries(action)
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')
