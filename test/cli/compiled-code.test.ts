import { chownSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
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
