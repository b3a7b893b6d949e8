import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, expect, test } from 'vitest'
import { newFolder } from '../support/folder.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
let folder: string
beforeEach(() => {
  folder = newFolder()
  mkdirSync(join(folder, 'src/net'), { recursive: true })
})

/** Checks the comments of a file with this text. */
function check(text: string) {
  writeFileSync(join(folder, 'src/net/a.ts'), text)
  const { status, stderr } = spawnSync(process.execPath, ['scripts/lint/comments.mjs', folder], {
    cwd: repository,
    encoding: 'utf8',
  })
  return { status, stderr }
}

test('each comment that begins with such a word is reported with its line', () => {
  const comments = [
    '/** What a client sends. */',
    '// Who signs.',
    '/**\n * Whose certificate it is.\n */',
    '/* Those of others. */',
    '/** That which is left. */',
    '// Of what it consists.',
    '// So many are kept.',
  ]
  const { status, stderr } = check(comments.join('\n'))
  expect(status).toBe(1)
  expect(stderr.match(/^src\/net\/a\.ts:\d+: a comment begins with "[^"]+"/gm)).toEqual(
    ['1: "What"', '2: "Who"', '4: "Whose"', '6: "Those"', '7: "That which"', '8: "Of what"', '9: "So"'].map(
      (found) => `src/net/a.ts:${found.replace(' ', ' a comment begins with ')}`,
    ),
  )
})

test('these words are allowed later in a comment and in strings', () => {
  const lines = [
    '// Returns what the client sends.',
    '// Some clients send nothing.',
    "const a = '// What is your name?'",
  ]
  expect(check(lines.join('\n'))).toEqual({ status: 0, stderr: '' })
})

test('the comments of this checkout are clean', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/lint/comments.mjs'], {
    cwd: repository,
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
