import { defineConfig } from 'vitest/config'

/** Runs the suites of examples/ against the sources, under the names that they import. */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^sealpost\/vitest$/, replacement: new URL('src/testing/runners/vitest.ts', import.meta.url).pathname },
      { find: /^sealpost$/, replacement: new URL('src/testing/index.ts', import.meta.url).pathname },
    ],
  },
  test: { include: ['examples/*.test.ts'], testTimeout: 60_000 },
})
