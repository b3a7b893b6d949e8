import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const repository = fileURLToPath(new URL('../../', import.meta.url))

test.each([
  ['docs/architecture.md', 100],
  ['CONTRIBUTING.md', 20],
  ['docs/mutation-testing.md', 8],
  ['docs/releasing.md', 1],
])('every file and folder that %s names exists', (document, least) => {
  const content = readFileSync(repository + document, 'utf8')
  const named = [...content.matchAll(/`((?:src|servers|test|config|scripts|docs|\.ci)\/[\w./-]+)`/g)].map(
    ([, path]) => path as string,
  )
  expect(named.length).toBeGreaterThanOrEqual(least)
  expect(named.filter((path) => !existsSync(repository + path))).toEqual([])
})
