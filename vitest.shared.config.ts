import { defineConfig } from 'vitest/config'

/** Runs one lab for four workers. test/testing/shared.test.ts starts it. */
export default defineConfig({
  test: {
    include: ['test/testing/shared/*.shared.ts'],
    globalSetup: ['test/testing/shared/setup.ts'],
    maxWorkers: 4,
    testTimeout: 60_000,
  },
})
