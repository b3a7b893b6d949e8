import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../support/run-program.ts'

test('one lab serves four workers concurrently', { timeout: 120_000 }, async () => {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.shared.config.ts']
  const { status, stdout, stderr } = await runProgram(process.execPath, args, {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    env: { VITEST: '', VITEST_POOL_ID: '', VITEST_WORKER_ID: '', SEALPOST_CI: '', NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/Tests +20 passed \(20\)/)
})
