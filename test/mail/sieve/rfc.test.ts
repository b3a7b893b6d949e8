import { expect, test } from 'vitest'
import { CASES, run, source, summary } from './cases.ts'

test.each(CASES.map((one) => [source(one), one] as const))('%s', async (script, one) => {
  expect(summary(await run(script, one))).toBe(one.expected)
})
