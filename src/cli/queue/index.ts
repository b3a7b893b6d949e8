import type { Command } from 'commander'
import { addActions } from './actions.ts'
import { addList, addShow } from './list.ts'

/** Adds `sealpost queue`. */
export function addQueue(program: Command): void {
  const queue = program.command('queue')
  for (const add of [addList, addShow, addActions]) add(queue)
}
