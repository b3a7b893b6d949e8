import type { FaultAction, FaultConditions, FaultPoint } from '../../core/config/schema/fault.ts'
import { isOutgoingFault } from '../../core/config/schema/fault-checks.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { seededRandom } from '../../core/values/random.ts'
import type { FaultCommand } from './fault-command.ts'
import type { SharedCounts } from './shared-counts.ts'

/** The facts about a connection that fault rules test. */
interface FaultTarget {
  readonly protocol: string
  /** For outgoing sessions, the connector. */
  readonly virtualServer: string
  /** `out`: the lab opened the connection. */
  readonly direction?: 'out'
  readonly session: SessionRecord
  /** Closes the connection with a TCP reset. */
  readonly reset: () => void
}

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

interface Rule {
  fault: RuledFault
  /** The key of its count in a lab of several nodes. Undefined: only this process counts it. */
  key: string | undefined
  pattern: RegExp | undefined
  /** How often the conditions were met. */
  matched: number
  /** How often the fault was due. */
  fired: number
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
    const rule: Rule = {
      fault,
      key: this.#counts && key,
      pattern: patternOf(fault),
      matched: 0,
      fired: 0,
      onFire,
      onRemove,
    }
    this.#rules.add(rule)
    const counts = rule.key === undefined ? undefined : this.#counts
    return {
      get matched() {
        return counts ? counts.get(rule.key ?? '') : rule.matched
      },
      get fired() {
        return counts ? firedOf(rule.fault, counts.get(rule.key ?? '')) : rule.fired
      },
      replace: (other, key = rule.key) =>
        Object.assign(rule, { fault: other, key, pattern: patternOf(other), matched: 0, fired: 0 }),
      remove: () => {
        if (this.#rules.delete(rule)) onRemove()
      },
    }
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
    for (const { key: counted, fault } of this.#rules) {
      if (counted !== undefined && fault.when.connection !== undefined) return this.#counts.next(`connections ${key}`)
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
      if (!this.#matches(rule, at, line, target, connection)) continue
      const nth = (seen.get(rule) ?? 0) + 1
      seen.set(rule, nth)
      if (this.#fires(rule, nth)) due.push(this.#dueFault(rule, target, connection))
    }
    return due
  }

  #dueFault(rule: Rule, { session }: FaultTarget, connection: ConnectionNumber): DueFault {
    const { fault, onFire } = rule
    const confirm = this.#confirmationOf(rule, connection)
    const { do: what } = fault
    const name = nameOf(fault)
    return {
      name,
      ...(typeof what === 'function' ? { action: {}, decide: (command) => what(command, session) } : { action: what }),
      ...(confirm && { confirm }),
      reportFired: () => {
        if (rule.key !== undefined && !isCounted(fault)) this.#counts?.addLater(rule.key)
        onFire(session)
        for (const watcher of this.#watchers) watcher(name, session)
      },
      reportPassed: () => rule.fired--,
    }
  }

  /** Returns `confirm` of a fault; undefined if this process alone decides. */
  #confirmationOf({ fault, key }: Rule, { inLab }: ConnectionNumber): (() => Promise<boolean>) | undefined {
    const { skip, times, when } = fault
    const counts = this.#counts
    if (!counts || key === undefined || (when.connection === undefined && !isCounted(fault))) return undefined
    return async () => {
      if (when.connection !== undefined && (await inLab) !== when.connection) return false
      if (!isCounted(fault)) return true
      const count = await counts.next(key)
      return count !== undefined && count > skip && (times === 'always' || count <= skip + times)
    }
  }

  #matches(
    { fault, pattern, key }: Rule,
    at: FaultPoint,
    line: string,
    target: FaultTarget,
    connection: ConnectionNumber,
  ): boolean {
    const { on, protocol, virtualServer, connector, verb, method, user, tls, connection: wanted } = fault.when
    return (
      on === at &&
      isOutgoingFault(fault.when) === (target.direction === 'out') &&
      (connector === undefined || connector === target.virtualServer) &&
      // A fault for every protocol must not keep the test from the API that removes it.
      (protocol === undefined
        ? target.protocol !== 'jmap' && (virtualServer !== undefined || target.protocol !== 'http')
        : protocol === target.protocol) &&
      (virtualServer === undefined || virtualServer === target.virtualServer) &&
      (wanted === undefined || key !== undefined || wanted === connection.number) &&
      (user === undefined || user === target.session.user) &&
      (tls === undefined || tls === (target.session.tls !== undefined)) &&
      (verb === undefined || isVerb(verb, verbOf(target.protocol, line))) &&
      (method === undefined || line.startsWith(`${method} `)) &&
      (pattern === undefined || pattern.test(line))
    )
  }

  #fires(rule: Rule, nth: number): boolean {
    const { when, skip, times } = rule.fault
    if (when.nth !== undefined && when.nth !== nth) return false
    if (when.chance !== undefined && this.#random() >= when.chance) return false
    // Among several nodes `confirm` decides, unless all `times` are used up.
    if (rule.key !== undefined) return times === 'always' || (this.#counts?.get(rule.key) ?? 0) < skip + times
    rule.matched++
    if (rule.matched <= skip || (times !== 'always' && rule.fired >= times)) return false
    rule.fired++
    return true
  }
}

/** Whether a fault must know how often it was due before. */
const isCounted = ({ skip, times }: RuledFault): boolean => skip > 0 || times !== 'always'

/** Returns how often a fault has happened whose count is this. */
const firedOf = ({ skip, times }: RuledFault, count: number): number =>
  Math.max(0, Math.min(count - skip, times === 'always' ? Number.POSITIVE_INFINITY : times))

/** The number of a connection to its virtual server. */
interface ConnectionNumber {
  /** In this process. */
  readonly number: number
  /** Among all nodes of the lab, if a fault asks for it; undefined in it if the database cannot be reached. */
  readonly inLab: Promise<number | undefined> | undefined
}

const patternOf = ({ when: { matching } }: RuledFault): RegExp | undefined =>
  matching === undefined ? undefined : new RegExp(matching, 'i')

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
export const nameOf = ({ name, do: what }: RuledFault): string =>
  name ?? (typeof what === 'function' ? what.name || 'a function' : describe(what))

const describe = (action: FaultAction): string =>
  Object.entries(action)
    .map(([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ')

/** Returns the command of a client's line in upper case: `RCPT`, `UID FETCH`, `AUTHINFO PASS`. */
function verbOf(protocol: string, line: string): string {
  const words = line.trim().toUpperCase().split(/\s+/)
  const command = protocol === 'imap4' ? words.slice(1) : words
  return command.slice(0, 2).join(' ')
}

/** Returns whether a rule's verb matches a command: `UID FETCH` exactly, `AUTHINFO` with any argument. */
function isVerb(wanted: string, verb: string): boolean {
  const upper = wanted.toUpperCase()
  return verb === upper || verb.startsWith(`${upper} `)
}
