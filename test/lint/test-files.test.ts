import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const lists: Readonly<Record<'SLOW' | 'LONGEST' | 'SHORT_IN_CI' | 'WAITING', readonly string[]>> = await import(
  new URL('../../scripts/test/files.mjs', import.meta.url).href
)

test.each([
  ['SLOW', lists.SLOW],
  ['LONGEST', lists.LONGEST],
  ['WAITING', lists.WAITING],
])('every file of %s in scripts/test/files.mjs exists', (_, files) => {
  expect(files.length).toBeGreaterThan(10)
  expect(files.filter((file) => !existsSync(join(repository, file)))).toEqual([])
})

test('SHORT_IN_CI has files of both lists', () => {
  expect(lists.SHORT_IN_CI.filter((file) => !lists.SLOW.includes(file) || !lists.LONGEST.includes(file))).toEqual([])
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

/** The files of a folder of the repository, without those of packages. */
const filesBelow = (folder: string): string[] =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.includes('node_modules'))
    .map((name) => join(folder, name))

test('every test file is one that vitest finds', () => {
  const files = ['src', 'servers', 'console', 'scripts', 'test'].flatMap(filesBelow)
  const tests = files.filter((file) => /\.(?:test|spec)\.[cm]?[jt]sx?$/.test(file))
  expect(tests.length).toBeGreaterThan(500)
  expect(tests.filter((file) => !/^test\/.*\.test\.ts$/.test(file))).toEqual([])
})

test('no test is skipped in every form, and none hides others', () => {
  const isNever = /\b(?:it|test|describe)\.(?:only|skip|todo|skipIf\(true\)|runIf\(false\))\b/
  const files = filesBelow('test').filter((file) => file.endsWith('.ts') && !file.endsWith('test-files.test.ts'))
  expect(files.filter((file) => isNever.test(readFileSync(join(repository, file), 'utf8')))).toEqual([])
})

test.each([
  ['.ci/run', /scripts\/test\.mjs (\w+)/g, ['ci', 'long']],
  ['.github/workflows/ci.yml', /npm run test:(\w+)/g, ['slow', 'long']],
  ['.github/workflows/weekly.yml', /npm run test:(\w+)/g, ['all']],
])('%s runs the forms that leave nothing out', (file, pattern, forms) => {
  const named = Array.from(readFileSync(join(repository, file), 'utf8').matchAll(pattern), ([, form]) => form)
  expect(named).toEqual(expect.arrayContaining(forms))
})
