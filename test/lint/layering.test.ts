import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const repository = fileURLToPath(new URL('../../', import.meta.url))
let folder: string

/** A copy of the rules alone, with room for offenders. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sealpost-lint-'))
  for (const name of ['biome.json', 'layering.biome.json', '.gitignore', 'scripts/lint']) {
    cpSync(join(repository, name), join(folder, name), { recursive: true })
  }
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What lint says of one line in a file. */
function lint(file: string, line: string): string {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${line}\n`)
  const biome = join(repository, 'node_modules/.bin/biome')
  const { stdout, stderr } = spawnSync(biome, ['lint', file], { cwd: folder, encoding: 'utf8' })
  return stdout + stderr
}

test.each([
  ['servers/smtp/a.ts', "export { a } from '../pop3/session.ts'"],
  ['servers/nntp/commands/a.ts', "export { a } from '../../../src/lab/lab.ts'"],
  ['servers/imap4/a.ts', "export type { A } from '../../src/cli/start.ts'"],
  ['servers/smtp/e.ts', "export { a } from 'smtp-server'"],
  ['src/store/memory/a.ts', "export { a } from '../../net/connection.ts'"],
  ['src/config/a.ts', "export { a } from '../pki/errors.ts'"],
  ['src/tls/a.ts', "export { a } from '@peculiar/x509'"],
  ['src/lab/a.ts', "export { a } from 'node-forge'"],
  ['src/cli/a.ts', "export { a } from 'acme-client'"],
  ['src/lab/b.ts', "export { a } from '../cli/start.ts'"],
  ['src/net/b.ts', 'export const a = tls.createSecureContext({})'],
  ['src/store/b.ts', 'export const a = process.env.HOME'],
  ['servers/smtp/b.ts', 'export const a = () => process.exit(1)'],
  ['test/b.ts', 'export const a = { rejectUnauthorized: false }'],
])('%s may not say: %s', (file, line) => {
  expect(lint(file, line)).toMatch(/ noRestrictedImports |lint\/style\/noRestrictedImports| plugin /)
})

test.each([
  ['servers/smtp/c.ts', "export type { Protocol } from '../../src/config/schema.ts'"],
  ['servers/smtp/d.ts', "export { systemClock } from '../../src/common/clock.ts'"],
  ['servers/pop3/c.ts', "export { a } from '../service.ts'"],
  ['src/tls/c.ts', 'export const a = tls.createSecureContext({})'],
  ['src/cli/c.ts', 'export const a = process.env.HOME'],
])('%s may say: %s', (file, line) => {
  expect(lint(file, line)).toContain('No fixes applied')
  expect(lint(file, line)).not.toMatch(/Found \d+ error/)
})
