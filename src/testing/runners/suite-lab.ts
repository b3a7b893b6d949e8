import type { LabInput } from '../../core/config/schema.ts'
import type { StartLabOptions } from '../start-lab.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { TestLab } from '../test-lab.ts'
import { LabOnDemand } from './fixtures.ts'

type Hook = (run: () => Promise<void>) => void

/** The hooks of a runner, for the suite that is being defined. */
export interface SuiteHooks {
  readonly beforeAll: Hook
  readonly beforeEach: Hook
  readonly afterEach: Hook
  readonly afterAll: Hook
}

/** The lab of a suite, and the tenant of the test that runs. */
export interface SuiteLab {
  /** The lab. It starts before the first test of the suite, and stops after the last. @throws outside tests and hooks */
  readonly lab: TestLab
  /** A part of the lab for this test alone. @throws outside tests and their hooks */
  readonly tenant: Tenant
}

const TOO_EARLY = 'starts with the suite: read it inside a test or a hook, not while the suite is defined'

/** Starts a lab before the tests of a suite, and gives each test a tenant of it. */
export function useLabWith(hooks: SuiteHooks, config?: LabInput | string, options?: StartLabOptions): SuiteLab {
  const source = new LabOnDemand(config, options)
  let lab: TestLab | undefined
  let tenant: Tenant | undefined
  hooks.beforeAll(async () => {
    lab = await source.lab()
  })
  hooks.beforeEach(async () => {
    tenant = lab?.tenant()
  })
  hooks.afterEach(async () => {
    await tenant?.clear()
    tenant = undefined
  })
  hooks.afterAll(async () => {
    lab = undefined
    await source.stop()
  })
  return {
    get lab() {
      if (!lab) throw new Error(`useLab: the lab ${TOO_EARLY}`)
      return lab
    },
    get tenant() {
      if (!tenant) throw new Error(`useLab: the tenant ${TOO_EARLY}`)
      return tenant
    },
  }
}
