import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    expect: { poll: { timeout: 10_000 } },
    // `.ci/run` counts from the report.
    ...(process.env.SEALPOST_CI === '1'
      ? { reporters: ['default', 'json'], outputFile: { json: 'test-report.json' } }
      : {}),
  },
})
