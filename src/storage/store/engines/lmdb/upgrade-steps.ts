import type { Logger } from 'pino'
import type { Tables } from './tables.ts'

/** A step from one format of the tables to the next. */
export interface UpgradeStep {
  /** A few words for the log: what it adds. */
  readonly name: string
  /**
   * Changes the tables, in as many transactions as it likes: a long one would fill the memory. If it is interrupted, the
   * format stays the old one, and the next start runs the whole step again. So it must not spoil what the step before it
   * left, nor what it has written itself.
   */
  run(tables: Tables): void
}

/** The steps in order; the first one leads from format 1 to 2. Add new ones at the end, and never change a released one. */
export const upgradeSteps: readonly UpgradeStep[] = []

/** Returns the version of the tables in `tables.ts`. An older store is upgraded; a newer one is not opened. */
export const currentFormat = (): number => upgradeSteps.length + 1

/** Upgrades the tables to the current format, one step after the other. */
export function upgrade(tables: Tables, log: Logger): void {
  const found = Number(tables.meta.get('format'))
  for (let format = found; format < currentFormat(); format++) {
    const { name, run } = upgradeSteps[format - 1] as (typeof upgradeSteps)[number]
    log.info({ format, to: format + 1 }, `upgrading the store: ${name}`)
    run(tables)
    tables.env.transactionSync(() => tables.meta.putSync('format', format + 1))
  }
}
