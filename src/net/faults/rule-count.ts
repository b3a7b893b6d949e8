import type { FaultConditions } from '../../core/config/schema/fault.ts'
import type { SharedCounts } from './shared-counts.ts'

type Limits = Pick<FaultConditions, 'skip' | 'times'>

/** Counts how often the conditions of a rule are met, so that `skip` and `times` decide whether its fault happens. */
export interface RuleCount {
  /** How often the conditions were met. */
  readonly matched: number
  /** How often the fault has happened. */
  readonly fired: number
  /** Whether the count is that of all nodes of a lab. */
  readonly isShared: boolean
  /** Counts that the conditions are met. Returns whether the fault is due. */
  countMatch(): boolean
  /** Decides again whether a due fault happens, among all nodes. Undefined if `countMatch` has decided. */
  readonly confirm: (() => Promise<boolean>) | undefined
  /** Counts a fault that happens. */
  countFired(): void
  /** Takes a fault out of the count that was due and did not happen. */
  takeBack(): void
}

/** The count of a rule that only this process knows. */
export class LocalCount implements RuleCount {
  readonly isShared = false
  readonly confirm = undefined
  readonly #limits: Limits
  matched = 0
  fired = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  countMatch(): boolean {
    this.matched++
    const isDue = this.matched > this.#limits.skip && this.fired < maximum(this.#limits)
    if (isDue) this.fired++
    return isDue
  }

  countFired(): void {}

  takeBack(): void {
    this.fired--
  }
}

/** The count of a rule among all nodes of a lab. */
export class NodesCount implements RuleCount {
  readonly isShared = true
  readonly #limits: Limits
  readonly #counts: SharedCounts
  readonly #key: string

  constructor(limits: Limits, counts: SharedCounts, key: string) {
    this.#limits = limits
    this.#counts = counts
    this.#key = key
  }

  get matched(): number {
    return this.#counts.get(this.#key)
  }

  get fired(): number {
    return Math.max(0, Math.min(this.matched - this.#limits.skip, maximum(this.#limits)))
  }

  /** Leaves the decision to `confirm`, unless all `times` are used up. */
  countMatch(): boolean {
    return this.matched < this.#limits.skip + maximum(this.#limits)
  }

  get confirm(): (() => Promise<boolean>) | undefined {
    const { skip, times } = this.#limits
    if (skip === 0 && times === 'always') return undefined
    return async () => {
      const count = await this.#counts.next(this.#key)
      return count !== undefined && count > skip && count <= skip + maximum(this.#limits)
    }
  }

  countFired(): void {
    if (!this.confirm) this.#counts.addLater(this.#key)
  }

  takeBack(): void {}
}

const maximum = ({ times }: Limits): number => (times === 'always' ? Number.POSITIVE_INFINITY : times)
