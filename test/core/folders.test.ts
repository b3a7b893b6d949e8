import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { installCommand, makeFolder } from '../../src/core/files/folders.ts'
import { newFolder } from '../support/folder.ts'

let folder: string
beforeEach(() => {
  folder = newFolder()
})

test('makeFolder creates parents with the mode and accepts an existing folder', () => {
  const path = join(folder, 'a/b/c')
  makeFolder(path, 0o700)
  makeFolder(path)
  expect([path, join(folder, 'a')].map((one) => statSync(one).mode & 0o777)).toEqual([0o700, 0o700])
})

test('makeFolder fails for a file in the way', () => {
  writeFileSync(join(folder, 'file'), '')
  expect(() => makeFolder(join(folder, 'file'))).toThrow(
    /file cannot be created: a file with this name exists; choose another name/,
  )
  expect(() => makeFolder(join(folder, 'file/sub'))).toThrow(/cannot be created: a file with this name exists/)
})

test.skipIf(process.platform !== 'linux')('makeFolder fails in /proc, where mkdir with recursive never returns', () => {
  expect(() => makeFolder('/proc/nope/certs')).toThrow(
    'the folder /proc/nope cannot be created: the system allows no new files or folders there; choose another place',
  )
})

test('installCommand names the folder of a checkout or project, or a global installation', () => {
  const project = join(folder, 'project')
  const installed = join(project, 'node_modules/sealpost')
  mkdirSync(installed, { recursive: true })
  expect(installCommand('lmdb', installed)).toBe('npm install --global lmdb')
  writeFileSync(join(project, 'package.json'), '{}')
  expect(installCommand('lmdb', installed)).toBe(`npm install --prefix ${project} lmdb`)
  expect(installCommand('lmdb', project)).toBe(`npm install --prefix ${project} lmdb`)
})
