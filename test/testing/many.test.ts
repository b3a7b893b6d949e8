import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../support/run-program.ts'

/** Four workers; in the short form two. */
const workers = process.env.SEALPOST_LONG === '1' ? 4 : 2

test(`many tests in ${workers} workers, each with its own lab: no port clashes, nothing stays open`, {
  timeout: 180_000,
}, async () => {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.many.config.ts']
  for (let n = 1; n <= workers; n++) args.push(`worker-${n}.many.ts`)
  const { status, stdout, stderr } = await runProgram(process.execPath, args, {
    cwd: fileURLToPath(new URL('../../', import.meta.url)),
    env: { VITEST: '', VITEST_POOL_ID: '', VITEST_WORKER_ID: '', SEALPOST_CI: '', NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  expect(status, stdout + stderr).toBe(0)
  const count = (Number(process.env.SEALPOST_MANY ?? '40') / 4) * workers
  expect(stdout).toMatch(new RegExp(`Tests +${count} passed \\(${count}\\)`))
  expect(stdout).not.toMatch(/hanging|did not exit|Unhandled/i)
})
