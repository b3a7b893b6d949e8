import type { LabInput } from '../../core/config/schema.ts'
import { type StartLabOptions, startLab } from '../start-lab.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { TestLab } from '../test-lab.ts'

/** The fixtures of a test. */
export interface LabFixtures {
  /** A running lab. It stops at the end of its scope. */
  readonly lab: TestLab
  /** A part of the lab for this test alone, so that tests of one lab can run concurrently. */
  readonly tenant: Tenant
}

/** Runs `use` with a tenant of its own, whose mailboxes and newsgroups are deleted afterwards. */
export async function withTenant<T>(lab: TestLab, use: (tenant: Tenant) => T): Promise<Awaited<T>> {
  const tenant = lab.tenant()
  try {
    return await use(tenant)
  } finally {
    await tenant.clear()
  }
}

/** A lab that starts when a test first needs it. After `stop`, the next test starts another one. */
export class LabOnDemand {
  readonly #config: LabInput | string | undefined
  readonly #options: StartLabOptions
  #lab: Promise<TestLab> | undefined

  constructor(config?: LabInput | string, options: StartLabOptions = {}) {
    this.#config = config
    this.#options = options
  }

  /** @throws what `startLab` throws */
  lab(): Promise<TestLab> {
    this.#lab ??= startLab(this.#config, this.#options)
    return this.#lab
  }

  /** Runs a test with the lab and a tenant of its own. */
  async run<T>(test: (fixtures: LabFixtures) => T): Promise<Awaited<T>> {
    const lab = await this.lab()
    return withTenant(lab, (tenant) => test({ lab, tenant }))
  }

  /** Stops the lab if it runs. */
  async stop(): Promise<void> {
    const lab = this.#lab
    this.#lab = undefined
    // A lab that could not start has failed the tests that need it.
    await (await lab?.catch(() => undefined))?.stop()
  }
}
