import { randomBytes } from 'node:crypto'
import { test as base, expect, inject } from 'vitest'
import type { LabInput } from '../../core/config/schema.ts'
import { type LabMatchers, matchers } from '../matchers/matchers.ts'
import { type StartLabOptions, startLab } from '../start-lab.ts'
import { SharedTenant } from '../tenants/shared/shared-tenant.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { TestLab } from '../test-lab.ts'
import { type LabFixtures, withTenant } from './fixtures.ts'
import type {} from './vitest-setup.ts'

declare module 'vitest' {
  interface Matchers<T> extends LabMatchers<T> {}
}

expect.extend(matchers)

export interface LabTestOptions extends StartLabOptions {
  /**
   * `test`: a lab for each test that uses it. `file` (the default): one lab per test file. `worker`: one lab for all files
   * of a worker, if vitest runs several files in one (`isolate: false`).
   */
  readonly scope?: 'test' | 'file' | 'worker'
}

/** Returns a `test` with a lab that starts when first used: `labTest({ … })('…', async ({ lab }) => …)`. */
export function labTest(config?: LabInput | string, { scope = 'file', ...options }: LabTestOptions = {}) {
  return base.extend<LabFixtures>({
    lab: [
      // biome-ignore lint/correctness/noEmptyPattern: vitest requires a destructuring pattern
      async ({}, use) => {
        await using lab = await startLab(config, options)
        await use(lab)
      },
      { scope },
    ],
    tenant: async ({ lab }, use) => {
      await withTenant(lab, use)
    },
  })
}

/** A `test` whose tenants, in any worker, share the lab that `sharedLab` (`sealpost/vitest-setup`) started. */
export const sharedTest = base.extend<{ readonly tenant: SharedTenant }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest requires a destructuring pattern
  tenant: async ({}, use) => {
    await using tenant = await SharedTenant.of(inject('sealpost'), `t${randomBytes(4).toString('hex')}`)
    await use(tenant)
  },
})

/** A `test` with the lab of `startLab()`, one per file. */
export const test = labTest()
export type { LabFixtures, Tenant, TestLab }
export { expect, matchers }
