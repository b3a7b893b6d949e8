import { defineConfig } from 'vitest/config'

/** Runs the tests that SEALPOST_MUTATION_TESTS selects (a glob), for `stryker.config.mjs`. */
export default defineConfig({
  test: {
    include: [
      process.env.SEALPOST_MUTATION_TESTS ??
        'test/{transport/delivery,mail/format,servers/smtp,storage/store,servers/pop3}/*.test.ts',
    ],
    exclude: ['**/*.interop.test.ts', 'test/clients/**'],
    testTimeout: 60_000,
  },
})
