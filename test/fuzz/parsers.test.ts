import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { seededRandom } from '../../src/core/values/random.ts'
import { mutate } from './mutate.ts'
import { parsers } from './parsers.ts'
import { roundsOf, seedOf } from './rounds.ts'

// `npm run test:fuzz` runs them longer.

const ROUNDS = Number(process.env.SEALPOST_FUZZ_ROUNDS ?? '20') * 10
const seed = seedOf(Date.now() % 1e9)

test.each(Object.entries(parsers))('%s', { timeout: 7_200_000 }, async (name, parser) => {
  const { parse, examples, errors = [], isExpected = (error) => errors.some((one) => error instanceof one) } = parser
  for (const example of examples) await parse(example)
  const random = seededRandom(seed + name.length)
  for (const round of roundsOf(name, ROUNDS)) {
    const octets = mutate(mutate(examples[round % examples.length] as Buffer, random), random)
    try {
      const parsed = parse(octets)
      if (parsed instanceof Promise) await parsed
    } catch (error) {
      if (!isExpected(error))
        throw new Error(`seed ${seed}, round ${round}: ${octets.toString('hex').slice(0, 2000)}`, { cause: error })
    }
  }
})

test('the weekly workflow runs each target for an hour', () => {
  const workflow = parse(readFileSync(new URL('../../.github/workflows/weekly.yml', import.meta.url), 'utf8'))
  const { strategy, steps, env } = workflow.jobs.fuzz
  expect(env.SEALPOST_FUZZ_MINUTES).toBe(60)
  expect(steps.at(-1).run).toMatch(/^npm run test:fuzz -- -t '\^\$\{\{ matrix\.target \}\}'$/)
  const others = [
    'ClientHello, mutated',
    ...['smtp', 'lmtp', 'pop3', 'imap4', 'nntp', 'managesieve'].map((one) => `${one}, whatever`),
  ]
  const targets = [...Object.keys(parsers), ...others, 'sequences of calls']
  expect(strategy.matrix.target).toEqual(targets)
  const runsWithOthers = targets.filter((one) => targets.some((other) => other !== one && other.startsWith(one)))
  expect(runsWithOthers).toEqual([])
})
