import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import {
  PackedEntries,
  READ_ENTRIES,
  UnpackedBlocks,
} from '../../../src/storage/store/engines/postgres/packed-entries.ts'
import { PostgresFolder } from '../../../src/storage/store/engines/postgres/postgres-folder.ts'
import { Names } from '../../../src/storage/store/engines/postgres/records.ts'
import { FolderIndex } from '../../../src/storage/store/entries/folder-index.ts'
import { accountOwner, type Folder } from '../../../src/storage/store/folder.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import type { FolderSnapshot } from '../../../src/storage/store/types.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { openNode } from '../../support/store-nodes.ts'
import { alice, message } from '../contract/store-context.ts'

const folder: Folder = { id: 'F1', owner: accountOwner('alice'), name: 'INBOX', uidValidity: 1 }
const names = new Names('test')

const newEntry = (uid: number, modSeq: number): MessageEntry => ({
  uid,
  blob: names.blob(uid),
  sizeOctets: uid * 3,
  internalDate: uid,
  savedAt: uid + 1,
  flags: [],
  modSeq,
  ...(uid % 3 === 0 && { messageId: `<${uid}@é.test>`, envelope: { mailFrom: 'a@lab.test' } }),
})

const copyOf = (snapshot: FolderSnapshot) => ({ ...snapshot, entries: [...snapshot.entries] })

describe('the entries of a folder that are packed', () => {
  test('are the same as unpacked ones, also in snapshots of earlier moments', () => {
    const seed = Date.now() % 100_000
    const next = seededRandom(seed)
    const random = (below: number): number => Math.floor(next() * below)
    const state = new PostgresFolder(1, folder, { uidNext: 1, modSeq: 1, valueSeq: 0 })
    const source = new PackedEntries(state, names, new UnpackedBlocks(600))
    const counts = { exists: 0, sizeOctets: 0, unseen: 0, deleted: 0, deletedOctets: 0, withoutLineEnd: 0 }
    const packed = new FolderIndex({ uidNext: 1, highestModSeq: 1, counts, combinations: [], blocks: [], source })
    const plain = new FolderIndex()
    const snapshots: { readonly packed: FolderSnapshot; readonly plain: ReturnType<typeof copyOf> }[] = []
    for (let modSeq = 2; modSeq < 300; modSeq++) {
      const kind = random(4)
      if (kind === 0) {
        const from = plain.uidNext + random(3)
        const entries = Array.from({ length: 1 + random(100) }, (_, i) => newEntry(from + i, modSeq))
        for (const index of [packed, plain]) index.append(entries)
      } else if (kind === 3) {
        snapshots.push({ packed: packed.snapshot(), plain: copyOf(plain.snapshot()) })
      } else {
        const uids = Array.from({ length: 1 + random(40) }, () => random(plain.uidNext))
        const flags = state.flags.canonical(random(2) ? ['\\Seen', `k${random(5)}`] : ['\\Deleted'])
        const changed = plain.pick(uids).map((entry) => ({ ...entry, flags, modSeq }))
        for (const index of [packed, plain]) {
          if (kind === 1) index.replace(changed)
          else index.remove(uids, modSeq)
        }
      }
    }
    expect(plain.exists, `seed ${seed}`).toBeGreaterThan(600)
    snapshots.push({ packed: packed.snapshot(), plain: copyOf(plain.snapshot()) })
    for (const one of snapshots) expect(copyOf(one.packed), `seed ${seed}`).toEqual(one.plain)
  })
})

test('entries that arrive count among the unpacked ones', () => {
  const state = new PostgresFolder(1, folder, { uidNext: 1, modSeq: 1, valueSeq: 0 })
  const unpacked = new UnpackedBlocks(600)
  const source = new PackedEntries(state, names, unpacked)
  const counts = { exists: 0, sizeOctets: 0, unseen: 0, deleted: 0, deletedOctets: 0, withoutLineEnd: 0 }
  const index = new FolderIndex({ uidNext: 1, highestModSeq: 1, counts, combinations: [], blocks: [], source })
  for (let uid = 1; uid <= 500; uid++) index.append([newEntry(uid, uid + 1)])
  expect(source.read(0)).toEqual([])
  for (let uid = 501; uid <= 1_000; uid++) index.append([newEntry(uid, uid + 1)])
  expect(source.read(0).map(({ uid }) => uid)).toEqual(Array.from({ length: 255 }, (_, i) => i + 1))
})

describe.runIf(needsPostgres())('a folder in PostgreSQL that is opened', () => {
  test('has neither messages that came and went meanwhile on another node, nor old flags', async () => {
    const place = await freshDatabase()
    await using a = await openNode(place, 'a')
    await using b = await openNode(place, 'b')
    const inbox = await a.store.createFolder(alice, 'INBOX')
    await a.store.append([message('old', inbox)])
    await b.store.status(inbox.id)
    // The other node learns of it only when it looks.
    a.database.notify = () => {}
    const { query } = b.database
    b.database.query = async <Row>(text: string, values?: readonly unknown[]) => {
      if (text !== READ_ENTRIES) return query.call(b.database, text, values) as Promise<readonly Row[]>
      await a.store.append([message('gone', inbox), message('stays', inbox)])
      const rows = await query.call(b.database, text, values)
      await a.store.setFlags(inbox.id, [3], { mode: 'add', flags: ['\\Seen'] })
      await a.store.expunge(inbox.id, [2])
      return rows as readonly Row[]
    }
    const { entries, ...status } = await b.store.snapshot(inbox.id)
    expect([...entries]).toEqual(await a.store.list(inbox.id, { from: 1, to: 1_000 }))
    expect(status).toMatchObject(await a.store.status(inbox.id))
  })

  test('can be changed meanwhile, on its node and on another, and no change is missing', async () => {
    const place = await freshDatabase()
    await using a = await openNode(place, 'a')
    await using b = await openNode(place, 'b')
    const inbox = await a.store.createFolder(alice, 'INBOX')
    const old = Array.from({ length: 20 }, (_, i) => message(`old ${i}`, inbox))
    await a.store.append(old)
    // Reading begins, and its first rows are held back until the changes are made.
    const { query } = b.database
    let read = (): void => {}
    const isRead = new Promise<void>((resolve) => {
      read = resolve
    })
    let release = (): void => {}
    const isReleased = new Promise<void>((resolve) => {
      release = resolve
    })
    b.database.query = async <Row>(text: string, values?: readonly unknown[]) => {
      const rows = await query.call(b.database, text, values)
      if (text === READ_ENTRIES) {
        read()
        await isReleased
      }
      return rows as readonly Row[]
    }
    const opening = b.store.snapshot(inbox.id)
    await isRead
    await b.store.append([message('new', inbox), message('gone', inbox)])
    await b.store.setFlags(inbox.id, [1, 2], { mode: 'add', flags: ['\\Seen'] })
    await b.store.expunge(inbox.id, [3, 22])
    await a.store.setFlags(inbox.id, [4, 21], { mode: 'add', flags: ['\\Deleted'] })
    await a.store.expunge(inbox.id, [5])
    release()
    const { entries, ...status } = await opening
    expect([...entries]).toEqual(await a.store.list(inbox.id, { from: 1, to: 1_000 }))
    expect(status).toMatchObject(await a.store.status(inbox.id))
  })

  test('leaves time for others while its many entries are read', async () => {
    await using node = await openNode(await freshDatabase(), 'a')
    const { store, database } = node
    const [inbox, other] = [await store.createFolder(alice, 'INBOX'), await store.createFolder(alice, 'Other')]
    await store.append([message('one', inbox)])
    const last = 60_000
    await database.query(
      `insert into entries (folder, uid, blob, size, internal_date, saved_at, flags, mod_seq, details)
       select folder, n, blob, size, internal_date, saved_at, case when n % 2 = 0 then '\\Seen' else '' end, n + 1, details
       from entries, generate_series(2, $1::bigint) n`,
      [last],
    )
    await database.query('update folders set uid_next = $1, mod_seq = $1 where name = $2', [last + 1, 'INBOX'])
    let isOpen = false
    const opening = store.snapshot(inbox.id).finally(() => {
      isOpen = true
    })
    let others = 0
    for (; !isOpen; others++) await store.append([message(`other ${others}`, other)])
    const { entries, firstUnseen, highestUid } = await opening
    expect({ length: entries.length, firstUnseen, highestUid }).toEqual({
      length: last,
      firstUnseen: 1,
      highestUid: last,
    })
    expect(entries.at(-1)).toMatchObject({ uid: last, flags: ['\\Seen'], modSeq: last + 1 })
    expect(others).toBeGreaterThan(5)
  })
})
