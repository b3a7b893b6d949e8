import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { accountOwner, type Owner } from '../../../src/storage/store/folder.ts'
import { ExportPaths, escapeLevel, unescapeLevel } from '../../../src/storage/store/formats/names.ts'
import { exportStore, type FormatName, formats, importStore } from '../../../src/storage/store/formats/transfer.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { newFolder } from '../../support/folder.ts'
import { TestClock } from '../../support/test-clock.ts'

const clock = new TestClock()
let folder: string
beforeEach(() => {
  folder = newFolder()
})

/** Names of mail folders of which earlier exports wrote some to the same place, or could not write some at all. */
const HARD_NAMES = [
  'INBOX',
  'INBOX/messages.json',
  'INBOX/000001.eml',
  'INBOX/cur',
  'INBOX/Cur',
  'INBOX/dovecot-keywords',
  'folders.json',
  'A',
  'A.mbox',
  'A.mbox/B',
  'A.MBOX/B',
  'a',
  'a/b',
  ':'.repeat(100),
  'x'.repeat(300),
  `${'x'.repeat(300)}/y`,
  `${'x'.repeat(299)}z`,
  'ü'.repeat(120),
  Array(80).fill('deep folder').join('/'),
  `${Array(80).fill('deep folder').join('/')}/more`,
  'caf\u00e9',
  'cafe\u0301',
  '100%',
  '%41',
  '..',
  '. ./ ',
  'con',
  'aux.txt',
  'C:\\temp',
]

async function put(store: MessageStore, owner: Owner, name: string, text: string): Promise<void> {
  const { id } = (await store.findFolder(owner, name)) ?? (await store.createFolder(owner, name))
  await store.append([{ raw: Buffer.from(text, 'latin1'), internalDate: 1e12, targets: [{ folderId: id }] }])
}

/** Returns the flags and texts of all messages by owner and folder. */
async function contents(store: MessageStore): Promise<Record<string, string[]>> {
  const all: Record<string, string[]> = {}
  for (const owner of await store.listOwners()) {
    for (const { id, name } of await store.listFolders(owner)) {
      const texts: string[] = []
      for (const { uid, flags } of await store.list(id))
        texts.push([...flags, (await store.read(id, uid))?.toString('latin1')].join(' '))
      all[`${owner} ${name}`] = texts
    }
  }
  return all
}

function filesBelow(path: string): string[] {
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)],
  )
}

describe.each(Object.keys(formats) as FormatName[])('an export as %s', (format) => {
  it('has a place of its own for every mail folder and account, whatever their names', async () => {
    const [store, again] = [new MemoryStore({ clock }), new MemoryStore({ clock })]
    for (const name of HARD_NAMES)
      await put(store, accountOwner('alice'), name, `Subject: ${name.length}\r\n\r\n${name}\r\n`)
    const accounts = [':'.repeat(100), 'a/b', 'Bob', 'bob', 'x'.repeat(250)]
    for (const user of accounts) await put(store, accountOwner(user), 'INBOX', `Subject: ${user}\r\n\r\nx\r\n`)
    await exportStore(store, folder, formats[format])
    await importStore(again, folder, formats[format])
    expect(await contents(again)).toEqual(await contents(store))
    const paths = filesBelow(folder).map((path) => relative(folder, path).normalize('NFC').toLowerCase())
    expect(new Set(paths).size).toBe(paths.length)
    for (const path of paths) for (const part of path.split('/')) expect(Buffer.byteLength(part)).toBeLessThan(200)
  })

  it('can be imported with every octet', async () => {
    const [store, again] = [new MemoryStore({ clock }), new MemoryStore({ clock })]
    const raws = [
      'Subject: bare CR\r\n\r\na\rb\r\nc\r\r\nFrom x\r\n\rFrom y\r\n',
      'Subject: bare LF\n\na\nb\r\n',
      'Subject: no end\r\n\r\nx',
      'Subject: two ends\r\n\r\nx\r\n\r\n\r\n',
      'Status: RO\r\nX-Keywords: mine\r\nX-Sealpost-Original: eA==\r\n\r\nx\r\n',
      ' starts with a continuation\r\n\r\nx\r\n',
      '\r\nno header\r\n',
      'no body\r\n',
      '>From the header\r\n\r\n>>From x\r\n',
      'Subject: octets\r\n\r\n\0\x85\xff\r\n',
      '\r',
    ]
    for (const raw of raws) await put(store, accountOwner('alice'), 'INBOX', raw)
    await exportStore(store, folder, formats[format])
    await importStore(again, folder, formats[format])
    expect(await contents(again)).toEqual(await contents(store))
  })

  it.skipIf(process.platform === 'win32')('can be read by its owner alone, whatever the umask', async () => {
    const store = new MemoryStore({ clock })
    await put(store, accountOwner('alice'), 'Archive/2025', 'Subject: x\r\n\r\nx\r\n')
    const root = join(folder, 'out')
    const umask = process.umask(0)
    try {
      await exportStore(store, root, formats[format])
    } finally {
      process.umask(umask)
    }
    const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((path) => join(root, path))
    for (const path of [root, ...paths]) {
      const { mode } = statSync(path)
      expect(`${path} ${(mode & 0o777).toString(8)}`).toBe(`${path} ${statSync(path).isDirectory() ? '700' : '600'}`)
    }
  })
})

it('an export of an older version, without a list of folders, can be imported', async () => {
  mkdirSync(join(folder, 'users', 'a%2Fb', 'A%3AB', '%63%75%72'), { recursive: true })
  writeFileSync(join(folder, 'users', 'a%2Fb', 'A%3AB', '%63%75%72', '000001.eml'), 'Subject: old\r\n\r\nx\r\n')
  mkdirSync(join(folder, 'users', 'carol', 'A.mbox'), { recursive: true })
  writeFileSync(join(folder, 'users', 'carol', 'A.mbox', '000001.eml'), 'Subject: old\r\n\r\ny\r\n')
  const store = new MemoryStore({ clock })
  await importStore(store, folder, formats.eml)
  expect(await contents(store)).toEqual({
    'user:a/b A:B/cur': ['Subject: old\r\n\r\nx\r\n'],
    'user:carol A.mbox': ['Subject: old\r\n\r\ny\r\n'],
  })
})

it('usual names are written as they are, and every escaped name can be read', () => {
  for (const name of ['INBOX', 'Sent Items', 'lab.general', 'Rechnungen-März', 'a+b@example.org']) {
    expect(escapeLevel(name)).toBe(name)
  }
  for (const name of HARD_NAMES.filter((each) => !each.includes('/')))
    expect(unescapeLevel(escapeLevel(name))).toBe(name)
  const paths = new ExportPaths()
  expect(paths.pathOf('A.mbox/B')).toBe('A%2Embox/B')
  expect(paths.pathOf('x'.repeat(300))).toMatch(/^x{60}%~[0-9a-f]{20}$/)
})
