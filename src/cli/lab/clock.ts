import type { Command } from 'commander'
import type { InputOf } from '../../api/operation-types.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { UsageError } from '../shared/failure.ts'
import { print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

/** Adds `sealpost clock`. */
export function addClock(program: Command): void {
  const clock = program.command('clock')
  const add = (name: string, description: string): Command =>
    withApi(clock.command(name)).description(description).addOption(sharedOptions.json)
  add('show', 'show the time of the lab').action((options: ApiOptions) => show(undefined, options))
  add('set', 'set the clock to a time')
    .argument('<time>', 'such as 2027-01-31 or 2027-01-31T12:00:00Z')
    .action(async (time: string, options: ApiOptions) => show({ now: await momentOf(time) }, options))
  add('advance', 'move the clock forward')
    .argument('<duration>', 'such as 30s, 2h or 40d')
    .action((advance: string, options: ApiOptions) => show({ advance }, options))
  add('freeze', 'stop the clock').action((options: ApiOptions) => show({ frozen: true }, options))
  add('resume', 'let a stopped clock run again').action((options: ApiOptions) => show({ frozen: false }, options))
  add('reset', 'set the clock back to the time of the machine').action((options: ApiOptions) =>
    show({ reset: true }, options),
  )
}

/** Returns a time as RFC 3339 has it; a date alone is its midnight in UTC. @throws UsageError if there is no such time */
async function momentOf(text: string): Promise<string> {
  const { parseSearchDate } = await import('../../api/messages/search-date.ts')
  const time = parseSearchDate(text, 'UTC')
  if (time !== undefined) return new Date(time).toISOString()
  throw new UsageError(
    `<time>: is "${text}"; write a date or a time that exists, such as 2027-01-31 or 2027-01-31T12:00:00Z`,
  )
}

/** Changes the clock, if there is a change, and shows it. */
async function show(change: InputOf<'clock.change'> | undefined, options: ApiOptions): Promise<void> {
  const state = await (change ? callApi(options, 'clock.change', change) : callApi(options, 'clock.get', {}))
  if (options.json) return print(JSON.stringify(state))
  const notes = [...(state.frozen ? ['stopped'] : []), ...(state.offsetMs === 0 ? [] : [offsetText(state.offsetMs)])]
  print(notes.length === 0 ? state.now : `${state.now} (${notes.join(', ')})`)
}

/** Describes how far the clock is from the clock of the machine: `3456000 s ahead of the machine`. */
const offsetText = (offsetMs: number): string =>
  `${Math.round(Math.abs(offsetMs) / 1000)} s ${offsetMs > 0 ? 'ahead of' : 'behind'} the machine`
