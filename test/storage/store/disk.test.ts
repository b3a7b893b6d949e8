import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { pino } from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { checkStore, openLmdbStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import { accountOwner, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import { newFolder } from '../../support/folder.ts'
import { withTables } from '../../support/lmdb-file.ts'
import { withoutRootRights } from '../../support/root-rights.ts'
import { TestClock } from '../../support/test-clock.ts'
import { message, pattern } from '../contract/store-context.ts'

const log = pino({ level: 'silent' })
const clock = new TestClock()
const alice = accountOwner('alice')
let folder: string
const open = () => openLmdbStore(folder, { clock, log })

beforeEach(() => {
  folder = newFolder()
})

/** Runs a script with the built store in another process. Returns its output. */
function inProcess(script: string, limits: readonly string[] = []): Promise<string> {
  const imports = `const { openLmdbStore } = await import(${JSON.stringify(new URL('../../../dist/src/storage/store/engines/lmdb/open.js', import.meta.url))})
    const { pino } = await import('pino')
    const store = await openLmdbStore(${JSON.stringify(folder)}, { clock: { now: () => Date.now() }, log: pino({ level: 'silent' }) })
    const [inbox] = await store.listFolders('user:alice')
    const codeOf = (promise) => promise.then(() => 'stored', ({ code }) => code)
    `
  const node = [process.execPath, '--input-type=module', '-e', imports + script]
  const [program = '', ...args] = [...limits, ...node]
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: new URL('../../..', import.meta.url),
  })
  return new Promise((resolve, reject) => {
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    child.once('error', reject)
    child.once('close', () => resolve(output))
  })
}

describe('an LMDB store on a full disk', () => {
  it('throws no-space, can still be read, and takes mail again when space is free', async () => {
    {
      await using store = await open()
      const inbox = await store.createFolder(alice, 'INBOX')
      await store.append([{ raw: pattern(100_000), targets: [{ folderId: inbox.id }] }])
    }
    // A limit of the file size acts as a full disk. The signal that the limit causes is ignored.
    const output = await inProcess(
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
      console.log(JSON.stringify({ code, bigOnes: [many[0], many[2]], isSomeStored: stored > 5, first, last: last > 0, again }))`,
      ['sh', '-c', `trap '' XFSZ; ulimit -f 8000; exec "$@"`, 'sh'],
    )
    expect(JSON.parse(output)).toEqual({
      code: 'no-space',
      bigOnes: ['no-space', 'no-space'],
      isSomeStored: true,
      first: 100_000,
      last: true,
      again: 'stored',
    })
  })
})

describe('changes that are made at the same time and share a transaction', () => {
  it.each([
    ['alone', false],
    ['with changes of other kinds', true],
  ])('see each other, %s', async (_, isMixed) => {
    {
      await using store = await open()
      const inbox = await store.createFolder(alice, 'INBOX')
      const group = await store.createFolder(PUBLIC_OWNER, 'misc.test')
      await store.append([message('one', inbox), message('two', inbox)])
      const flag = (uid: number, flags: string[], mode: 'add' | 'remove' = 'add') =>
        store.setFlags(inbox.id, [uid], { mode, flags })
      const article = {
        raw: Buffer.from('article'),
        once: true,
        messageId: '<a@test>',
        targets: [{ folderId: group.id }],
      }
      const posted = [store.append([article]), store.append([article])]
      await Promise.all([
        flag(1, ['A']),
        flag(1, ['B']),
        store.append([message('three', inbox)]),
        ...(isMixed ? [store.copy(inbox.id, [1, 2], inbox.id), store.setState('key', 'value')] : []),
        flag(1, ['A'], 'remove'),
        flag(2, ['B']),
        store.append([message('four', inbox)]),
      ])
      const codes = (await Promise.allSettled(posted)).map((one) =>
        one.status === 'rejected' ? one.reason.code : 'stored',
      )
      expect(codes).toEqual(['stored', 'exists'])
    }
    await using store = await open()
    const [inbox] = await store.listFolders(alice)
    const entries = await store.list(inbox?.id ?? '')
    const copies = isMixed ? [['A', 'B'], []] : []
    expect(entries.map(({ flags }) => [...flags])).toEqual([['B'], ['B'], ...copies, [], []])
    expect(entries.map(({ uid }) => uid)).toEqual(entries.map((_, i) => i + 1))
    await store[Symbol.asyncDispose]()
    expect((await checkStore(folder, log)).faults).toEqual([])
  })
})

describe('a process that is killed while messages arrive in pieces', () => {
  it('loses no acknowledged message and leaves no part of the others', async () => {
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

describe('an LMDB store in a folder that is not writable', () => {
  it('can be read and rejects changes with read-only', async () => {
    {
      await using store = await open()
      const inbox = await store.createFolder(alice, 'INBOX')
      await store.append([message('kept', inbox)])
    }
    for (const file of readdirSync(folder)) chmodSync(join(folder, file), 0o444)
    chmodSync(folder, 0o555)
    const output = await inProcess(
      `console.log(JSON.stringify([
        (await store.read(inbox.id, 1)).toString(),
        (await store.list(inbox.id)).length,
        await codeOf(store.append([{ raw: Buffer.from('x'), targets: [{ folderId: inbox.id }] }])),
        await codeOf(store.createFolder('user:alice', 'New')),
        await codeOf(store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\\\Seen'] })),
      ]))
      await store[Symbol.asyncDispose]()`,
      withoutRootRights,
    )
    chmodSync(folder, 0o755)
    expect(JSON.parse(output)).toEqual(['kept', 1, 'read-only', 'read-only', 'read-only'])
  })
})

describe('a second process on the folder of an LMDB store', () => {
  it('is refused with the pid of the first while that runs, not after it was killed', async () => {
    const store = await open()
    await expect(open()).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining(`${process.pid}`) })
    await store[Symbol.asyncDispose]()
    // A killed process leaves its socket, but no process answers there.
    await inProcess(`process.kill(process.pid, 'SIGKILL')`)
    expect(readdirSync(folder)).toContain('owner.sock')
    await using again = await open()
    expect(await again.listOwners()).toEqual([])
    expect(readdirSync(folder).filter((name) => name.startsWith('owner.sock'))).toEqual(['owner.sock'])
  })
})

it('a folder is in use as long as a process has its socket, also if it does not answer', async () => {
  const silent = createServer(() => {}).listen(join(folder, 'owner.sock'))
  try {
    await once(silent, 'listening')
    await expect(open()).rejects.toMatchObject({ code: 'in-use', message: expect.stringContaining('does not answer') })
  } finally {
    silent.close()
  }
})

it('a store in memory does not load LMDB', () => {
  const script = `const { openStore } = await import(${JSON.stringify(new URL('../../../dist/src/storage/store/open.js', import.meta.url))})
    await openStore('memory', { clock: { now: () => 0 } })
    console.log(process.moduleLoadList.length > 0 && !process.report.getReport().sharedObjects.some((file) => /lmdb/.test(file)))`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(output.trim()).toBe('true')
})
