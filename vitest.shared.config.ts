import { defineConfig } from 'vitest/config'

/** One lab for four workers: run by test/testing/shared.test.ts. */
export default defineConfig({
  test: {
    include: ['test/testing/shared/*.shared.ts'],
    globalSetup: ['test/testing/shared/setup.ts'],
    maxWorkers: 4,
    testTimeout: 60_000,
  },
})
