// Compares the speed of two commits on this machine: node scripts/bench-check.mjs BASE [HEAD] [--suite NAME] [--only WORDS]
// [--pairs N] [--seconds N] [--tolerance PERCENT]. HEAD is by default the files of this checkout. Both servers are measured
// by the driver of this checkout, in turns, and compared pair by pair, so that other load on the machine matters little.
// Exits with 1 if HEAD needs more CPU time for a workload, beyond the tolerance and beyond what chance explains.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    suite: { type: 'string', default: 'smtp' },
    only: { type: 'string', default: '' },
    pairs: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '2' },
    tolerance: { type: 'string', default: '3' },
  },
})
const [base, head] = positionals
if (base === undefined) {
  console.error(
    'usage: npm run bench:check -- BASE [HEAD] [--suite NAME] [--only WORDS] [--pairs N] [--seconds N] [--tolerance PERCENT]',
  )
  process.exit(2)
}

/** With more pairs than this, the test would count too many sums. */
const MAX_PAIRS = 20
/** Chance of a false alarm over all workloads. */
const SIGNIFICANCE = 0.05
const place = mkdtempSync(join(tmpdir(), 'sealpost-check-'))
const pairs = Math.min(Number(values.pairs), MAX_PAIRS)
const tolerance = Number(values.tolerance) / 100

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    ...options,
  })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

/** Compiles a commit with the benchmarks of this checkout. Returns the folder. */
function compiled(name, commit) {
  const folder = join(place, name)
  if (commit === undefined) {
    for (const each of ['src', 'servers', 'test/support', 'test/checks/verify', 'package.json', 'tsconfig.json'])
      cpSync(join(root, each), join(folder, each), { recursive: true })
  } else run('git', ['worktree', 'add', '--detach', folder, commit], { cwd: root })
  rmSync(join(folder, 'test/bench'), { recursive: true, force: true })
  for (const each of ['test/bench', 'tsconfig.bench.json'])
    cpSync(join(root, each), join(folder, each), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const { stdout } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.bench.json'], {
    cwd: folder,
    encoding: 'utf8',
  })
  // The benchmarks of this checkout may use what an older commit lacks. Only what a suite needs must run.
  if (stdout) console.error(`${name}: ${stdout.split('\n')[0]}`)
  const tokenizer = 'src/mail/format/html-tokenizer.cjs'
  cpSync(join(folder, tokenizer), join(folder, 'dist-bench', tokenizer))
  return folder
}

/** Measures one round. Returns the units per CPU second of each workload. */
function measure(folder) {
  const args = ['dist-bench/test/bench/run.js', values.suite, '--peer', 'none', '--rounds', '1', '--json']
  const only = values.only === '' ? [] : ['--only', values.only]
  const { rows } = JSON.parse(run(process.execPath, [...args, '--seconds', values.seconds, ...only], { cwd: folder }))
  return new Map(
    rows
      .filter(({ workload }) => workload)
      .map((row) => [row.workload, Number(row['per CPU second'].replaceAll(',', ''))]),
  )
}

/**
 * Returns the chance of differences whose sum is at most this low if both commits are equally fast: then each difference
 * could have had the other sign (exact permutation test for pairs).
 */
function chance(differences) {
  const sum = differences.reduce((total, each) => total + each, 0)
  let asLow = 0
  const count = 2 ** differences.length
  for (let signs = 0; signs < count; signs++) {
    let other = 0
    for (const [i, each] of differences.entries()) other += (signs >> i) & 1 ? Math.abs(each) : -Math.abs(each)
    if (other <= sum + 1e-12) asLow++
  }
  return asLow / count
}

const median = (list) => {
  const sorted = list.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
const percent = (logarithm) => `${((Math.exp(logarithm) - 1) * 100).toFixed(1)} %`

let slower = 0
try {
  const folders = { base: compiled('base', base), head: compiled('head', head) }
  for (const folder of Object.values(folders)) measure(folder) // warms up the caches of the system
  const found = new Map()
  for (let pair = 0; pair < pairs; pair++) {
    const result = {}
    for (const side of pair % 2 ? ['head', 'base'] : ['base', 'head']) result[side] = measure(folders[side])
    for (const [workload, before] of result.base) {
      const after = result.head.get(workload)
      if (after > 0 && before > 0) found.set(workload, [...(found.get(workload) ?? []), Math.log(after / before)])
    }
    console.error(`pair ${pair + 1} of ${pairs}`)
  }
  for (const [workload, differences] of found) {
    // The tolerance is a slowdown that does not matter: the test asks for more than that.
    const p = chance(differences.map((each) => each + Math.log(1 + tolerance)))
    const isSlower = p < SIGNIFICANCE / found.size
    if (isSlower) slower++
    const spread = `${percent(Math.min(...differences))} to ${percent(Math.max(...differences))}`
    console.log(
      `${isSlower ? 'SLOWER' : 'ok    '} ${workload}: ${percent(median(differences))} per CPU second (${spread}), p = ${p.toPrecision(2)}`,
    )
  }
  const least = Math.ceil(Math.log2(found.size / SIGNIFICANCE))
  if (pairs < least) console.log(`${pairs} pairs show nothing about ${found.size} workloads: ${least} are needed`)
  if (found.size === 0) throw new Error(`the suite ${values.suite} has no workloads with rates`)
} finally {
  rmSync(place, { recursive: true, force: true })
  spawnSync('git', ['worktree', 'prune'], { cwd: root })
}
process.exit(slower > 0 ? 1 : 0)
