import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../support/run-program.ts'

/** Four workers; in the short form two. */
const workers = process.env.SEALPOST_LONG === '1' ? 4 : 2

test(`one lab serves ${workers} workers concurrently`, { timeout: 120_000 }, async () => {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.shared.config.ts']
  for (let n = 1; n <= workers; n++) args.push(`worker-${n}.shared.ts`)
  const { status, stdout, stderr } = await runProgram(process.execPath, args, {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    env: { VITEST: '', VITEST_POOL_ID: '', VITEST_WORKER_ID: '', SEALPOST_CI: '', NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(new RegExp(`Tests +${5 * workers} passed \\(${5 * workers}\\)`))
})
