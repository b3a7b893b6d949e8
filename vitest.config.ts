import { configDefaults, defineConfig } from 'vitest/config'

/** `npm run test:all` sets it: tests that drive other programs run too, and others take their long form. */
const isLong = process.env.SEALPOST_LONG === '1'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: isLong ? configDefaults.exclude : [...configDefaults.exclude, '**/*.interop.test.ts', 'test/clients/**'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    expect: { poll: { timeout: 10_000 } },
  },
})
