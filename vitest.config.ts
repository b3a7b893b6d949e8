import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'
import { OTHER_PROGRAMS, SLOW } from './scripts/test/files.mjs'

/** `npm run test:all` sets it: tests that drive other programs and slow ones run too, and others take their long form. */
const isLong = process.env.SEALPOST_LONG === '1'
const isSlow = isLong || process.env.SEALPOST_SLOW === '1'
/** Returns whether the command line names a file, with or without its ending. */
const isNamed = (file: string): boolean => process.argv.some((word) => file === word || file === `${word}.test.ts`)
const leftOut = [...(isLong ? [] : OTHER_PROGRAMS), ...(isSlow ? [] : SLOW)].filter((file) => !isNamed(file))

/** Tests that need a process of their own: they look at its garbage and open handles, or mock a module. */
const isolated = [
  'test/lab/collected.test.ts',
  'test/testing/leak.test.ts',
  'test/accounts/directory/scram-names.test.ts',
]

export default defineConfig({
  test: {
    // Tests often wait for programs and timers, so there is work for more processes than cores.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 10_000,
    expect: { poll: { timeout: 30_000 } },
    globalSetup: ['test/support/run/key-folder.ts'],
    setupFiles: ['test/support/run/rsa-keys.ts'],
    reporters: ['default', './test/support/run/slowest-files.ts'],
    // Compiled once, also for the next run.
    experimental: { fsModuleCache: true },
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...leftOut, ...isolated],
          // Loading the modules once per worker instead of once per file halves the time.
          isolate: false,
        },
      },
      {
        extends: true,
        test: { name: 'isolated', include: isolated, exclude: [...configDefaults.exclude, ...leftOut] },
      },
    ],
  },
})
