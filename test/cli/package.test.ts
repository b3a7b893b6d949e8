import { spawnSync } from 'node:child_process'
import { mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import { mainFile, Workplace } from '../support/sealpost.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))

const place = new Workplace()
let packed: {
  readonly filename: string
  readonly size: number
  readonly files: readonly { readonly path: string; readonly mode: number }[]
}

beforeAll(() => {
  // Without scripts: packing must not rebuild dist/, which other tests use.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', place.folder]
  const [only] = JSON.parse(run('npm', args, repository)) as [typeof packed]
  packed = only
})

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  expect([status, stderr.replaceAll(/^npm (warn|notice).*\n/gm, '')]).toEqual([0, ''])
  return stdout
}

test('the packed package has a command and a library that work', () => {
  const modules = join(place.folder, 'node_modules')
  const home = join(modules, 'sealpost')
  mkdirSync(home, { recursive: true })
  run('tar', ['-xzf', packed.filename, '--strip-components=1', '-C', home], place.folder)
  // Uses the installed dependencies of the checkout.
  symlinkSync(join(repository, 'node_modules'), join(home, 'node_modules'))

  // As npx runs it: the file itself must be executable.
  expect(run(join(home, 'dist/src/cli/main.js'), ['--version'], place.folder)).toMatch(/^\d+\.\d+\.\d+\n$/)
  const sendmail = run(join(home, 'dist/src/cli/sendmail/main.js'), ['--version'], place.folder)
  expect(sendmail).toMatch(/^sealpost sendmail \d+\.\d+\.\d+\n$/)
  const script = `
    import { startLab } from 'sealpost'
    const lab = await startLab()
    console.log(lab.server('smtp').port > 0)
    await lab.stop()`
  expect(run(process.execPath, ['--input-type=module', '-e', script], place.folder)).toBe('true\n')

  // CommonJS as in Jest: `require` loads no ES module, ours or a package's.
  const commonjs = `
    const { startLab } = require('sealpost')
    startLab().then(async (lab) => {
      await lab.deliver({ subject: 'hello', html: '<a href="https://lab.test/1">one</a>' }, 'bob')
      console.log(String((await lab.waitForMessage('bob')).links))
      await lab.stop()
    })`
  const flags = ['--no-experimental-require-module', '--input-type=commonjs']
  expect(run(process.execPath, [...flags, '-e', commonjs], place.folder)).toBe('https://lab.test/1\n')
})

test('the package has at most 3 MB and 300 files', () => {
  expect(packed.size).toBeLessThan(3_000_000)
  expect(packed.files.length).toBeLessThanOrEqual(300)
})

test('a program that imports and requires the library has it once', () => {
  const script = `
    import { createRequire } from 'node:module'
    import { ConfigError, startLab } from 'sealpost'
    const required = createRequire(import.meta.url)('sealpost')
    console.log(required.startLab === startLab, required.ConfigError === ConfigError)`
  expect(run(process.execPath, ['--input-type=module', '-e', script], repository)).toBe('true true\n')
})

test('the package contains no sources, tests or data', () => {
  const tops = [...new Set(packed.files.map(({ path }) => path.split('/')[0] ?? ''))].sort()
  expect(tops).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'config', 'dist', 'package.json']))
  expect(tops.filter((top) => ['certs', 'test', 'src', 'servers', 'node_modules', 'data'].includes(top))).toEqual([])
})

test('npx sealpost runs in a checkout after a build', () => {
  expect(statSync(mainFile).mode & 0o111).toBe(0o111)
  expect(packed.files.find(({ path }) => path === 'dist/src/cli/main.js')?.mode).toBe(0o755)
  expect(run('npx', ['--no', 'sealpost', '--version'], repository)).toMatch(/^\d+\.\d+\.\d+\n$/)
})
