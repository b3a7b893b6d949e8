import { expect, test } from 'vitest'
import { runWorkers, workers } from './run-workers.ts'

test(`many tests in ${workers} workers, each with its own lab: no port clashes, nothing stays open`, {
  timeout: 180_000,
}, async () => {
  const output = await runWorkers('many')
  const count = (Number(process.env.SEALPOST_MANY ?? '40') / 4) * workers
  expect(output).toMatch(new RegExp(`Tests +${count} passed \\(${count}\\)`))
  expect(output).not.toMatch(/hanging|did not exit|Unhandled/i)
})
