import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../support/run-program.ts'

test('many tests in four workers, each with its own lab: no port clashes, nothing stays open', {
  timeout: 180_000,
}, async () => {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.many.config.ts']
  const { status, stdout, stderr } = await runProgram(process.execPath, args, {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    env: { VITEST: '', VITEST_POOL_ID: '', VITEST_WORKER_ID: '', SEALPOST_CI: '', NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  expect(status, stdout + stderr).toBe(0)
  const count = Number(process.env.SEALPOST_MANY ?? '40')
  expect(stdout).toMatch(new RegExp(`Tests +${count} passed \\(${count}\\)`))
  expect(stdout).not.toMatch(/hanging|did not exit|Unhandled/i)
})
