import { randomBytes } from 'node:crypto'
import { test as base, expect, inject } from 'vitest'
import type { LabInput } from '../config/schema.ts'
import type { WaitOptions } from './delivered-mail.ts'
import { type EncryptionWish, matchers } from './matchers.ts'
import type { MessageFilter } from './message.ts'
import { SharedTenant } from './shared-lab.ts'
import { type StartLabOptions, startLab } from './start-lab.ts'
import type { Tenant } from './tenant.ts'
import type { TestLab } from './test-lab.ts'
import type {} from './vitest-setup.ts'

declare module 'vitest' {
  interface Matchers<T> {
    /** Such a message has come, or comes within the time-out; it is not taken. With `.not`: none has come yet. */
    toHaveReceived(filter?: MessageFilter, options?: WaitOptions): Promise<T>
    /** The message, or the session, came over a channel of at least this strength (default: TLS, 128 bits). */
    toHaveBeenEncrypted(wish?: EncryptionWish): T
  }
}

expect.extend(matchers)

export interface LabTestOptions extends StartLabOptions {
  /**
   * test: a lab for each test that asks for it. file: one a test file. worker: one for all files of a worker (where vitest
   * runs several in one: `isolate: false`). Default: file.
   */
  readonly scope?: 'test' | 'file' | 'worker'
}

export interface LabFixtures {
  /** A running lab, stopped at the end of its scope. */
  readonly lab: TestLab
  /** A part of the lab that this test has to itself: tests of one lab may run at the same time. */
  readonly tenant: Tenant
}

/** A `test` whose functions get a lab, started when the first one asks for it: `labTest({ … })('…', async ({ lab }) => …)`. */
export function labTest(config?: LabInput | string, { scope = 'file', ...options }: LabTestOptions = {}) {
  return base.extend<LabFixtures>({
    lab: [
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures that one needs off this pattern
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

/** A `test` whose tenants share the lab that `sharedLab` (`sealpost/vitest-setup`) started, in whichever worker they run. */
export const sharedTest = base.extend<{ readonly tenant: SharedTenant }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads the fixtures that one needs off this pattern
  tenant: async ({}, use) => {
    await using tenant = await SharedTenant.of(inject('sealpost'), `t${randomBytes(4).toString('hex')}`)
    await use(tenant)
  },
})

/** A `test` with the lab of `startLab()`, one a file. */
export const test = labTest()
export type { Tenant, TestLab }
export { expect, matchers }
