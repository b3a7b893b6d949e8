import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import { Workplace } from '../support/sealpost.ts'

// Backups and Maildirs come from elsewhere. They must not lead to other files of the machine, and reading must end.

const CONFIG =
  'certificates: { store: certs, key: p256 }\nstore: { lmdb: data }\nvirtualServers: [{ protocol: smtp, port: 0 }]\n'
let place: Workplace
let config: string[]
let backup: string
beforeEach(async () => {
  place = new Workplace()
  config = ['--config', place.write('lab.yaml', CONFIG)]
  {
    await using lab = await startLab(join(place.folder, 'lab.yaml'), {})
    await lab.deliver('Subject: kept\r\n\r\nx\r\n', { to: 'alice@lab.test', from: 'bob@lab.test' }).catch(() => {})
  }
  const { stdout } = await place.run(['store', 'backup', 'backups', '--json', ...config])
  backup = join(place.folder, JSON.parse(stdout).backup)
  place.write('secret', 'Subject: of the owner\n\nsecret\n')
})

const restore = () => place.run(['store', 'restore', 'backups', '--json', ...config])

/** Puts something else in the place of a file. */
function replace(path: string, put: (path: string) => void): void {
  rmSync(path)
  put(path)
}
const link = (path: string): void => symlinkSync(join(place.folder, 'secret'), path)
const pipe = (path: string): void => void execFileSync('mkfifo', [path])
const folder = (path: string): void => void mkdirSync(path)

it.each([
  ['a link', link],
  ['a pipe', pipe],
  ['a link to a device', (path: string) => symlinkSync('/dev/zero', path)],
  ['a folder', folder],
])('a backup with %s instead of a file is refused', async (_, put) => {
  for (const file of ['messages.mdb', 'backup.json', 'certificates/store.json']) {
    const path = join(backup, file)
    const kept = readFileSync(path)
    replace(path, put)
    const { status, stderr } = await restore()
    expect([file, status, stderr]).toEqual([file, 1, expect.stringMatching(/is a (?:link|folder|device)/)])
    rmSync(path, { recursive: true })
    writeFileSync(path, kept)
  }
  expect((await restore()).status).toBe(0)
})

it.each(['../secret', 'keys/../../secret', 'keys/\n/../../secret', '/etc/passwd', 'keys\\..\\secret', ''])(
  'a backup that names the file "%s" is refused',
  async (path) => {
    const file = join(backup, 'certificates/store.json')
    const index = JSON.parse(readFileSync(file, 'utf8'))
    index.certificates[0].key = path
    writeFileSync(file, JSON.stringify(index))
    const { status, stderr } = await restore()
    expect([status, stderr]).toEqual([1, expect.stringContaining('which is outside of the store')])
  },
)

it('a backup whose messages were changed or cut is refused, and the store stays', async () => {
  const file = join(backup, 'messages.mdb')
  const octets = readFileSync(file)
  writeFileSync(file, octets.subarray(0, octets.length / 2))
  const { status, stderr } = await restore()
  expect([status, stderr]).toEqual([1, expect.stringContaining('messages.mdb is damaged')])
  expect((await place.run(['store', 'check', ...config])).status).toBe(0)
})

it.each([
  ['maildir', 'users/alice/INBOX/cur/1.M1.x:2,S'],
  ['eml', 'users/alice/INBOX/1.eml'],
])('import of %s follows no links and reads no pipes', async (format, name) => {
  const path = join(place.folder, 'mail', name)
  mkdirSync(join(path, '..'), { recursive: true })
  for (const put of [link, pipe]) {
    put(path)
    const { status, stderr } = await place.run(['store', 'import', 'mail', '--format', format, ...config])
    expect([status, stderr]).toEqual([1, expect.stringMatching(/is a (?:link|device)/)])
    rmSync(path)
  }
  renameSync(join(place.folder, 'secret'), path)
  expect((await place.run(['store', 'import', 'mail', '--format', format, ...config])).status).toBe(0)
})
