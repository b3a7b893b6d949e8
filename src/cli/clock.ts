import type { Command } from 'commander'
import { type ApiOptions, callApi, withApi } from './api-client.ts'
import { print } from './output.ts'

interface ClockOptions extends ApiOptions {
  readonly json?: boolean
}

interface ClockState {
  readonly now: string
  readonly frozen: boolean
  readonly offsetMs: number
}

/** Adds `sealpost clock`. */
export function addClock(program: Command): void {
  const clock = program.command('clock').description('see and move the clock of the running lab')
  const add = (name: string, description: string): Command =>
    withApi(clock.command(name)).description(description).option('--json', 'print JSON')
  add('show', 'show the time of the lab').action((options: ClockOptions) => run('clock.get', {}, options))
  add('set', 'go to a time')
    .argument('<time>', 'such as 2027-01-31 or 2027-01-31T12:00:00Z')
    .action((time: string, options: ClockOptions) => run('clock.change', { now: timeOf(time) }, options))
  add('advance', 'go forward')
    .argument('<duration>', 'such as 30s, 2h or 40d')
    .action((advance: string, options: ClockOptions) => run('clock.change', { advance }, options))
  add('freeze', 'stop the clock').action((options: ClockOptions) => run('clock.change', { frozen: true }, options))
  add('resume', 'let it run again').action((options: ClockOptions) => run('clock.change', { frozen: false }, options))
  add('reset', 'return to the time of the machine').action((options: ClockOptions) =>
    run('clock.change', { reset: true }, options),
  )
}

/** A date alone is its midnight in UTC. */
const timeOf = (text: string): string => (/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text)

async function run(name: string, input: Record<string, unknown>, options: ClockOptions): Promise<void> {
  const state = (await callApi(options, name, input)) as ClockState
  if (options.json) return print(JSON.stringify(state))
  const notes = [
    ...(state.frozen ? ['stopped'] : []),
    ...(state.offsetMs === 0 ? [] : [`${Math.round(state.offsetMs / 1000)} s from the clock of the machine`]),
  ]
  print(notes.length === 0 ? state.now : `${state.now} (${notes.join(', ')})`)
}
