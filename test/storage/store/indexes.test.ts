import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { checkStore, openLmdbStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import { accountOwner, type Folder, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import { applyRetention } from '../../../src/storage/store/retention.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import { startLab } from '../../../src/testing/index.ts'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import { type RawTable, withTables } from '../../support/lmdb-file.ts'
import { log } from '../../support/log.ts'
import { isLong } from '../../support/long.ts'
import { TestClock } from '../../support/test-clock.ts'
import { message, pattern, pieces } from '../contract/store-context.ts'

const clock = new TestClock()
const alice = accountOwner('alice')
const newsgroup = { description: 'Talk', posting: 'yes', createdAt: 0, createdBy: 'lab' } as const
let folder: string
const open = () => openLmdbStore(folder, { clock, log })

beforeEach(() => {
  folder = newFolder()
})

/** Creates a mailbox and a newsgroup with ten messages each, some of them with flags. */
async function fill(): Promise<{ inbox: Folder; group: Folder }> {
  await using store = await open()
  const inbox = await store.createFolder(alice, 'INBOX')
  const group = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
  for (let i = 1; i <= 10; i++) {
    await store.append([{ ...message(`Subject: s${i}\r\n\r\nx\r\n`, inbox, group), messageId: `<${i}@x>` }])
  }
  await store.setFlags(inbox.id, [2, 3], { mode: 'add', flags: ['Work', '\\Seen'] })
  await store.setFlags(inbox.id, [4], { mode: 'add', flags: ['\\Deleted'] })
  return { inbox, group }
}

/** Adds messages, so that the folders are not read in one step. */
async function grow({ inbox, group }: { inbox: Folder; group: Folder }): Promise<void> {
  await using store = await open()
  await store.append(Array.from({ length: 690 }, () => message('Subject: more\r\n\r\nx\r\n', inbox, group)))
}

/** Replaces entries in the file by null, so that reading them fails. */
const breakEntries = (...entries: readonly (readonly [folder: Folder, uid: number])[]): Promise<void> =>
  withTables(folder, (table) => {
    for (const [{ id }, uid] of entries) table('entries').putSync([id, uid], null)
  })

describe('an LMDB store reads one message without reading the rest of its folder', () => {
  let store: MessageStore
  let inbox: Folder
  let group: Folder
  beforeEach(async () => {
    const folders = await fill()
    inbox = folders.inbox
    group = folders.group
    await grow(folders)
    await breakEntries([inbox, 300], [group, 600])
    store = await open()
  })
  afterEach(() => store[Symbol.asyncDispose]())

  it('while reading the whole folder fails because of a broken entry', async () => {
    const index = await store.snapshot(inbox.id)
    await expect(store.list(inbox.id)).rejects.toThrow()
    expect(() => [...index.entries]).toThrow()
    await expect(store.list(group.id, { from: 599, to: 601 })).rejects.toThrow()
    expect((await store.entry(inbox.id, 4))?.flags).toEqual(['\\Deleted'])
  })

  it('to open a folder: its counts, flags and first unseen message', async () => {
    const opened = await store.snapshot(inbox.id)
    expect(opened).toMatchObject({ exists: 700, unseen: 698, firstUnseen: 1, lowestUid: 1, highestUid: 700 })
    expect(opened.flags.toSorted()).toEqual(['Work', '\\Deleted', '\\Seen'])
    expect([opened.entries.length, opened.entries.at(3)?.uid, opened.entries.at(699)?.uid]).toEqual([700, 4, 700])
  })

  it('by number, range and Message-ID, and for its overview', async () => {
    expect((await store.read(group.id, 6))?.toString()).toBe('Subject: s6\r\n\r\nx\r\n')
    for await (const piece of store.stream(group.id, 7)) expect(piece.toString()).toContain('s7')
    expect((await store.list(group.id, { from: 601, to: 999 })).length).toBe(100)
    expect((await store.list(group.id, { from: 1, to: 599 })).length).toBe(599)
    expect(await store.status(group.id)).toMatchObject({ exists: 700, lowestUid: 1, highestUid: 700 })
    expect(await store.locate('<8@x>')).toMatchObject([{ uid: 8 }])
    expect(await store.overview(group.id, 8)).toMatchObject({ subject: 's8' })
  })

  it('to append, flag, copy, move and expunge', async () => {
    await store.append([{ ...message('new', inbox), targets: [{ folderId: inbox.id, flags: ['WORK'] }] }])
    expect((await store.entry(inbox.id, 701))?.flags).toEqual(['Work'])
    const { entries } = await store.setFlags(inbox.id, [6], { mode: 'add', flags: ['work'] })
    expect(entries.map(({ flags }) => flags)).toEqual([['Work']])
    expect((await store.copy(inbox.id, [2], inbox.id)).to).toEqual([702])
    expect((await store.move(inbox.id, [3], group.id)).to).toEqual([701])
    expect(await store.expunge(inbox.id, [1])).toEqual([1])
    expect(await store.status(inbox.id)).toMatchObject({ exists: 700, deleted: 1 })
  })

  it('to delete the oldest messages for retention', async () => {
    expect(await applyRetention(store, [{ folders: 'lab.*', keep: { count: 690 } }], clock.now())).toBe(10)
    expect((await store.status(group.id)).lowestUid).toBe(11)
  })

  it('to list the changes since a modSeq', async () => {
    const { highestModSeq } = await store.status(inbox.id)
    await store.setFlags(inbox.id, [7, 1], { mode: 'add', flags: ['\\Seen'] })
    await store.append([message('new', inbox)])
    const changed = await store.changedSince(inbox.id, highestModSeq)
    expect(changed.map(({ uid }) => uid)).toEqual([1, 7, 701])
  })
})

describe('an open folder of an LMDB store', () => {
  it('stays as it was when it was opened, although its entries are read later', async () => {
    const folders = await fill()
    await grow(folders)
    const { inbox } = folders
    const factsOf = ({ uid, flags, modSeq }: MessageEntry) => [uid, modSeq, ...flags]
    const first = await open()
    const before = (await first.list(inbox.id)).map(factsOf)
    await first[Symbol.asyncDispose]()
    await using again = await open()
    const opened = await again.snapshot(inbox.id)
    await again.setFlags(inbox.id, [5, 600], { mode: 'add', flags: ['\\Flagged'] })
    await again.expunge(inbox.id, [7, 300, 301])
    await again.append([message('late', inbox)])
    await again.move(inbox.id, [650], inbox.id)
    const changed = await again.snapshot(inbox.id)
    expect(Array.from(opened.entries, factsOf)).toEqual(before)
    expect(Array.from(changed.entries, factsOf)).toEqual((await again.list(inbox.id)).map(factsOf))
    await again.deleteFolder(inbox.id)
    expect(changed.entries.length).toBe(698)
    expect(new Set(Array.from(changed.entries, ({ uid }) => uid)).size).toBe(698)
  })
})

describe('an LMDB store that loads a large folder', () => {
  it('yields to other sessions, and includes their changes', async () => {
    const total = isLong ? 50_000 : 2_500
    let id: string
    {
      await using store = await open()
      const inbox = await store.createFolder(alice, 'INBOX')
      id = inbox.id
      await store.append(Array.from({ length: total / 10 }, (_, i) => message(`${i}`, inbox)))
      const uids = Array.from({ length: total / 10 }, (_, i) => i + 1)
      for (let copies = 0; copies < 9; copies++) await store.copy(id, uids, id)
    }
    let read: unknown
    {
      await using store = await open()
      // On a fast machine, too, every look at the clock advances it: in the short form by a whole time slice.
      let nowMs = performance.now()
      using _clock = vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += isLong ? 1 : 25))
      let isLoaded = false
      let turns = 0
      const loading = store.list(id).finally(() => {
        isLoaded = true
      })
      const turn = async (): Promise<void> => {
        while (!isLoaded) {
          await new Promise(setImmediate)
          turns++
        }
      }
      const changes = async (): Promise<void> => {
        for (let i = 1; !isLoaded; i++) {
          await store.setFlags(id, [i, total - i], { mode: 'add', flags: ['\\Seen'] })
          await store.expunge(id, [total / 5 + i, (total / 5) * 4 + i])
          await store.append([{ raw: Buffer.from('new'), targets: [{ folderId: id }] }])
        }
      }
      await Promise.all([loading, turn(), changes()])
      expect(turns).toBeGreaterThan(4)
      read = await store.snapshot(id)
    }
    await using again = await open()
    expect(await again.snapshot(id)).toEqual(read)
  })

  it('rejects with not-found if the folder is deleted meanwhile', async () => {
    await using store = await open()
    const inbox = await store.createFolder(alice, 'INBOX')
    const messages = Array.from({ length: 1_000 }, () => message('x', inbox))
    for (let batches = 0; batches < (isLong ? 30 : 3); batches++) await store.append(messages)
    await store[Symbol.asyncDispose]()
    await using again = await open()
    const [deleted, snapshot] = await Promise.allSettled([again.deleteFolder(inbox.id), again.snapshot(inbox.id)])
    expect(deleted.status).toBe('fulfilled')
    // Either may be first. Afterwards the folder does not exist.
    if (snapshot.status === 'rejected') expect(snapshot.reason).toMatchObject({ code: 'not-found' })
    await expect(again.snapshot(inbox.id)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('rejects with closed if the store is closed meanwhile', async () => {
    const { inbox } = await fill()
    const store = await open()
    const loading = store.snapshot(inbox.id).catch((error: unknown) => error)
    await store[Symbol.asyncDispose]()
    await loading
    await expect(store.snapshot(inbox.id)).rejects.toMatchObject({ code: 'closed' })
    await expect(store.read(inbox.id, 1)).rejects.toMatchObject({ code: 'closed' })
  })
})

it('an LMDB store answers OVER and HDR without reading articles, also after a restart', async () => {
  const newsgroups = [{ name: 'lab.general' }]
  const start = () =>
    startLab({
      store: { lmdb: folder },
      news: { groups: newsgroups },
      virtualServers: [{ protocol: 'nntp', port: 0, tlsPort: 'off' }],
    })
  const ask = async (...commands: readonly string[]): Promise<string[]> => {
    await using lab = await start()
    const client = await LineClient.greeted(lab.server('nntp').port ?? 0)
    const answers: string[] = []
    for (const command of commands) {
      client.send(`${command}\r\n`)
      const first = (await client.line()) ?? ''
      const isList = /^22[0245]/.test(first)
      answers.push(...(isList ? (await client.lines((line) => line === '.')).slice(0, -1) : [first]))
    }
    client.destroy()
    return answers
  }
  const article =
    'From: a@lab.test\r\nNewsgroups: lab.general\r\nSubject: kept\r\nMessage-ID: <1@x>\r\n\r\none\r\ntwo\r\n.'
  expect(await ask('POST', article)).toEqual([expect.stringMatching(/^340 /), expect.stringMatching(/^240 /)])
  const queries = ['GROUP lab.general', 'OVER 1', 'HDR Subject 1', 'HDR :lines 1', 'HDR Newsgroups 1'] as const
  const before = await ask(...queries)
  expect(before).toEqual([
    expect.stringMatching(/^211 1 1 1 /),
    expect.stringMatching(/^1\tkept\ta@lab\.test\t.*\t<1@x>\t\t\d+\t2\tXref: /),
    '1 kept',
    '1 2',
    '1 lab.general',
  ])
  await withTables(folder, (table) => table('bodies').clearSync())
  expect(await ask(...queries)).toEqual([...before.slice(0, 4), '1 '])
})

it('an LMDB store answers ENVELOPE and BODY[HEADER] without the bodies of large messages', async () => {
  {
    await using store = await open()
    const inbox = await store.createFolder(alice, 'INBOX')
    const long = `X-Long: ${'word '.repeat(8_000)}\r\nSubject: long header\r\n\r\nx\r\n`
    const large = `Subject: long body\r\n\r\n${'x'.repeat(200_000)}\r\n`
    await store.append([message(long, inbox), message(large, inbox)])
  }
  await withTables(folder, (table) => {
    for (const [blob, piece] of [...table('bodies').getKeys()] as [number, number][]) {
      if (piece > 0) table('bodies').removeSync([blob, piece])
    }
  })
  await using lab = await startLab({
    store: { lmdb: folder },
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'imap4', port: 0, tlsPort: 'off' }],
  })
  const client = await LineClient.greeted(lab.server('imap4').port ?? 0)
  client.send('a LOGIN alice secret\r\nb SELECT INBOX\r\nc FETCH 1:2 (ENVELOPE)\r\nd FETCH 2 BODY.PEEK[HEADER]\r\n')
  const lines = await client.lines((line) => line.startsWith('d '))
  client.destroy()
  expect(lines).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^\* 1 FETCH \(ENVELOPE \(NIL "long header" /),
      expect.stringMatching(/^\* 2 FETCH \(ENVELOPE \(NIL "long body" /),
      '* 2 FETCH (BODY[HEADER] {22}',
      'Subject: long body',
    ]),
  )
})

describe('sealpost store check', () => {
  type Breakage = readonly [
    fault: RegExp,
    breakIt: (table: (name: string) => RawTable, folders: Awaited<ReturnType<typeof fill>>) => void,
  ]
  const breakages: Readonly<Record<string, Breakage>> = {
    'a wrong count of flags': [
      /INBOX: the index has 7 messages with \\Seen Work, not 2$/,
      (table, { inbox }) => table('combinations').putSync([inbox.id, '\\Seen Work'], [['\\Seen', 'Work'], 7]),
    ],
    'a wrong count of messages': [
      /INBOX: uids 0 to 255 are counted as 9,8,1, not 10,8,1$/,
      (table, { inbox }) => table('blocks').putSync([inbox.id, 0], [9, 8, 1]),
    ],
    'messages that are not counted': [
      /lab\.general: uids 0 to 255 are not counted$/,
      (table, { group }) => table('blocks').removeSync([group.id, 0]),
    ],
    'flags that the index lacks': [
      /INBOX: the index has no messages with \\Deleted, not 1$/,
      (table, { inbox }) => table('combinations').removeSync([inbox.id, '\\Deleted']),
    ],
    'a change that the index lacks': [
      /INBOX 3: the index of changes lacks it, but its modSeq is above later ones$/,
      (table, { inbox }) => table('changed').removeSync([inbox.id, 12, 3]),
    ],
    'a change that never happened': [
      /INBOX 7: the index of changes has modSeq 12, which is wrong$/,
      (table, { inbox }) => table('changed').putSync([inbox.id, 12, 7], true),
    ],
    'a missing overview': [/lab\.general 6: its overview is missing$/, (table) => table('overviews').removeSync(6)],
    'the overview of another article': [
      /lab\.general 6: its overview differs from its octets$/,
      (table) => table('overviews').putSync(6, table('overviews').get(7)),
    ],
    'an overview without an article': [
      /^blob 99: it has an overview, but no entry$/,
      (table) => table('overviews').putSync(99, []),
    ],
    'a Message-ID that the index lacks': [
      /lab\.general 6: the index of Message-IDs lacks <6@x>$/,
      (table, { group }) => table('places').removeSync(['<6@x>', group.id, 6]),
    ],
    'a used blob that is marked for removal': [
      /^blob 6: entries refer to it, but it is marked for removal$/,
      (table) => table('doomed').putSync(6, true),
    ],
    'octets without an entry': [
      /^blob 99: no entry refers to it$/,
      (table) => table('bodies').putSync([99, 0], Buffer.from('x')),
    ],
    'a wrong sum of deleted octets': [
      /INBOX: deletedOctets is stored as 0, but its messages have 18$/,
      (table, { inbox }) => {
        const numbers = table('numbers').get(inbox.id) as number[]
        table('numbers').putSync(inbox.id, numbers.with(6, 0))
      },
    ],
    'index rows of a deleted folder': [
      /^table changed: it has rows of folder Fnone, which does not exist$/,
      (table) => table('changed').putSync(['Fnone', 1, 1], true),
    ],
  }

  for (const [what, [fault, breakIt]] of Object.entries(breakages)) {
    it(`finds ${what}`, async () => {
      const folders = await fill()
      expect((await checkStore(folder, log)).faults).toEqual([])
      await withTables(folder, (table) => breakIt(table, folders))
      const { faults } = await checkStore(folder, log)
      expect(faults).toEqual([expect.stringMatching(fault)])
    })
  }
})

it('an LMDB store removes the octets of a message that did not arrive whole', async () => {
  {
    await using store = await open()
    const inbox = await store.createFolder(alice, 'INBOX')
    const broken = (async function* () {
      yield* pieces(pattern(1_000_000), 50_000)
      throw new Error('client gone')
    })()
    await expect(store.append([{ raw: broken, targets: [{ folderId: inbox.id }] }])).rejects.toThrow('client gone')
  }
  await withTables(folder, (table) => {
    expect([table('bodies').getCount(), table('doomed').getCount()]).toEqual([0, 0])
  })
})
