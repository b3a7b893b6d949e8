import type { Logger } from 'pino'
import type { Tables } from './tables.ts'
import { currentFormat, upgradeSteps } from './upgrade-steps.ts'

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
