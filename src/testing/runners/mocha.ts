import '../../core/async/disposal.ts'
import type { LabInput } from '../../core/config/schema.ts'
import type { StartLabOptions } from '../start-lab.ts'
import { type SuiteHooks, type SuiteLab, useLabWith } from './suite-lab.ts'

/** The names of mocha's hooks in its interfaces: BDD, TDD and QUnit. */
const NAMES: readonly Readonly<Record<keyof SuiteHooks, string>>[] = [
  { beforeAll: 'before', beforeEach: 'beforeEach', afterEach: 'afterEach', afterAll: 'after' },
  { beforeAll: 'suiteSetup', beforeEach: 'setup', afterEach: 'teardown', afterAll: 'suiteTeardown' },
]

function mochaHooks(): SuiteHooks {
  const globals = globalThis as unknown as Record<string, SuiteHooks['beforeAll'] | undefined>
  for (const { beforeAll, beforeEach, afterEach, afterAll } of NAMES) {
    const [first, each, afterwards, last] = [beforeAll, beforeEach, afterEach, afterAll].map((name) => globals[name])
    if (first && each && afterwards && last) {
      return { beforeAll: first, beforeEach: each, afterEach: afterwards, afterAll: last }
    }
  }
  throw new Error(
    'useLab: there are no hooks of mocha here. Call it in a file that mocha runs, at its top or in a suite',
  )
}

/**
 * Starts a lab before the tests of this suite and stops it after them: `const mail = useLab()`. Outside `describe`, the suite
 * is the whole run. Tests use `mail.lab`, and `mail.tenant`, which is a new one for each test.
 */
export function useLab(config?: LabInput | string, options?: StartLabOptions): SuiteLab {
  return useLabWith(mochaHooks(), config, options)
}

export * from './assertions.ts'
export type { SuiteLab }
