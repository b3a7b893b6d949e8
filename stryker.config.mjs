// Mutation tests: which changes of the code does no test notice? docs/mutation-testing.md says how to run them.
/** @type {import('@stryker-mutator/api/core').PartialStrykerOptions} */
export default {
  // The folders that docs/mutation-testing.md lists with their tests. `--mutate` selects one of them, or a few files.
  mutate: [
    'src/transport/delivery/**/*.ts',
    'src/mail/format/**/*.ts',
    'src/storage/store/**/*.ts',
    'servers/pop3/**/*.ts',
  ],
  testRunner: 'vitest',
  // Runs only the tests that SEALPOST_MUTATION_TESTS (a glob) selects, because all tests of a lab execute nearly every file.
  vitest: { configFile: 'vitest.mutation.config.ts' },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // Mutants of module-level code would run all tests.
  ignoreStatic: true,
  timeoutMS: 10_000,
  reporters: ['clear-text', 'progress'],
  clearTextReporter: { allowColor: false, logTests: false, reportTests: false },
  // Texts are for people, so tests do not quote all of them.
  mutator: { excludedMutations: ['StringLiteral', 'Regex'] },
  ignorePatterns: ['/dist', '/docs', '/.ci', '/docker', '/certs', '/examples', '/*.tgz'],
  // Stryker would rewrite tsconfig.json with TypeScript's JavaScript API, which TypeScript 7 lacks. Vitest needs no rewrite.
  tsconfigFile: 'tsconfig.not-rewritten.json',
  disableTypeChecks: false,
  allowEmpty: true,
}
