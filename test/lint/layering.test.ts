import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, expect, test } from 'vitest'
import { newFolder } from '../support/folder.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
let folder: string

/** Copies the rules without the code, so that each test can break them. */
beforeEach(() => {
  folder = newFolder()
  for (const name of ['biome.json', '.gitignore', 'scripts/lint', 'docs/architecture.md']) {
    cpSync(join(repository, name), join(folder, name), { recursive: true })
  }
})

function write(file: string, line: string): void {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${line}\n`)
}

/** Runs the check of imports on the copy. */
function checkImports() {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/lint/imports.mjs', folder], {
    cwd: repository,
    encoding: 'utf8',
  })
  return { status, stderr }
}

/** Imports that break a rule, each in a file of its own, and the problem that is reported. */
const broken = [
  ['servers/smtp/a.ts', "export { a } from '../pop3/session.ts'", 'servers/smtp may not import servers/pop3'],
  ['servers/frame.ts', "export { a } from './pop3/session.ts'", 'servers may not import servers/pop3'],
  ['servers/nntp/commands/a.ts', "export { a } from '../../../src/lab/lab.ts'", 'servers may not import src/lab'],
  ['servers/imap4/a.ts', "export type { A } from '../../src/cli/start/start.ts'", 'servers may not import src/cli'],
  ['servers/smtp/b.ts', "export { a } from 'smtp-server'", 'may not import the package smtp-server'],
  [
    'src/storage/store/engines/memory/a.ts',
    "const a = await import('../../../../net/connection.ts')",
    'src/storage may not import src/net',
  ],
  ['src/core/config/a.ts', "export { a } from '../../tls/pki/errors.ts'", 'src/core may not import src/tls'],
  ['src/core/time/a.ts', "export { a } from '../config/load.ts'", 'src/core/time may not import src/core/config'],
  ['src/core/files/a.ts', "export { a } from '../network/listen.ts'", 'src/core/files may not import src/core/network'],
  ['src/api/wait.ts', "export { a } from './mcp/server.ts'", 'src/api may not import src/api/mcp'],
  ['src/tls/negotiation/a.ts', "export { a } from '@clack/prompts'", 'may not import the package @clack/prompts'],
  ['src/lab/a.ts', "import {\n  a,\n  b,\n} from 'node-forge'", 'src/lab/a.ts:4: src/lab may not import the package'],
  ['src/cli/a.ts', "export { a } from 'acme-client'", 'may not import the package acme-client'],
  ['src/lab/b.ts', "export { a } from '../cli/start.ts'", 'src/lab may not import src/cli'],
  [
    'src/api/a.ts',
    "const a = await import('../checks/verify/run.ts')",
    'import src/checks/verify/index.ts instead, the door of src/checks/verify',
  ],
  ['src/unheard-of/a.ts', 'export const a = 1', 'src/unheard-of is missing from the table'],
] as const

test('every import that breaks a rule is reported', () => {
  for (const [file, line] of broken) write(file, line)
  const { status, stderr } = checkImports()
  expect(status).toBe(1)
  const reports = stderr.split('\n')
  for (const [file, line, problem] of broken) {
    const isReported = reports.some((report) => report.startsWith(`${file}:`) && report.includes(problem))
    expect([file, line, isReported]).toEqual([file, line, true])
  }
})

const kept = [
  ['servers/smtp/c.ts', "export type { Protocol } from '../../src/core/config/schema.ts'"],
  ['servers/smtp/d.ts', "export { systemClock } from '../../src/core/time/clock.ts'"],
  ['servers/pop3/c.ts', "export { a } from '../service.ts'"],
  ['servers/index.ts', "export { a } from './pop3/session.ts'"],
  ['src/core/config/c.ts', "export { a } from '../text/version.ts'"],
  ['src/api/c.ts', "export { a } from '../checks/verify/index.ts'"],
  ['src/api/mcp/c.ts', "export { a } from '../wait.ts'"],
  ['src/storage/store/c.ts', "// not an import: from '../../net/connection.ts'\nexport { open } from 'lmdb'"],
] as const

test('imports that keep the rules are allowed', () => {
  for (const [file, line] of kept) write(file, line)
  expect(checkImports()).toEqual({ status: 0, stderr: '' })
})

test.each(['src/mail/format', 'console/src'])(
  'an import circle of %s is reported unless it is one import type',
  (room) => {
    const circle = `import circle of 3 files: ${room}/a.ts, ${room}/b.ts, ${room}/c.ts`
    write(`${room}/a.ts`, "import './b.ts'")
    write(`${room}/b.ts`, "import './c.ts'")
    write(`${room}/c.ts`, "import type { A } from './a.ts'")
    expect(checkImports()).toEqual({ status: 0, stderr: '' })
    for (const closed of ["const a = () => import('./a.ts')", "import { type A, a } from './a.ts'"]) {
      write(`${room}/c.ts`, closed)
      expect(checkImports().stderr).toContain(circle)
    }
    // Two imports of types close two circles with the same files.
    write(`${room}/b.ts`, "import './c.ts'\nimport type { A } from './a.ts'")
    write(`${room}/c.ts`, "import type { A } from './a.ts'")
    expect(checkImports().stderr).toContain(circle)
  },
)

/** Returns Biome's report about one line in a file. */
function biome(file: string, line: string): string {
  write(file, line)
  const program = join(repository, 'node_modules/.bin/biome')
  const { stdout, stderr } = spawnSync(program, ['lint', file], { cwd: folder, encoding: 'utf8' })
  return stdout + stderr
}

test.each([
  ['src/net/b.ts', 'export const a = tls.createSecureContext({})'],
  ['src/storage/store/b.ts', 'export const a = process.env.HOME'],
  ['servers/smtp/b.ts', 'export const a = () => process.exit(1)'],
  ['test/b.ts', 'export const a = { rejectUnauthorized: false }'],
])('%s may not call: %s', (file, line) => {
  expect(biome(file, line)).toMatch(/ plugin /)
})

test.each([
  ['src/tls/negotiation/c.ts', 'export const a = tls.createSecureContext({})'],
  ['src/cli/c.ts', 'export const a = process.env.HOME'],
])('%s may call: %s', (file, line) => {
  const output = biome(file, line)
  expect(output).toContain('No fixes applied')
  expect(output).not.toMatch(/Found \d+ error/)
})
