import '../../core/async/disposal.ts'
import {
  test as base,
  expect as baseExpect,
  type Expect,
  type PlaywrightTestArgs,
  type PlaywrightTestOptions,
  type PlaywrightWorkerArgs,
  type PlaywrightWorkerOptions,
  type TestType,
} from '@playwright/test'
import type { LabInput } from '../../core/config/schema.ts'
import { matchers } from '../matchers/matchers.ts'
import { type StartLabOptions, startLab } from '../start-lab.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { TestLab } from '../test-lab.ts'
import { type LabFixtures, withTenant } from './fixtures.ts'

/** Playwright's `test` with the fixtures `lab` and `tenant`. */
export type LabTest = TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & Pick<LabFixtures, 'tenant'>,
  PlaywrightWorkerArgs & PlaywrightWorkerOptions & Pick<LabFixtures, 'lab'>
>

/** Returns a `test` with one lab per worker, which starts when first used, and a tenant per test. */
export function labTest(config?: LabInput | string, options: StartLabOptions = {}): LabTest {
  return base.extend<Pick<LabFixtures, 'tenant'>, Pick<LabFixtures, 'lab'>>({
    lab: [
      // biome-ignore lint/correctness/noEmptyPattern: Playwright requires a destructuring pattern
      async ({}, use: (lab: TestLab) => Promise<void>) => {
        await using lab = await startLab(config, options)
        await use(lab)
      },
      { scope: 'worker' },
    ],
    tenant: async ({ lab }: Pick<LabFixtures, 'lab'>, use: (tenant: Tenant) => Promise<void>) => {
      await withTenant(lab, use)
    },
  })
}

/** A `test` with the lab of `startLab()`. */
export const test: LabTest = labTest()

/** Playwright's `expect` with the matchers of Sealpost. */
export const expect: Expect<typeof matchers> = baseExpect.extend(matchers)

export type { LabFixtures }
export { matchers }
