import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Workplace } from '../support/sealpost.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))

let place: Workplace
beforeEach(() => {
  place = new Workplace()
})
afterEach(() => place.remove())

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  expect([status, stderr.replaceAll(/^npm (warn|notice).*\n/gm, '')]).toEqual([0, ''])
  return stdout
}

test('the packed package brings a command and a library that work', () => {
  // The tests run on what was built; packing must not build it anew under them.
  run('npm', ['pack', '--ignore-scripts', '--pack-destination', place.folder], repository)
  const [tarball] = readdirSync(place.folder).filter((name) => name.endsWith('.tgz'))
  const modules = join(place.folder, 'node_modules')
  const home = join(modules, 'sealpost')
  mkdirSync(home, { recursive: true })
  run('tar', ['-xzf', tarball as string, '--strip-components=1', '-C', home], place.folder)
  // Its dependencies, as they are installed here.
  symlinkSync(join(repository, 'node_modules'), join(home, 'node_modules'))

  const main = join(home, 'dist/src/cli/main.js')
  expect(run(process.execPath, [main, '--version'], place.folder)).toMatch(/^\d+\.\d+\.\d+\n$/)
  const script = `
    import { startLab } from 'sealpost'
    const lab = await startLab()
    console.log(lab.server('smtp').port > 0)
    await lab.stop()`
  expect(run(process.execPath, ['--input-type=module', '-e', script], place.folder)).toBe('true\n')
})

test('what is not for users stays out of it', () => {
  const [{ files }] = JSON.parse(run('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], repository)) as [
    { files: { path: string }[] },
  ]
  const tops = [...new Set(files.map(({ path }) => path.split('/')[0]))].sort()
  expect(tops).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'config', 'dist', 'package.json']))
  expect(tops.filter((top) => ['certs', 'test', 'src', 'servers', 'node_modules', 'data'].includes(top ?? ''))).toEqual(
    [],
  )
})
