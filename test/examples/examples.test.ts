import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'

const cwd = fileURLToPath(new URL('../../', import.meta.url))
const suites = readdirSync(`${cwd}examples`).filter((name) => name.endsWith('.test.ts'))
/** What this run would hand on of itself. */
const alone = { VITEST: '', VITEST_POOL_ID: '', VITEST_WORKER_ID: '', SEALPOST_CI: '', FORCE_COLOR: '0', NO_COLOR: '1' }

test('the examples are there', () => {
  expect(suites.sort()).toEqual(['bad-certificates.test.ts', 'imapflow.test.ts', 'nntp.test.ts', 'nodemailer.test.ts'])
})

test('every suite of examples/ passes', { timeout: 180_000 }, async () => {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.examples.config.ts']
  const { status, stdout, stderr } = await runProgram(process.execPath, args, { cwd, env: alone })
  expect(status, stdout + stderr).toBe(0)
  for (const suite of suites) expect(stdout).toMatch(new RegExp(`examples/${suite} \\(\\d+ tests?\\) `))
})

test.runIf(needs('node'))('the example for node:test passes, with the package as it was built', async () => {
  const { status, stdout, stderr } = await runProgram(process.execPath, ['--test', 'examples/node-test.mjs'], {
    cwd,
    env: alone,
  })
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/pass 1/)
})
