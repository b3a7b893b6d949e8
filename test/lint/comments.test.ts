import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const repository = fileURLToPath(new URL('../../', import.meta.url))
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sealpost-lint-'))
  mkdirSync(join(folder, 'src/net'), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Checks the comments of a file with this text. */
function check(text: string) {
  writeFileSync(join(folder, 'src/net/a.ts'), text)
  const { status, stderr } = spawnSync(process.execPath, ['scripts/lint/comments.mjs', folder], {
    cwd: repository,
    encoding: 'utf8',
  })
  return { status, stderr }
}

test.each([
  ['What', '/** What a client sends. */'],
  ['Who', '  // Who signs.'],
  ['Whose', '/**\n * Whose certificate it is.\n */'],
  ['Those', '/* Those of others. */'],
  ['That which', 'const a = 1 // That which is left'],
  ['Of what', '// Of what it consists.'],
  ['So', '// So many are kept.'],
])('a comment that begins with "%s" is reported', (word, comment) => {
  const { status, stderr } = check(`${comment}\nexport const a = 1\n`)
  expect([status, stderr]).toEqual([1, expect.stringMatching(`^src/net/a\\.ts:[12]: a comment begins with "${word}"`)])
})

test.each([
  ['// Returns what the client sends.'],
  ['// Some clients send nothing.'],
  ["const a = 'What is your name?'"],
])('%s is allowed', (line) => {
  expect(check(`${line}\n`)).toEqual({ status: 0, stderr: '' })
})

test('the comments of this checkout are clean', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/lint/comments.mjs'], {
    cwd: repository,
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
