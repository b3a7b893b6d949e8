import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import { isLong } from '../support/long.ts'
import { runProgram } from '../support/run-program.ts'

/** Number of workers of a nested run of vitest. */
export const workers = isLong ? 4 : 2

/** Runs the files `worker-N.KIND.ts` in vitest, one per worker. All tests must pass. Returns the standard output. */
export async function runWorkers(kind: 'many' | 'shared'): Promise<string> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', `vitest.${kind}.config.ts`]
  for (let n = 1; n <= workers; n++) args.push(`worker-${n}.${kind}.ts`)
  const { status, stdout, stderr } = await runProgram(process.execPath, args, {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    env: { VITEST: '', VITEST_POOL_ID: '', VITEST_WORKER_ID: '', SEALPOST_CI: '', NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  expect(status, stdout + stderr).toBe(0)
  return stdout
}
