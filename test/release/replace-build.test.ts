import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

interface Output {
  replaceBuild(folder: string, next: string): void
  removeUnfinished(folder: string): void
}
const output: Output = await import(new URL('../../scripts/build/output.mjs', import.meta.url).href)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sealpost-build-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, text: string): string {
  const file = join(folder, name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
const replace = (): void => output.replaceBuild(join(folder, 'dist'), join(folder, 'next'))

test('the first build becomes the folder', () => {
  write('next/src/cli/main.js', 'new')
  replace()
  expect(read('dist/src/cli/main.js')).toBe('new')
  expect(readdirSync(folder)).toEqual(['dist'])
})

test('a lab of the build before finds the parts that it loads on demand, until a day later', () => {
  const parts = ['cjs/parts-1/a.cjs', 'console/assets/a-1.js']
  for (const part of parts) write(`dist/${part}`, 'old')
  const aDayAgo = new Date(Date.now() - 25 * 3_600_000)
  utimesSync(write('dist/cjs/parts-0/a.cjs', 'older'), aDayAgo, aDayAgo)
  write('dist/src/removed.js', 'old')
  write('dist/console/assets/same.js', 'old')
  write('next/console/assets/same.js', 'new')
  write('next/cjs/parts-2/a.cjs', 'new')
  replace()
  for (const part of parts) expect(read(`dist/${part}`)).toBe('old')
  expect(readdirSync(join(folder, 'dist/cjs')).sort()).toEqual(['parts-1', 'parts-2'])
  expect(read('dist/console/assets/same.js')).toBe('new')
  expect(existsSync(join(folder, 'dist/src'))).toBe(false)
  expect(readdirSync(folder)).toEqual(['dist'])
})

test('a package has no files of earlier builds', () => {
  write('package.json', '{ "name": "a", "version": "1.0.0", "files": ["dist"] }')
  write('dist/cjs/parts-1/a.cjs', 'old')
  for (const build of [2, 3]) {
    write(`next/cjs/parts-${build}/a.cjs`, 'new')
    replace()
  }
  expect(readdirSync(join(folder, 'dist/cjs')).sort()).toEqual(['parts-1', 'parts-2', 'parts-3'])
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--json'], { cwd: folder, encoding: 'utf8' })
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]
  expect(files.map(({ path }) => path)).toEqual(['dist/cjs/parts-3/a.cjs', 'package.json'])
})

test('the next build removes folders of builds that were interrupted', () => {
  // No process has this id.
  write('dist.new-2147483647/a.js', '')
  write('dist.old-2147483647/a.js', '')
  write(`dist.new-${process.pid}/a.js`, 'still being built')
  write('dist/a.js', '')
  output.removeUnfinished(folder)
  expect(readdirSync(folder).sort()).toEqual(['dist', `dist.new-${process.pid}`])
})
