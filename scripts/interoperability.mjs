// Runs the tests that drive programs we did not write, and writes docs/interoperability.md. Needs a build (npm run build).
//   node scripts/interoperability.mjs [--only PROGRAM]            --only prints the row of one program and writes no page
//   node scripts/interoperability.mjs --no-run REPORT.json …      from reports of earlier runs; a later one wins
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { pageOf, tableOf } from './interoperability/page.mjs'
import { programs } from './interoperability/programs.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
process.chdir(root)
const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealpost')

const { values, positionals } = parseArgs({
  options: { only: { type: 'string' }, 'no-run': { type: 'string', multiple: true } },
  allowPositionals: true,
})

const all = Object.entries(programs).flatMap(([heading, rows]) =>
  rows.map(([name, version, protocols, tests]) => ({ heading, name, version, protocols, tests })),
)
const chosen = all.filter(({ name }) => values.only === undefined || name.toLowerCase() === values.only.toLowerCase())
if (chosen.length === 0) {
  console.error(`interop: no program "${values.only}"; there are ${all.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

/** Returns the installed version, or undefined. */
function versionOf({ command, file, cached, find }) {
  const text = command ? outputOf(command) : readIfThere(file ?? join(cache, cached))
  return find.exec(text)?.[1]
}

function outputOf([program, ...args]) {
  const { stdout, stderr } = spawnSync(program.replace('{cache}', cache), args, { encoding: 'utf8' })
  return `${stdout ?? ''}${stderr ?? ''}`
}

const readIfThere = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '')

/** Returns what the page says about the run. */
function madeNow() {
  const system = /^PRETTY_NAME="?(.+?)"?$/m.exec(readIfThere('/etc/os-release'))?.[1] ?? process.platform
  const date = new Date().toISOString().slice(0, 10)
  const versions = Object.fromEntries(all.map(({ name, version }) => [name, versionOf(version)]))
  return { date, node: process.versions.node, system, versions }
}

/** Runs the tests of the chosen programs and returns the path of the report. */
function runTests() {
  const report = join(mkdtempSync(join(tmpdir(), 'sealpost-interop-')), 'report.json')
  const files = [...new Set(chosen.flatMap(({ tests }) => Object.keys(tests)))]
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...files, ...reporters], {
    stdio: 'inherit',
    env: { ...process.env, SEALPOST_LONG: '1' },
  })
  if (!existsSync(report)) {
    console.error('interop: vitest wrote no report')
    process.exit(1)
  }
  writeFileSync(report, JSON.stringify({ ...JSON.parse(readFileSync(report, 'utf8')), made: madeNow() }))
  console.log(`interop: the report is ${report}`)
  return report
}

const paths = values['no-run'] ? [...values['no-run'], ...positionals] : [runTests()]
const reports = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')))
/** The tests of each file. A file that failed outside its tests has one failed test more, so that it is not overlooked. */
const byFile = new Map()
for (const { testResults } of reports) {
  for (const { name, status, assertionResults } of testResults) {
    const isBroken = status === 'failed' && assertionResults.every((test) => test.status !== 'failed')
    const broken = { ancestorTitles: [], title: 'failed outside its tests', fullName: '', status: 'failed' }
    byFile.set(relative(root, name), [...assertionResults, ...(isBroken ? [broken] : [])])
  }
}
// A report of vitest alone does not say which programs were there.
const made = reports.findLast((report) => report.made)?.made ?? madeNow()

const rows = chosen.map(({ heading, name, protocols, tests }) => {
  const found = Object.entries(tests).flatMap(([file, expression]) =>
    (byFile.get(file) ?? []).filter(({ fullName }) => fullName === '' || expression.test(fullName)),
  )
  return { heading, name, protocols, version: made.versions[name], tests: found }
})
if (values.only === undefined) {
  const sections = Object.keys(programs).map((heading) => [heading, rows.filter((row) => row.heading === heading)])
  writeFileSync('docs/interoperability.md', pageOf(made, sections))
  console.log('interop: wrote docs/interoperability.md')
} else {
  console.log(tableOf(rows))
}
if (rows.some(({ tests }) => tests.some(({ status }) => status === 'failed'))) process.exitCode = 1
