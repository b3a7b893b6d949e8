import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'
import { repository } from './packages.ts'

const folder = mkdtempSync(join(tmpdir(), 'sealpost-manifests-'))
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
const archives = [
  'darwin-arm64.tar.xz',
  'darwin-x64.tar.xz',
  'linux-arm64.tar.xz',
  'linux-x64.tar.xz',
  'win32-x64.zip',
].map((name) => `sealpost-${name}`)
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')
const urlOf = (name: string): string => `https://github.com/someone/mail-lab/releases/download/v${version}/${name}`
const read = (path: string): string => readFileSync(join(folder, path), 'utf8')
const make = () =>
  runProgram(
    process.execPath,
    ['scripts/packages.mjs', 'manifests', '--out', folder, '--repository', 'someone/mail-lab'],
    { cwd: repository },
  )

beforeAll(async () => {
  for (const name of archives) writeFileSync(join(folder, name), name)
  expect(await make()).toMatchObject({ status: 0, stderr: '' })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('manifests of package managers', () => {
  test('for Homebrew name each archive with its hash', async () => {
    const text = read('homebrew/sealpost.rb')
    const pairs = Array.from(text.matchAll(/url "(.*)"\n +sha256 "(.*)"/g), ([, url, hash]) => [url, hash])
    expect(pairs.sort()).toEqual(
      archives.filter((name) => name.endsWith('xz')).map((name) => [urlOf(name), hashOf(name)]),
    )
    expect(text).toContain(`version "${version}"`)
  })

  test.runIf(needs('ruby'))('for Homebrew are Ruby', async () => {
    expect(await runProgram('ruby', ['-c', join(folder, 'homebrew/sealpost.rb')])).toMatchObject({ status: 0 })
  })

  test('for Scoop name the archive for Windows with its hash', () => {
    const name = 'sealpost-win32-x64.zip'
    expect(JSON.parse(read('scoop/sealpost.json'))).toMatchObject({
      version,
      homepage: 'https://github.com/someone/mail-lab',
      architecture: { '64bit': { url: urlOf(name), hash: hashOf(name) } },
      autoupdate: {
        architecture: { '64bit': { url: urlOf(name).replace(version, '$version') } },
      },
    })
  })

  test('for winget name the archive for Windows with its hash', () => {
    const name = 'sealpost-win32-x64.zip'
    const files = ['', '.installer', '.locale.en-US'].map((part) => parse(read(`winget/Sealpost.Sealpost${part}.yaml`)))
    for (const file of files)
      expect(file).toMatchObject({
        PackageIdentifier: 'Sealpost.Sealpost',
        PackageVersion: version,
        ManifestVersion: '1.6.0',
      })
    expect(files.map(({ ManifestType }) => ManifestType)).toEqual(['version', 'installer', 'defaultLocale'])
    expect(files[1].Installers).toEqual([
      { Architecture: 'x64', InstallerUrl: urlOf(name), InstallerSha256: hashOf(name).toUpperCase() },
    ])
  })

  test('are not made if an archive is missing', async () => {
    rmSync(join(folder, 'sealpost-darwin-arm64.tar.xz'))
    const { status, stderr } = await make()
    expect([status, stderr]).toEqual([1, expect.stringContaining('sealpost-darwin-arm64.tar.xz is missing')])
  })
})
