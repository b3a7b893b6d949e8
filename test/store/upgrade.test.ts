import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkStore, openLmdbStore } from '../../src/store/lmdb/open.ts'
import { accountOwner, PUBLIC_OWNER } from '../../src/store/types.ts'
import { message } from '../contract/store-context.ts'
import { withTables } from '../support/lmdb-file.ts'
import { TestClock } from '../support/test-clock.ts'

const log = pino({ level: 'silent' })
const alice = accountOwner('alice')
const newsgroup = { description: 'Talk', posting: 'yes', createdAt: 0, createdBy: 'lab' } as const
const article = 'Subject: old\r\nMessage-ID: <old@x>\r\n\r\none\r\n'
let folder: string
const open = () => openLmdbStore(folder, { clock: new TestClock(), log })

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sealpost-upgrade-'))
  await writeFormat1()
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Writes a store of format 1: three messages in a mailbox, one of them also an article, and octets that a session was reading. */
const writeFormat1 = (): Promise<void> =>
  withTables(folder, (table) => {
    const put = (name: string, key: string | number | (string | number)[], value: unknown): void =>
      table(name).putSync(key, value)
    for (const [key, value] of Object.entries({
      format: 1,
      tag: 'abcd',
      lastFolder: 2,
      lastUidValidity: 7,
      lastBlob: 9,
    })) {
      put('meta', key, value)
    }
    put('folders', 'Fabcd-1', { id: 'Fabcd-1', owner: alice, name: 'INBOX', uidValidity: 6 })
    put('folders', 'Fabcd-2', { id: 'Fabcd-2', owner: PUBLIC_OWNER, name: 'lab.general', uidValidity: 7, newsgroup })
    put('numbers', 'Fabcd-1', [5, 6, 3, 9 + article.length, 2, 1])
    put('numbers', 'Fabcd-2', [2, 2, 1, article.length, 1, 0])
    put('entries', ['Fabcd-1', 1], [1, 4, 1000, 1000, ['\\Seen', 'Work'], 6, null, null])
    put('entries', ['Fabcd-1', 3], [3, 5, 1000, 1000, ['\\Deleted'], 4, null, { mailFrom: 'a@x.test' }])
    put('entries', ['Fabcd-1', 4], [4, article.length, 1000, 1000, [], 5, '<old@x>', null])
    put('entries', ['Fabcd-2', 1], [4, article.length, 1000, 1000, [], 2, '<old@x>', null])
    put('bodies', [1, 0], Buffer.from('seen'))
    put('bodies', [3, 0], Buffer.from('doome'))
    put('bodies', [4, 0], Buffer.from(article))
    put('bodies', [9, 0], Buffer.from('being read'))
    put('doomed', 9, 10)
    put('holders', 4, 2)
    put('vanished', ['Fabcd-1', 3], [2])
    put('places', ['<old@x>', 'Fabcd-2', 1], true)
    put('history', '<old@x>', true)
    put('history', '<gone@x>', true)
    put('subscriptions', [alice, 'INBOX'], 'INBOX')
    put('state', 'feed', '12')
  })

async function expectUpgraded(): Promise<void> {
  {
    await using store = await open()
    const inbox = await store.findFolder(alice, 'INBOX')
    const group = await store.findFolder(PUBLIC_OWNER, 'lab.general')
    if (!inbox || !group) throw new Error('the folders are missing')
    expect(await store.status(inbox.id)).toEqual({
      exists: 3,
      uidNext: 5,
      highestModSeq: 6,
      sizeOctets: 9 + article.length,
      unseen: 2,
      deleted: 1,
      deletedOctets: 5,
      lowestUid: 1,
      highestUid: 4,
    })
    expect((await store.changedSince(inbox.id, 4)).map(({ uid }) => uid)).toEqual([1, 4])
    expect(await store.vanishedSince(inbox.id, 1)).toEqual([2])
    expect(await store.overview(group.id, 1)).toMatchObject({ subject: 'old', lines: 1 })
    expect((await store.read(inbox.id, 4))?.toString()).toBe(article)
    expect(await store.locate('<old@x>')).toMatchObject([{ uid: 1 }])
    expect([await store.knows('<gone@x>'), await store.getState('feed')]).toEqual([true, '12'])
    expect([store.hasState('feed'), store.hasState('other')]).toEqual([true, false])
    const [stored] = await store.append([message('new', inbox)])
    expect(stored?.entry).toMatchObject({ uid: 5, blob: 'Labcd-a' })
    const { entries } = await store.setFlags(inbox.id, [5], { mode: 'add', flags: ['WORK'] })
    expect(entries[0]?.flags).toEqual(['Work'])
  }
  expect(await checkStore(folder, log)).toEqual({ folders: 2, messages: 5, faults: [] })
  await withTables(folder, (table) => {
    expect([table('bodies').getCount(), table('doomed').getCount(), table('meta').get('format')]).toEqual([4, 0, 4])
  })
}

it('upgrades a store of format 1 when it is opened, without losing anything', expectUpgraded)

it('repeats an upgrade that was interrupted', async () => {
  await withTables(folder, (table) => {
    table('combinations').putSync(['Fabcd-1', 'Half'], [['Half'], 3])
    table('changed').putSync(['Fabcd-1', 1, 4], true)
    table('overviews').putSync(4, ['half'])
  })
  await expectUpgraded()
})

it('upgrades a store of format 2, which has no values', async () => {
  rmSync(join(folder, 'messages.mdb'))
  {
    await using store = await open()
    const inbox = await store.createFolder(alice, 'INBOX')
    await store.append([message('kept', inbox)])
  }
  await withTables(folder, (table) => {
    table('values').dropSync()
    table('meta').putSync('format', 2)
  })
  {
    await using store = await open()
    const inbox = await store.findFolder(alice, 'INBOX')
    expect((await store.read(inbox?.id ?? '', 1))?.toString()).toBe('kept')
    const space = { folderId: inbox?.id ?? '', kind: 'metadata' } as const
    expect(await store.values(space)).toEqual(new Map())
    await store.changeValues(space, () => new Map([['/shared/comment', Buffer.from('new')]]))
  }
  await using store = await open()
  const inbox = await store.findFolder(alice, 'INBOX')
  const values = await store.values({ folderId: inbox?.id ?? '', kind: 'metadata' })
  expect(values.get('/shared/comment')?.toString()).toBe('new')
  expect((await store.status(inbox?.id ?? '')).exists).toBe(1)
})

it('upgrades a store before checking it', async () => {
  expect(await checkStore(folder, log)).toEqual({ folders: 2, messages: 4, faults: [] })
})

it('does not open a store of a newer format', async () => {
  await withTables(folder, (table) => table('meta').putSync('format', 5))
  await expect(open()).rejects.toMatchObject({ code: 'read-only', message: expect.stringContaining('format 5') })
})
