import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { workplaceOfEach } from '../support/sealpost.ts'

const place = workplaceOfEach()
let stub: string
beforeEach(() => {
  // Also for versions of Node.js that keep no compiled code.
  const text = `require('node:module').enableCompileCache = (folder) =>
  require('node:fs').writeFileSync(process.env.KEPT, folder)`
  stub = place.write('stub.cjs', text)
})

/** Returns the folder in which a command keeps compiled code. */
async function folderFor(env: Record<string, string>): Promise<string | undefined> {
  const kept = join(place.folder, 'kept')
  const all = { NODE_OPTIONS: `--require ${stub}`, KEPT: kept, XDG_CACHE_HOME: '', ...env }
  const { status } = await place.runProcess(['--version'], { env: all })
  expect(status).toBe(0)
  return existsSync(kept) ? readFileSync(kept, 'utf8') : undefined
}

test('compiled code is kept in the cache of the user', async () => {
  expect(await folderFor({ HOME: place.folder })).toBe(join(place.folder, '.cache/sealpost'))
  expect(await folderFor({ XDG_CACHE_HOME: join(place.folder, 'x') })).toBe(join(place.folder, 'x/sealpost'))
})

test('a relative folder is not used', async () => {
  expect(await folderFor({ HOME: '', XDG_CACHE_HOME: 'x' })).toBeUndefined()
})

test('no code is kept in the folder of another user', async () => {
  const home = join(place.folder, 'home')
  mkdirSync(home)
  const isRoot = process.getuid?.() === 0
  // Nobody but root can give a folder away.
  if (isRoot) chownSync(home, 65_534, 65_534)
  expect(await folderFor({ HOME: isRoot ? home : '/' })).toBeUndefined()
})

test.each([
  ['a folder that a group can write', (ours: string) => chmodSync(ours, 0o775)],
  ['a folder that all can write', (ours: string) => chmodSync(ours, 0o757)],
  ['a folder in which all can write a folder', (ours: string) => chmodSync(join(ours, 'v20'), 0o777), 0o755],
])('no code is kept in %s', async (_name, open, mode = 0o700) => {
  const ours = join(place.folder, '.cache/sealpost')
  mkdirSync(join(ours, 'v20'), { recursive: true })
  chmodSync(ours, mode)
  expect(await folderFor({ HOME: place.folder })).toBe(ours)
  rmSync(join(place.folder, 'kept'))
  open(ours)
  expect(await folderFor({ HOME: place.folder })).toBeUndefined()
})

test('no code is kept behind a symbolic link', async () => {
  mkdirSync(join(place.folder, '.cache'))
  mkdirSync(join(place.folder, 'elsewhere'), { mode: 0o700 })
  symlinkSync(join(place.folder, 'elsewhere'), join(place.folder, '.cache/sealpost'))
  expect(await folderFor({ HOME: place.folder })).toBeUndefined()
})

test('a command runs although keeping its code fails', async () => {
  stub = place.write('stub.cjs', `require('node:module').enableCompileCache = () => { throw new Error('no') }`)
  expect(await folderFor({ HOME: place.folder })).toBeUndefined()
})

describe('where Node.js cannot keep compiled code', () => {
  let all: string
  let kept: string
  beforeEach(() => {
    stub = place.write('stub.cjs', `require('node:module').enableCompileCache = undefined`)
    all = join(place.folder, '.cache/sealpost/commands')
    // The options of this process are others.
    const tag = ['-p', 'require("node:v8").cachedDataVersionTag().toString(16)']
    const options = execFileSync(process.execPath, tag, { encoding: 'utf8' }).trim()
    kept = join(all, `${process.version}-${process.arch}-${options}`)
  })

  const run = (args: readonly string[], env: Record<string, string> = {}) =>
    place.runProcess(args, {
      env: { NODE_OPTIONS: `--require ${stub}`, XDG_CACHE_HOME: '', HOME: place.folder, ...env },
    })
  const runVersion = (env: Record<string, string> = {}) => run(['--version'], env)
  const files = (): readonly string[] => readdirSync(kept).map((name) => join(kept, name))

  test('commands keep it, and use it', async () => {
    const { stdout } = await runVersion()
    expect(files()).not.toEqual([])
    const before = files().map((file) => readFileSync(file, 'latin1'))
    expect(await runVersion()).toMatchObject({ status: 0, stdout })
    expect(files().map((file) => readFileSync(file, 'latin1'))).toEqual(before)
  })

  test('other options of V8 have a folder of their own', async () => {
    await runVersion()
    const before = files().map((file) => readFileSync(file, 'latin1'))
    const limited = { NODE_OPTIONS: `--require ${stub} --stack-trace-limit=5` }
    expect(await runVersion(limited)).toMatchObject({ status: 0 })
    expect(readdirSync(all)).toHaveLength(2)
    expect(files().map((file) => readFileSync(file, 'latin1'))).toEqual(before)
  })

  test('kept code imports packages', async () => {
    const p12 = (name: string) => ['ca', 'user', 'Alice', '--email', 'a@lab.test', '--out', name, '--password', 'x']
    await run(p12('first.p12'))
    const before = files().map((file) => readFileSync(file, 'latin1'))
    expect(await run(p12('second.p12'))).toMatchObject({ status: 0 })
    expect(existsSync(join(place.folder, 'second.p12'))).toBe(true)
    expect(files().map((file) => readFileSync(file, 'latin1'))).toEqual(before)
  })

  test('code that was written long ago is removed when code is written, and nothing else', async () => {
    const other = join(place.folder, '.cache/sealpost/other')
    const old = [join(all, 'v1-x64'), join(kept, 'old')]
    for (const folder of [kept, join(all, 'v1-x64'), other]) mkdirSync(folder, { recursive: true, mode: 0o700 })
    for (const file of [join(all, 'v1-x64/code'), join(kept, 'old'), join(kept, 'new')]) writeFileSync(file, '')
    for (const path of [...old, other]) utimesSync(path, 1e9, 1e9)
    await runVersion()
    expect(old.filter((path) => existsSync(path))).toEqual([])
    expect([join(kept, 'new'), other].filter((path) => existsSync(path))).toHaveLength(2)
  })

  test('no unfinished file stays', async () => {
    await runVersion()
    const [first = ''] = files()
    rmSync(first)
    // A file cannot replace a folder.
    mkdirSync(first)
    expect(await runVersion()).toMatchObject({ status: 0 })
    expect(files().filter((file) => file.startsWith(`${first}.`))).toEqual([])
  })

  test('damaged code is not used, and is replaced', async () => {
    const { stdout } = await runVersion()
    for (const damage of [
      (octets: Buffer) => octets.fill(0xff, octets.length >> 1),
      (octets: Buffer) => octets.subarray(9),
    ]) {
      const damaged = files().map((file) => damage(readFileSync(file)))
      for (const [at, file] of files().entries()) writeFileSync(file, damaged[at] as Buffer)
      expect(await runVersion()).toMatchObject({ status: 0, stdout })
      for (const [at, file] of files().entries()) expect(readFileSync(file).equals(damaged[at] as Buffer)).toBe(false)
    }
  })

  test('NODE_DISABLE_COMPILE_CACHE turns it off', async () => {
    expect(await runVersion({ NODE_DISABLE_COMPILE_CACHE: '1' })).toMatchObject({ status: 0 })
    expect(existsSync(kept)).toBe(false)
  })
})
