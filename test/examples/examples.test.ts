import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { isLong } from '../support/long.ts'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'

const cwd = fileURLToPath(new URL('../../', import.meta.url))
const suites = readdirSync(`${cwd}examples`).filter((name) => name.endsWith('.test.ts'))
const chosen = suites.filter((name) => isLong || name !== 'bad-certificates.test.ts')
/** Clears the variables that this run would pass on. */
const env = { VITEST: '', VITEST_POOL_ID: '', VITEST_WORKER_ID: '', SEALPOST_CI: '', FORCE_COLOR: '0', NO_COLOR: '1' }

test('all examples are known to this test', () => {
  expect(suites.sort()).toEqual(['bad-certificates.test.ts', 'imapflow.test.ts', 'nntp.test.ts', 'nodemailer.test.ts'])
})

test('the suites of examples/ pass', { timeout: 180_000 }, async () => {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'vitest.examples.config.ts', ...chosen]
  const { status, stdout, stderr } = await runProgram(process.execPath, args, { cwd, env })
  expect(status, stdout + stderr).toBe(0)
  for (const suite of chosen) expect(stdout).toMatch(new RegExp(`examples/${suite} \\(\\d+ tests?\\) `))
})

test.runIf(needs('node'))('the node:test example passes with the built package', async () => {
  const { status, stdout, stderr } = await runProgram(process.execPath, ['--test', 'examples/node.test.mjs'], {
    cwd,
    env,
  })
  expect(status, stdout + stderr).toBe(0)
  expect(stdout).toMatch(/pass 1/)
})
