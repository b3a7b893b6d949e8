// Checks the packed package: publint and attw judge its entry points, and the examples of examples/runners/ run in every
// runner and version of Node.js. It needs the npm registry, and dist/ must be built.
//   node scripts/runners.mjs [--short] [--node 20,22] [NAME …]
//   --short   the newest runners, on this version of Node.js
//   NAME      the beginning of a row's name, such as `jest` or `"vitest 4"`
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { judges, rows } from './runners/rows.mjs'

const repository = fileURLToPath(new URL('..', import.meta.url))
const NODES = ['20', '22', '24', '26']
const LIMIT_MS = 600_000
const { values, positionals } = parseArgs({
  options: { short: { type: 'boolean' }, node: { type: 'string' } },
  allowPositionals: true,
})
const nodes = values.node?.split(',') ?? (values.short ? [process.versions.node] : NODES)
const isNamed = ({ name }) =>
  positionals.length === 0 || positionals.some((start) => name.toLowerCase().startsWith(start.toLowerCase()))
const chosen = rows.filter((row) => (!values.short || row.isShort) && isNamed(row))
/** Variables of a runner around this one would change what the runners do. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(VITEST|JEST|NODE_OPTIONS|NODE_TEST|NODE_ENV|npm_|SEALPOST|CI$)/.test(name),
  ),
)
const folder = mkdtempSync(join(tmpdir(), 'sealpost-runners-'))

function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    timeout: LIMIT_MS,
    shell: process.platform === 'win32',
  })
  return { isDone: status === 0, output: `${stdout}${stderr}${error ? `${error.message}\n` : ''}`, stdout }
}

/** Returns what a command prints. @throws with its output if it fails */
function resultOf(command, args, cwd = folder) {
  const { isDone, stdout, output } = run(command, args, cwd)
  if (!isDone) throw new Error(`${command} ${args.join(' ')}\n${output}`)
  return stdout.trim()
}

const binaries = new Map()
/** Returns the path of a version of Node.js, which npx downloads if it is not this one. */
function nodeBinary(version) {
  if (version === process.versions.node) return process.execPath
  const args = ['--yes', '--package', `node@${version}`, 'node', '-p', 'process.execPath']
  if (!binaries.has(version)) binaries.set(version, resultOf('npx', args))
  return binaries.get(version)
}

const isAtLeast = (version, [major, minor]) => {
  const [has, hasMinor = Number.POSITIVE_INFINITY] = version.split('.').map(Number)
  return has > major || (has === major && hasMinor >= minor)
}

function runRow({ name, project, from = 'examples/runners', packages, args, isOnce, minNode = [0, 0] }, tarball) {
  const home = join(folder, name.replaceAll(/\W+/g, '-'))
  cpSync(join(repository, from, project), home, { recursive: true })
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline']
  resultOf('npm', [...install, tarball, 'nodemailer', ...packages], home)
  for (const version of isOnce ? nodes.slice(0, 1) : nodes) {
    if (!isAtLeast(version, minNode)) continue
    const { isDone, output } = run(nodeBinary(version), args, home)
    report(`${name}, Node.js ${version}`, isDone, output)
  }
  rmSync(home, { recursive: true, force: true })
}

const counts = { passed: 0, failed: 0 }
function report(name, isDone, output) {
  counts[isDone ? 'passed' : 'failed'] += 1
  console.log(`${isDone ? 'ok' : 'FAILED'}: ${name}${isDone ? '' : `\n${output}`}`)
}

try {
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]
  const [{ filename }] = JSON.parse(resultOf('npm', pack, repository))
  for (const { name, args } of judges.filter(isNamed)) {
    const { isDone, output } = run('npx', ['--yes', ...args, join(folder, filename)], folder)
    report(name, isDone, output)
  }
  for (const row of chosen) {
    try {
      runRow(row, join(folder, filename))
    } catch (error) {
      report(row.name, false, error.message)
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${counts.passed} passed, ${counts.failed} failed`)
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1
