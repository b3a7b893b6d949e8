import type { Command } from 'commander'
import { addRemove, addSet } from './change.ts'
import { addHistory, addUndo } from './history.ts'
import { addMigrate } from './migrate.ts'
import { addDiff, addShow } from './show.ts'

/** Adds `sealpost config`. */
export function addConfig(program: Command): void {
  const config = program.command('config')
  for (const add of [addShow, addSet, addRemove, addDiff, addHistory, addUndo, addMigrate]) add(config)
}
