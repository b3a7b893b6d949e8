import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from '../support/folder.ts'
import { DEBIAN_PYTHON, needs, needsModule } from '../support/programs.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(join(repository, 'docs/python.md'), 'utf8')
const isReady = needs('mypy') && ['pytest', 'setuptools', 'pip'].every((name) => needsModule('python', name))

/** The tests of clients/python in a folder of their own, with the package that pip installs from it. */
describe.skipIf(!isReady)('the Python library', () => {
  let folder: string
  beforeAll(async () => {
    folder = newFolder()
    cpSync(join(repository, 'clients/python'), folder, { recursive: true })
    const install = ['install', '--no-build-isolation', '--no-index', '--quiet', '--target', 'installed', '.']
    const { status, stderr } = await run(DEBIAN_PYTHON, ['-m', 'pip', ...install])
    expect(status, stderr).toBe(0)
  })

  const run = (program: string, args: readonly string[]): Promise<ProgramResult> =>
    runProgram(program, args, {
      cwd: folder,
      env: {
        PYTHONPATH: join(folder, 'installed'),
        MYPYPATH: join(folder, 'installed'),
        PYTHONDONTWRITEBYTECODE: '1',
        SEALPOST_URL: '',
        SEALPOST_TOKEN: '',
        SEALPOST_COMMAND: `${process.execPath} ${join(repository, 'dist/src/cli/main.js')}`,
      },
      timeoutMs: 300_000,
    })

  it('has types that mypy accepts for Python 3.9', async () => {
    const { status, stdout } = await run('mypy', ['--python-version', '3.9', 'installed/sealpost', 'tests'])
    expect(status, stdout).toBe(0)
  }, 300_000)

  it('passes its tests with a lab in a process, as pip has installed it', async () => {
    const tests = await run(DEBIAN_PYTHON, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'tests'])
    expect(tests.status, tests.stdout).toBe(0)
    expect(tests.stdout).toMatch(/\d+ passed/)
  }, 300_000)

  it('does what its page says', async () => {
    for (const [, indent = '', path = '', code = ''] of page.matchAll(/^( *)```python\n *# (\S+\.py)\n(.*?)^ *```$/gms))
      writeFileSync(join(folder, path), code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''))
    const types = await run('mypy', ['--strict', 'test_shop.py', 'program.py'])
    expect(types.status, types.stdout).toBe(0)
    const tests = await run(DEBIAN_PYTHON, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'test_shop.py'])
    expect(tests.stdout).toMatch(/^4 passed/m)
    expect(await run(DEBIAN_PYTHON, ['program.py'])).toMatchObject({ status: 0, stdout: "['123456']\n" })
  }, 300_000)
})
