import type { Command } from 'commander'
import type { InputOf, ItemOf } from '../../api/operation-types.ts'
import { lineLevels } from '../../core/config/schema/values.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { logStyles, logText } from '../shared/log.ts'
import { positiveNumber } from '../shared/options.ts'
import { print, withPager } from '../shared/output.ts'
import { followEvents } from './follow-events.ts'

interface LogOptions extends ApiOptions, InputOf<'log.list'> {
  readonly follow?: boolean
}

type LogLine = ItemOf<'log.list'>

const DEFAULT_LIMIT = 100

/** Adds `sealpost log`. */
export function addLog(program: Command): void {
  withApi(program.command('log'))
    .option('-f, --follow', 'keep running and print each further line')
    .option('--level <level>', `lowest level of the lines: ${lineLevels.join(', ')}`)
    .option('--query <words>', 'only lines with all of these words')
    .option('--since <time>', 'only lines since this time, such as 2026-11-25T16:40:00Z')
    .option('--limit <number>', `largest number of earlier lines (default: ${DEFAULT_LIMIT})`, positiveNumber)
    .option('--json', 'print JSON lines')
    .action(withPager(log))
}

async function log(options: LogOptions): Promise<void> {
  if (options.follow) return follow(options)
  for (const line of await earlier(options)) show(line, options)
}

/** Shows the earlier lines, and each further one until the lab stops. */
async function follow(options: LogOptions): Promise<void> {
  let last = 0
  const shown = (line: LogLine): void => {
    last = Number(line.id)
    show(line, options)
  }
  const { lineFilter } = await import('../../api/log.ts')
  const isWanted = lineFilter({ level: options.level ?? 'trace', query: options.query ?? '' })
  for await (const { event, data } of followEvents(options, 'log')) {
    if (event === 'connected') for (const line of await earlier(options)) shown(line)
    if (event !== 'log') continue
    const line = data as LogLine
    // Earlier lines that were written after the connection come as events, too.
    if (Number(line.id) > last && isWanted({ ...line, facts: JSON.stringify(line.facts) })) shown(line)
  }
}

/** Returns the lines that exist, the newest last. */
async function earlier(options: LogOptions): Promise<LogLine[]> {
  const { level, query, since, limit = DEFAULT_LIMIT } = options
  const { items } = await callApi(options, 'log.list', { level, query, since, limit })
  return items.reverse()
}

const show = (line: LogLine, { json }: LogOptions): void =>
  json ? print(JSON.stringify(line)) : print(logText(line, process.stdout), logStyles[line.level])
