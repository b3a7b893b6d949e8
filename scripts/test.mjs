// Runs the longer forms of the test suite. `npm test` is the short form. scripts/test/files.mjs says which file runs where.
//   node scripts/test.mjs all|long|slow|ci|examples|package|postgres|fuzz|many|leak|crash|cluster|faults|hostile [ARGUMENTS FOR VITEST]
//   node scripts/test.mjs versions [MAJOR …]     the short form on other versions of Node.js, with the tree as it is built
// Environment variables set by the caller win over those below.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LONGEST, SHORT_IN_CI, SLOW } from './test/files.mjs'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const VITEST = 'node_modules/vitest/vitest.mjs'
const VERSIONS = ['20', '22', '24', '26']

const hostile = [
  'test/hostile',
  ...[
    'tls/pki/acme/hostile',
    'core/sessions/secrets',
    'transport/news/hostile-peer',
    'servers/smtp/recipients',
    'servers/nntp/rfc3977-articles',
    'cli/start',
  ].map((name) => `test/${name}.test.ts`),
]

/** Returns whether the text of a test, or of a file of the tests that it imports, has a pattern. */
function mentions(file, pattern, seen = new Set()) {
  if (seen.has(file) || !existsSync(file)) return false
  seen.add(file)
  const text = readFileSync(file, 'utf8')
  if (pattern.test(text)) return true
  const imports = [...text.matchAll(/from '(\.[^']+\.ts)'/g)].map(([, path]) => join(dirname(file), path))
  return imports.some((path) => path.startsWith('test/') && mentions(path, pattern, seen))
}

/** Returns whether a test is left out of `npm test`, or has a longer form. */
const hasLongForm = (file) => /\.interop\.test\.ts$|^test\/clients\//.test(file) || mentions(file, /SEALPOST_LONG/)

const testFiles = () =>
  readdirSync('test', { recursive: true })
    .map((path) => join('test', path))
    .filter((path) => path.endsWith('.test.ts'))

const longFiles = () => testFiles().filter((file) => hasLongForm(file) && !LONGEST.includes(file))
// They wait for other programs more than half of their time.
const LONG_WORKERS = 3 * availableParallelism()

const forms = {
  /** The files of `npm test`, and the slow files. */
  slow: { env: { SEALPOST_SLOW: '1' }, args: [] },
  /**
   * The tests of `npm test` and the slow files, as `.ci/run` runs them: without the files of `long`, and without the slow
   * files that only the weekly form runs.
   */
  get ci() {
    const isWeekly = (file) => SLOW.includes(file) && !SHORT_IN_CI.includes(file)
    const elsewhere = testFiles().filter((file) => (LONGEST.includes(file) ? isWeekly(file) : hasLongForm(file)))
    // Slow files wait more than others, and the image is built beside them.
    const workers = `--maxWorkers=${2 * availableParallelism()}`
    return { env: { SEALPOST_SLOW: 'files' }, args: [...elsewhere.map((file) => `--exclude=${file}`), workers] }
  },
  /** Everything: other programs, the corpus, large counts, long fuzzing. */
  all: { env: { SEALPOST_LONG: '1' }, args: [] },
  /** The tests that `npm test` leaves out or shortens. */
  get long() {
    return { env: { SEALPOST_LONG: '1' }, args: [...longFiles(), `--maxWorkers=${LONG_WORKERS}`] }
  },
  /** The packed tarball, installed by each package manager, and the packages for Linux. Needs the npm registry and curl. */
  package: { env: { SEALPOST_LONG: '1' }, args: ['test/release/package', 'test/release/rehearse', 'test/packaging'] },
  /** The tests of the protocols, with the messages of their labs in PostgreSQL. Needs Debian's package postgresql. */
  postgres: {
    env: { SEALPOST_TEST_STORE: 'postgres', SEALPOST_SLOW: '1' },
    args: [
      'test/servers/imap4',
      'test/servers/pop3',
      'test/servers/nntp',
      'test/servers/smtp',
      '--exclude=**/*.interop.test.ts',
      '--testTimeout=120000',
    ],
  },
  /** Records the examples of the HTTP API again (src/api/openapi/examples.json). */
  examples: { env: { SEALPOST_RECORD_EXAMPLES: '1' }, args: ['test/servers/http/operations.test.ts'] },
  fuzz: { env: { SEALPOST_SLOW: '1', SEALPOST_FUZZ_ROUNDS: '2000' }, args: ['test/fuzz', '--testTimeout=1800000'] },
  many: { env: { SEALPOST_MANY: '500' }, args: ['--config', 'vitest.many.config.ts'] },
  leak: { env: { SEALPOST_LABS: '1000' }, args: ['test/testing/leak.test.ts'] },
  /** Every attack of docs/security.md, with the counts and sizes of real ones. */
  hostile: { env: { SEALPOST_HOSTILE_SCALE: '10', SEALPOST_SLOW: '1' }, args: [...hostile, '--testTimeout=600000'] },
  crash: { env: { SEALPOST_LONG: '1', SEALPOST_CRASH_ROUNDS: '100' }, args: ['test/storage/store/crash.test.ts'] },
  /** Kills one or two of three nodes that share a lab, again and again. */
  cluster: {
    env: { SEALPOST_LONG: '1', SEALPOST_CLUSTER_CRASH_ROUNDS: '1000' },
    args: ['test/storage/cluster/kill.test.ts'],
  },
  faults: {
    env: { SEALPOST_FAULT_ROUNDS: '40', SEALPOST_FULL_ROUNDS: '50' },
    args: ['test/storage/store/faults.test.ts', 'test/storage/store/full-disk.test.ts'],
  },
}

const [name = 'all', ...rest] = process.argv.slice(2)

function run(command, args, env = {}) {
  const options = { stdio: 'inherit', env: { ...env, ...process.env }, shell: process.platform === 'win32' }
  return spawnSync(command, args, options).status ?? 1
}

if (name === 'versions') {
  for (const version of rest.length > 0 ? rest : VERSIONS) {
    console.log(`── Node.js ${version}`)
    const status = run('npx', ['--yes', '--package', `node@${version}`, 'node', VITEST, 'run'], { SEALPOST_SLOW: '1' })
    if (status !== 0) process.exitCode = status
  }
} else if (forms[name]) {
  const { env, args } = forms[name]
  process.exitCode = run(process.execPath, [VITEST, 'run', ...args, ...rest], env)
} else {
  console.error(`test: no form "${name}"; there are ${[...Object.keys(forms), 'versions'].join(', ')}`)
  process.exitCode = 2
}
