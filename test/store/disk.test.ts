import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkStore, openLmdbStore } from '../../src/store/lmdb/open.ts'
import { accountOwner } from '../../src/store/types.ts'
import { message, pattern } from '../contract/store.ts'
import { withTables } from '../support/lmdb-file.ts'
import { TestClock } from '../support/test-clock.ts'

const log = pino({ level: 'silent' })
const clock = new TestClock()
const alice = accountOwner('alice')
let folder: string
const open = () => openLmdbStore(folder, { clock, log })

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sealpost-disk-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a script against the built store in a process of its own. Prints what it says. */
function inProcess(script: string, limits: string[] = []): Promise<string> {
  const imports = `const { openLmdbStore } = await import(${JSON.stringify(new URL('../../dist/src/store/lmdb/open.js', import.meta.url))})
    const { pino } = await import('pino')
    const store = await openLmdbStore(${JSON.stringify(folder)}, { clock: { now: () => Date.now() }, log: pino({ level: 'silent' }) })
    const [inbox] = await store.listFolders('user:alice')
    const codeOf = (promise) => promise.then(() => 'stored', ({ code }) => code)
    `
  const node = [process.execPath, '--input-type=module', '-e', imports + script]
  const [program = '', ...args] = [...limits, ...node]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: new URL('../..', import.meta.url) })
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    child.once('error', reject)
    child.once('close', () => resolve(said))
  })
}

describe('an LMDB store on a disk that is full', () => {
  it('answers no-space, serves what is there, and takes mail again when there is room', async () => {
    {
      await using store = await open()
      const inbox = await store.createFolder(alice, 'INBOX')
      await store.append([{ raw: pattern(100_000), targets: [{ folderId: inbox.id }] }])
    }
    // A limit on the size of files stands for the disk's end; the signal that comes with it is ignored.
    const said = await inProcess(
      `const big = Buffer.alloc(500_000, 'x')
      let stored = 0, code
      while ((code = await codeOf(store.append([{ raw: big, targets: [{ folderId: inbox.id }] }]))) === 'stored') stored++
      const many = await Promise.all([big, Buffer.from('small'), big].map((raw) =>
        codeOf(store.append([{ raw, targets: [{ folderId: inbox.id }] }]))))
      const { exists } = await store.status(inbox.id)
      const first = (await store.read(inbox.id, 1)).length, last = (await store.read(inbox.id, exists)).length
      await store.expunge(inbox.id, [2, 3, 4])
      let again
      for (let i = 0; i < 3 && again !== 'stored'; i++) again = await codeOf(store.append([{ raw: big, targets: [{ folderId: inbox.id }] }]))
      await store[Symbol.asyncDispose]()
      console.log(JSON.stringify({ code, bigOnes: [many[0], many[2]], enough: stored > 5, first, last: last > 0, again }))`,
      ['sh', '-c', `trap '' XFSZ; ulimit -f 8000; exec "$@"`, 'sh'],
    )
    expect(JSON.parse(said)).toEqual({
      code: 'no-space',
      bigOnes: ['no-space', 'no-space'],
      enough: true,
      first: 100_000,
      last: true,
      again: 'stored',
    })
  })
})

describe('a process that is killed while messages come in pieces', () => {
  it('leaves nothing of them behind, and all that it acknowledged', async () => {
    {
      await using store = await open()
      const inbox = await store.createFolder(alice, 'INBOX')
      await store.append([message('kept', inbox)])
    }
    await inProcess(
      `async function* endless() { for (;;) yield Buffer.alloc(100_000, 'x') }
      const targets = [{ folderId: inbox.id }]
      for (let i = 0; i < 3; i++) store.append([{ raw: endless(), targets }]).catch(() => {})
      for (let i = 0; i < 20; i++) await store.append([{ raw: Buffer.from('acknowledged'), targets }])
      const { statSync } = await import('node:fs')
      while (statSync(${JSON.stringify(folder)} + '/messages.mdb').size < 3_000_000) await new Promise(setImmediate)
      process.kill(process.pid, 'SIGKILL')`,
    )
    expect(await checkStore(folder, log)).toEqual({ folders: 1, messages: 21, faults: [] })
    await using store = await open()
    const [inbox] = await store.listFolders(alice)
    expect(await store.status(inbox?.id ?? '')).toMatchObject({ exists: 21, uidNext: 22, sizeOctets: 4 + 20 * 12 })
    await store[Symbol.asyncDispose]()
    await withTables(folder, (table) => {
      expect([table('bodies').getCount(), table('doomed').getCount()]).toEqual([21, 0])
    })
  })
})

describe('an LMDB store in a folder that cannot be written to', () => {
  it('answers read-only and serves what is there', async () => {
    {
      await using store = await open()
      const inbox = await store.createFolder(alice, 'INBOX')
      await store.append([message('kept', inbox)])
    }
    for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o444)
    chmodSync(folder, 0o555)
    const said = await inProcess(
      `console.log(JSON.stringify([
        (await store.read(inbox.id, 1)).toString(),
        (await store.list(inbox.id)).length,
        await codeOf(store.append([{ raw: Buffer.from('x'), targets: [{ folderId: inbox.id }] }])),
        await codeOf(store.createFolder('user:alice', 'New')),
        await codeOf(store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\\\Seen'] })),
      ]))
      await store[Symbol.asyncDispose]()`,
      asNobody(),
    )
    chmodSync(folder, 0o755)
    expect(JSON.parse(said)).toEqual(['kept', 1, 'read-only', 'read-only', 'read-only'])
  })

  /** Root may write everywhere. */
  function asNobody(): string[] {
    if (process.getuid?.() !== 0) return []
    chownSync(folder, 65534, 65534)
    return ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
  }
})

describe('a second process on the folder of an LMDB store', () => {
  it('is refused with the pid of the first, which is told when it was killed from one that runs', async () => {
    const store = await open()
    await expect(open()).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining(`${process.pid}`) })
    await store[Symbol.asyncDispose]()
    // A process that is killed leaves its socket behind; that is no owner.
    await inProcess(`process.kill(process.pid, 'SIGKILL')`)
    expect(readdirSync(folder)).toContain('owner.sock')
    await using again = await open()
    expect(await again.listOwners()).toEqual([])
  })
})

it('is not needed, LMDB, where messages are kept in memory', () => {
  const script = `const { openStore } = await import(${JSON.stringify(new URL('../../dist/src/store/open.js', import.meta.url))})
    await openStore('memory', { clock: { now: () => 0 } })
    console.log(process.moduleLoadList.length > 0 && !process.report.getReport().sharedObjects.some((file) => /lmdb/.test(file)))`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(said.trim()).toBe('true')
})
