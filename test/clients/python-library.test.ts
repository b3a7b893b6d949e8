import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DEBIAN_PYTHON, needs, needsModule } from '../support/programs.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const isReady = needs('mypy') && ['pytest', 'setuptools', 'pip'].every((name) => needsModule('python', name))

/** The tests of clients/python in a folder of their own, with the package that pip installs from it. */
describe.skipIf(!isReady)('the Python library', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'sealpost-python-'))
    cpSync(join(repository, 'clients/python'), folder, { recursive: true })
  }, 300_000)
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const run = (program: string, args: readonly string[]): Promise<ProgramResult> =>
    runProgram(program, args, {
      cwd: folder,
      env: {
        PYTHONPATH: join(folder, 'installed'),
        PYTHONDONTWRITEBYTECODE: '1',
        SEALPOST_URL: '',
        SEALPOST_TOKEN: '',
        SEALPOST_COMMAND: `${process.execPath} ${join(repository, 'dist/src/cli/main.js')}`,
      },
      timeoutMs: 300_000,
    })

  it('has types that mypy accepts for Python 3.9', async () => {
    const { status, stdout } = await run('mypy', ['--python-version', '3.9', 'src', 'tests'])
    expect(status, stdout).toBe(0)
  }, 300_000)

  it('is installed from its folder, and passes its tests with a lab in a process', async () => {
    const install = ['install', '--no-build-isolation', '--no-index', '--quiet', '--target', 'installed', '.']
    const { status, stderr } = await run(DEBIAN_PYTHON, ['-m', 'pip', ...install])
    expect(status, stderr).toBe(0)
    rmSync(join(folder, 'src'), { recursive: true })
    const tests = await run(DEBIAN_PYTHON, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', 'tests'])
    expect(tests.status, tests.stdout).toBe(0)
    expect(tests.stdout).toMatch(/\d+ passed/)
  }, 300_000)
})
