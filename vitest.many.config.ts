import { defineConfig } from 'vitest/config'

/** Runs many labs in four workers: `npm run test:many`. test/testing/many.test.ts runs a short form. */
export default defineConfig({
  test: { include: ['test/testing/many/*.many.ts'], maxWorkers: 4, fileParallelism: true, testTimeout: 60_000 },
})
