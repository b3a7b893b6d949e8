import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
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

/** Returns the files and folders that a path stands for. `*` stands for any one folder. */
const found = (path: string): readonly string[] => {
  const [before = '', ...rest] = path.split('*')
  if (rest.length === 0) return existsSync(repository + path) ? [path] : []
  return readdirSync(repository + before).flatMap((name) => found(before + name + rest.join('*')))
}

/** Returns the folder of a path and the folders above it. */
function foldersOf(path: string): readonly string[] {
  const folder = path.endsWith('/') ? path.slice(0, -1) : dirname(path)
  return folder === '.' ? [] : [folder, ...foldersOf(folder)]
}

test('a row of "Where to look" begins short paths in a folder that it names', () => {
  const rows = readFileSync(`${repository}docs/architecture.md`, 'utf8')
    .replace(/^[^]*## Where to look/, '')
    .replace(/^## [^]*/m, '')
    .split('\n')
    .filter((line) => /^\| \w/.test(line))
  expect(rows.length).toBeGreaterThan(80)
  const lost = rows.flatMap((row) => {
    const paths = [...row.matchAll(/`([\w./*-]+(?:\.tsx?|\/))`/g)].map(([, path]) => path as string)
    const folders = paths.flatMap(found).flatMap(foldersOf)
    const exists = (path: string) => folders.some((folder) => existsSync(join(repository, folder, path)))
    return paths.filter((path) => found(path).length === 0 && !exists(path)).map((path) => `${path}: ${row}`)
  })
  expect(lost).toEqual([])
})
