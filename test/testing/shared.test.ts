import { expect, test } from 'vitest'
import { runWorkers, workers } from './run-workers.ts'

test(`one lab serves ${workers} workers concurrently`, { timeout: 120_000 }, async () => {
  expect(await runWorkers('shared')).toMatch(new RegExp(`Tests +${5 * workers} passed \\(${5 * workers}\\)`))
})
