import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { chart } from './frame/chart.ts'
import { measureRates, type Rate } from './frame/measure.ts'
import { ratiosOf, suitesOf, withTable } from './frame/performance-page.ts'
import { markdown, rateRows, worstShapes } from './frame/report.ts'
import type { BenchOptions, Suite } from './frame/types.ts'

const suites = new URL('suites/', import.meta.url)
const names = readdirSync(suites)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.slice(0, -3))
/** Relative to the folder in which `npm run bench` starts this program. */
const PAGE = 'docs/performance.md'
const CHART = 'docs/images/performance.svg'
/** report: the tables of the page are replaced, and the chart is drawn from all of them. */
type Output = 'text' | 'json' | 'report'
const usage = `usage: npm run bench -- all|${names.join('|')} [--peer NAME] [--only WORDS] [--rounds N] [--seconds N] [--full] [--report] [--json]`

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      peer: { type: 'string' },
      only: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '2' },
      full: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  if (positionals.length === 0 || positionals.some((name) => name !== 'all' && !names.includes(name))) {
    console.error(usage)
    return 2
  }
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)]
  if (!Number.isInteger(rounds) || rounds < 1 || !(seconds > 0 && seconds < Number.POSITIVE_INFINITY)) {
    console.error(`--rounds is a whole number from 1, and --seconds a number above 0\n${usage}`)
    return 2
  }
  const options: BenchOptions = {
    ...(values.peer !== undefined && { peer: values.peer }),
    ...(values.only !== undefined && { only: values.only }),
    full: values.full,
    rounds,
    roundMs: seconds * 1000,
  }
  const wanted = positionals.includes('all') ? suitesOf(readFileSync(PAGE, 'utf8')) : positionals
  const output = values.report ? 'report' : values.json ? 'json' : 'text'
  for (const name of wanted) await runSuite(name, options, output)
  if (values.report) writeFileSync(CHART, chart(ratiosOf(readFileSync(PAGE, 'utf8'))))
  return 0
}

async function runSuite(name: string, options: BenchOptions, output: Output): Promise<void> {
  const { suite } = (await import(new URL(`${name}.js`, suites).href)) as { suite: Suite }
  const say = (line: string): void => console.error(line)
  say(`${suite.title}: ${options.rounds} rounds`)
  // A comparison of two commits needs the same workloads of both, whichever shape costs each of them more.
  const shown = output === 'json' ? (rates: readonly Rate[]) => rates : worstShapes
  const rows =
    suite.kind === 'table' ? await suite.measure(options) : rateRows(shown(await measureRates(suite, options, say)))
  const load = `load ${loadavg()[0]?.toFixed(1)}`
  const cpu = cpus()[0]?.model ?? 'unknown CPU'
  const machine = [cpu, `${cpus().length} cores`, `Node.js ${process.version}`, ...programsOf(suite), load].join(', ')
  if (output === 'json') console.log(JSON.stringify({ suite: name, machine, rows }))
  else if (output === 'text') console.log(`### ${suite.title}\n\n${machine}\n\n${markdown(rows)}\n`)
  else {
    const rounds = `${options.rounds} rounds of ${options.roundMs / 1000} s, on ${new Date().toISOString().slice(0, 10)}`
    changePage((page) => withTable(page, name, `\n${machine}, ${rounds}:\n\n${markdown(rows)}\n`))
  }
}

/** Returns the other programs that take part, with their versions. */
const programsOf = (suite: Suite): string[] =>
  suite.kind === 'table'
    ? [...(suite.program ? [suite.program()] : [])]
    : suite.contenders.flatMap(({ name, version, missing }) =>
        version && missing?.() === undefined ? [`${name} ${version()}`] : [],
      )

function changePage(change: (page: string) => string): void {
  writeFileSync(PAGE, change(readFileSync(PAGE, 'utf8')))
}

process.exitCode = await main()
