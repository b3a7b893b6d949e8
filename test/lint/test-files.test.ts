import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const lists: { readonly SLOW: readonly string[]; readonly LONGEST: readonly string[] } = await import(
  new URL('../../scripts/test/files.mjs', import.meta.url).href
)

test.each([
  ['SLOW', lists.SLOW],
  ['LONGEST', lists.LONGEST],
])('every file of %s in scripts/test/files.mjs exists', (_, files) => {
  expect(files.length).toBeGreaterThan(10)
  expect(files.filter((file) => !existsSync(join(repository, file)))).toEqual([])
})

test.each(['.github/workflows/ci.yml', '.github/workflows/weekly.yml', 'scripts/test.mjs', 'vitest.config.ts'])(
  'every test that %s names exists',
  (file) => {
    const text = readFileSync(join(repository, file), 'utf8')
    const named = Array.from(text.matchAll(/(?<=['\s])test\/[\w/.-]+/g), ([path]) => path)
    const isThere = (path: string): boolean =>
      readdirSync(join(repository, dirname(path))).some((name) => name.startsWith(basename(path)))
    expect(named.filter((path) => !isThere(path))).toEqual([])
  },
)
