import { defineConfig } from 'vitest/config'

/** Many labs in four workers at a time: `npm run test:many`, and in short by test/testing/many.test.ts. */
export default defineConfig({
  test: { include: ['test/testing/many/*.many.ts'], maxWorkers: 4, fileParallelism: true, testTimeout: 60_000 },
})
