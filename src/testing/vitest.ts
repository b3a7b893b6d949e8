import { randomBytes } from 'node:crypto'
import { test as base, expect, inject } from 'vitest'
import type { LabInput } from '../config/schema.ts'
import { type EncryptionWish, matchers } from './matchers.ts'
import type { MessageQuery } from './receiver.ts'
import { SharedTenant } from './shared-lab.ts'
import { type StartLabOptions, startLab } from './start-lab.ts'
import type { Tenant } from './tenant.ts'
import type { TestLab } from './test-lab.ts'
import type {} from './vitest-setup.ts'
import type { WaitOptions } from './wait.ts'

declare module 'vitest' {
  interface Matchers<T> {
    /** Passes if a matching message has arrived or arrives before the timeout. With `.not`: if none has arrived so far. */
    toHaveReceived(filter?: MessageQuery, options?: WaitOptions): Promise<T>
    /** Passes if the message or session used a TLS channel of at least this strength (default: TLS, 128 bits). */
    toHaveBeenEncrypted(wish?: EncryptionWish): T
  }
}

expect.extend(matchers)

export interface LabTestOptions extends StartLabOptions {
  /**
   * `test`: a lab for each test that uses it. `file` (the default): one lab per test file. `worker`: one lab for all files
   * of a worker, if vitest runs several files in one (`isolate: false`).
   */
  readonly scope?: 'test' | 'file' | 'worker'
}

export interface LabFixtures {
  /** A running lab. It stops at the end of its scope. */
  readonly lab: TestLab
  /** A part of the lab for this test alone, so that tests of one lab can run concurrently. */
  readonly tenant: Tenant
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
      const tenant = lab.tenant()
      await use(tenant)
      await tenant.clear()
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
export type { Tenant, TestLab }
export { expect, matchers }
