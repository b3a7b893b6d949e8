import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const repository = fileURLToPath(new URL('../../', import.meta.url))

test.each(['docs/architecture.md', 'CONTRIBUTING.md'])('every file and folder that %s names exists', (document) => {
  const content = readFileSync(repository + document, 'utf8')
  const named = [...content.matchAll(/`((?:src|servers|test|config|scripts|docs|\.ci)\/[\w./-]+)`/g)].map(
    ([, path]) => path as string,
  )
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((path) => !existsSync(repository + path))).toEqual([])
})
