import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, expect, test } from 'vitest'
import { newFolder } from '../support/folder.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
let folder: string
beforeEach(() => {
  folder = newFolder()
})

const run = (...args: readonly string[]) => spawnSync(process.execPath, args, { cwd: repository, encoding: 'utf8' })

interface Locked {
  readonly version: string
  readonly license?: string
  readonly dev?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
}

/** Checks a lock file with these packages, which `a` begins. */
function check(packages: Readonly<Record<string, Locked>>) {
  const lock = { lockfileVersion: 3, packages: { '': { dependencies: { a: '1' } }, ...packages } }
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock))
  return run('scripts/lint/licences.mjs', folder)
}

test('every licence of the dependencies is compatible with MIT', () => {
  expect(run('scripts/lint/licences.mjs')).toMatchObject({ status: 0, stderr: '' })
})

test.each([
  ['no licence', undefined, 'node_modules/b 2.0.0 has no licence'],
  ['a licence that demands more', 'GPL-3.0', 'the licence GPL-3.0 is not compatible with MIT'],
  ['two licences, one of which demands more', 'MIT AND GPL-3.0', 'is not compatible with MIT'],
  ['text instead of an identifier', 'SEE LICENSE IN LICENSE.txt', 'is not compatible with MIT'],
])('a dependency of a dependency with %s is a problem', (_, license, problem) => {
  const { status, stderr } = check({
    'node_modules/a': { version: '1.0.0', license: 'MIT', dependencies: { b: '2' } },
    'node_modules/b': { version: '2.0.0', ...(license !== undefined && { license }) },
  })
  expect([status, stderr]).toEqual([1, expect.stringContaining(problem)])
})

test.each(['(MIT OR GPL-3.0)', 'ISC', 'MIT AND BSD-3-Clause'])('%s is compatible', (license) => {
  expect(check({ 'node_modules/a': { version: '1.0.0', license } }).status).toBe(0)
})

test('a package is found in the nearest folder, and development tools do not count', () => {
  const { status, stderr } = check({
    'node_modules/a': { version: '1.0.0', license: 'MIT', dependencies: { b: '2' } },
    'node_modules/a/node_modules/b': { version: '2.0.0', license: 'GPL-3.0' },
    'node_modules/b': { version: '1.0.0', license: 'MIT' },
    'node_modules/tool': { version: '1.0.0', license: 'AGPL-3.0', dev: true },
  })
  expect([status, stderr]).toEqual([1, expect.stringMatching(/a\/node_modules\/b 2\.0\.0(?!.*tool)/s)])
})

test('the bill of materials lists what runs, with checksums and licences, and no development tools', () => {
  const file = join(folder, 'sbom.json')
  expect(run('scripts/sbom.mjs', file)).toMatchObject({ status: 0, stderr: '' })
  const bom = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly bomFormat: string
    readonly metadata: { readonly component: { readonly name: string; readonly version: string } }
    readonly components: readonly {
      readonly name: string
      readonly version: string
      readonly scope: string
      readonly hashes: readonly object[]
      readonly licenses: readonly object[]
    }[]
  }
  const own = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'))
  expect(bom.bomFormat).toBe('CycloneDX')
  expect(bom.metadata.component).toMatchObject({ name: 'sealpost', version: own.version })
  const required = bom.components.filter(({ scope }) => scope === 'required')
  const versions = Object.fromEntries(required.map(({ name, version }) => [name, version]))
  expect(versions).toMatchObject(own.dependencies)
  // A dependency of a dependency, which a development tool needs as well.
  expect(versions).toHaveProperty('iconv-lite')
  expect(bom.components.find(({ name }) => name === 'lmdb')?.scope).toBe('optional')
  expect(bom.components.filter(({ hashes, licenses }) => !hashes?.length || !licenses?.length)).toEqual([])
  expect(
    bom.components
      .filter(({ name }) => name in own.devDependencies)
      .map(({ name }) => name)
      .sort(),
  ).toEqual(['@modelcontextprotocol/server', 'acme-client', 'lmdb', 'oidc-provider', 'pg'])
})
