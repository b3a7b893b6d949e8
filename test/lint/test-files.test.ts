import { existsSync } from 'node:fs'
import { join } from 'node:path'
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
