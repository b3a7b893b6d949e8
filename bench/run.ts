import { readdirSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { measureRates } from './frame/measure.ts'
import { markdown, rateRows, worstShapes } from './frame/report.ts'
import type { BenchOptions, Suite } from './frame/types.ts'

const suites = new URL('suites/', import.meta.url)
const names = readdirSync(suites)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -3))
const usage = `usage: npm run bench -- ${names.join('|')} [--peer NAME] [--only WORDS] [--rounds N] [--seconds N] [--json]`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      peer: { type: 'string' },
      only: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
    },
  })
  if (positionals.length === 0 || positionals.some((name) => !names.includes(name))) {
    console.error(usage)
    return 2
  }
  const options: BenchOptions = {
    ...(values.peer !== undefined && { peer: values.peer }),
    ...(values.only !== undefined && { only: values.only }),
    rounds: Number(values.rounds),
    roundMs: Number(values.seconds) * 1000,
  }
  for (const name of positionals) await runSuite(name, options, values.json)
  return 0
}

async function runSuite(name: string, options: BenchOptions, json: boolean): Promise<void> {
  const { suite } = (await import(new URL(`${name}.js`, suites).href)) as { suite: Suite }
  const say = (line: string): void => console.error(line)
  say(`${suite.title}: ${options.rounds} rounds`)
  const rows =
    suite.kind === 'table'
      ? await suite.measure(options)
      : rateRows(worstShapes(await measureRates(suite, options, say)))
  const programs = [`Node.js ${process.version}`, ...(suite.kind === 'table' && suite.program ? [suite.program()] : [])]
  const load = `load ${loadavg()[0]?.toFixed(1)}`
  const machine = [cpus()[0]?.model ?? 'unknown CPU', `${cpus().length} cores`, ...programs, load].join(', ')
  if (json) console.log(JSON.stringify({ suite: name, machine, rows }))
  else console.log(`### ${suite.title}\n\n${machine}\n\n${markdown(rows)}\n`)
}

process.exitCode = await main()
