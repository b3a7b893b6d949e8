import type { TestProject } from 'vitest/node'
import type { LabInput } from '../../core/config/schema.ts'
import { startLab } from '../start-lab.ts'
import type { SharedLab } from '../tenants/shared/calls.ts'
import { hostLab } from '../tenants/shared/host.ts'

declare module 'vitest' {
  interface ProvidedContext {
    readonly sealpost: SharedLab
  }
}

/**
 * Returns a vitest `globalSetup` function that starts one lab for all workers of a run: `export default sharedLab()`. Tests
 * use it through `sharedTest` of `sealpost/vitest`.
 */
export const sharedLab =
  (config?: LabInput | string) =>
  async (project: TestProject): Promise<() => Promise<void>> => {
    const lab = await startLab(config)
    const host = await hostLab(lab)
    project.provide('sealpost', host.shared)
    return async () => {
      await host[Symbol.asyncDispose]()
      await lab.stop()
    }
  }
