import { expect, it } from 'vitest'
import { checkers } from './npm-packages.ts'
import { readRecipe, recipeNames, runWith, versionsInIndex } from './page.ts'

it.each(recipeNames)('%s: has at most 90 lines, creates its package.json, and says what was not run', (name) => {
  const { text, commands } = readRecipe(name)
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(90)
  if (/^npm install (?!--global)/m.test(commands.join(''))) expect(commands[0]).toMatch(/^npm init -y\n/)
  const run = runWith.get(name) ?? ''
  expect(run).toMatch(/\d|not run/i)
  if (/not run/.test(run)) expect(text).toMatch(/^(?:Not run by the tests: |The tests .*do not run ).+\.$/m)
})

it('the index lists every recipe once', () => {
  expect([...runWith.keys()].sort()).toEqual([...recipeNames].sort())
})

it('the index names the versions of the packages that check files of recipes', () => {
  const named = new Map(recipeNames.flatMap((name) => [...versionsInIndex(name)]))
  expect(checkers.some(([name]) => named.has(name))).toBe(true)
  for (const [name, version] of checkers) if (named.has(name)) expect(named.get(name)).toBe(version)
})
