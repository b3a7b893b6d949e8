import '../../core/async/disposal.ts'
import { after, before } from 'node:test'
import type { LabInput } from '../../core/config/schema.ts'
import type { StartLabOptions } from '../start-lab.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { TestLab } from '../test-lab.ts'
import { LabOnDemand } from './fixtures.ts'

/** The part of a test's context that is used here. */
interface TestContext {
  after(clean: () => Promise<void>): void
}

/** The lab of a file or suite. */
export interface SuiteLab {
  /** The lab. It starts before the first test, and stops after the last. @throws outside tests and hooks */
  readonly lab: TestLab
  /** Returns a part of the lab for one test, which is deleted at its end: `const tenant = mail.tenant(t)`. */
  tenant(t: TestContext): Tenant
}

/** Starts a lab before the tests of this file or suite and stops it after them: `const mail = useLab()`. */
export function useLab(config?: LabInput | string, options?: StartLabOptions): SuiteLab {
  const source = new LabOnDemand(config, options)
  let lab: TestLab | undefined
  before(async () => {
    lab = await source.lab()
  })
  after(() => source.stop())
  const running = (): TestLab => {
    if (!lab) throw new Error('useLab: the lab starts with the tests: read it inside a test or a hook')
    return lab
  }
  return {
    get lab() {
      return running()
    },
    tenant(t) {
      const tenant = running().tenant()
      t.after(() => tenant.clear())
      return tenant
    },
  }
}

export * from './assertions.ts'
