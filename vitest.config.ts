import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'
import { OTHER_PROGRAMS, SLOW, WAITING } from './scripts/test/files.mjs'
import { longestFirst } from './test/support/run/longest-first.ts'

/** `npm run test:all` sets it: tests that drive other programs and slow ones run too, and others take their long form. */
const isLong = process.env.SEALPOST_LONG === '1'
/** `npm run test:slow` sets it to 1. `.ci/run` sets it to files: the slow files run too, and the tests of the others stay short. */
const isSlow = isLong || ['1', 'files'].includes(process.env.SEALPOST_SLOW ?? '')
// test/support/thorough.ts reads it
if (isLong) process.env.SEALPOST_SLOW = '1'
/** Returns whether the command line names a file, with or without its ending. */
const isNamed = (file: string): boolean => process.argv.some((word) => file === word || file === `${word}.test.ts`)
/** vitest does not apply --exclude to projects. */
const excluded = process.argv.flatMap((word) => /^--exclude=(.+)/.exec(word)?.[1] ?? [])
const leftOut = [
  ...[...(isLong ? [] : OTHER_PROGRAMS), ...(isSlow ? [] : SLOW)].filter((file) => !isNamed(file)),
  ...excluded,
]

/** Tests that need a process of their own: they look at its garbage and open handles, or mock a module. */
const isolated = [
  'test/lab/collected.test.ts',
  'test/testing/leak.test.ts',
  'test/accounts/directory/scram-names.test.ts',
  'test/net/idle-timer.test.ts',
  'test/net/transport.test.ts',
  'test/servers/http/rights.test.ts',
  'test/servers/http/statistics.test.ts',
]

const common = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  teardownTimeout: 10_000,
  // The processes share few cores: threads that collect garbage beside each of them take more time than they save. With
  // 16 megabytes for new objects from the beginning, less garbage is collected.
  // The last is what V8 does in a lab that has run for long: see old-process.mjs beside the hostile tests.
  execArgv: ['--single-threaded-gc', '--min-semi-space-size=16', '--no-regexp-optimization'],
  expect: { poll: { timeout: 30_000 } },
  globalSetup: ['test/support/run/run-folder.ts'],
  setupFiles: ['test/support/run/cpu-time.ts', 'test/support/run/rsa-keys.ts', 'test/support/run/equal-octets.ts'],
  // Compiled once, also for the next run.
  experimental: { fsModuleCache: true },
}

export default defineConfig({
  test: {
    // Tests often wait for programs and timers, so there is work for more processes than cores; each loads all modules. Not
    // among what the projects have in common, or it would win over --maxWorkers.
    maxWorkers: Math.ceil(1.5 * availableParallelism()),
    // --sequence.shuffle needs the sequencer of vitest.
    ...(process.argv.some((word) => word.startsWith('--sequence'))
      ? {}
      : { sequence: { sequencer: longestFirst(WAITING) } }),
    reporters: ['default', './test/support/run/slowest-files.ts'],
    projects: [
      {
        test: {
          ...common,
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...leftOut, ...isolated],
          // Loading the modules once per worker instead of once per file halves the time.
          isolate: false,
        },
      },
      {
        test: {
          ...common,
          name: 'isolated',
          include: isolated,
          exclude: [...configDefaults.exclude, ...leftOut],
        },
      },
    ],
  },
})
