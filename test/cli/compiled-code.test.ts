import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Workplace } from '../support/sealpost.ts'

let place: Workplace
let stub: string
beforeEach(() => {
  place = new Workplace()
  // Also for versions of Node.js that keep no compiled code.
  const text = `require('node:module').enableCompileCache = (folder) =>
  require('node:fs').writeFileSync(process.env.KEPT, folder)`
  stub = place.write('stub.cjs', text)
})
afterEach(() => place.remove())

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

describe('where Node.js cannot keep compiled code', () => {
  let kept: string
  beforeEach(() => {
    stub = place.write('stub.cjs', `require('node:module').enableCompileCache = undefined`)
    kept = join(place.folder, '.cache/sealpost', `${process.version}-${process.arch}`)
  })

  const runVersion = (env: Record<string, string> = {}) =>
    place.runProcess(['--version'], {
      env: { NODE_OPTIONS: `--require ${stub}`, XDG_CACHE_HOME: '', HOME: place.folder, ...env },
    })
  const files = (): readonly string[] => readdirSync(kept).map((name) => join(kept, name))

  test('commands keep it, and use it', async () => {
    const { stdout } = await runVersion()
    expect(files()).not.toEqual([])
    const before = files().map((file) => readFileSync(file, 'latin1'))
    expect(await runVersion()).toMatchObject({ status: 0, stdout })
    expect(files().map((file) => readFileSync(file, 'latin1'))).toEqual(before)
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
