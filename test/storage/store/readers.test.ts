import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { MemoryStore } from '../../../src/storage/store/engines/memory/memory-store.ts'
import { accountOwner, type Folder } from '../../../src/storage/store/folder.ts'
import type { StoreEvent } from '../../../src/storage/store/store-events.ts'
import type { FolderSnapshot, MessageStore } from '../../../src/storage/store/types.ts'
import type { ValueChanges } from '../../../src/storage/store/value-types.ts'
import { ReaderStore } from '../../../src/storage/store/views/readers/reader-store.ts'
import { SeenMarks } from '../../../src/storage/store/views/readers/seen.ts'
import { TestClock } from '../../support/test-clock.ts'
import { message } from '../contract/store-context.ts'

const alice = accountOwner('alice')
const bob = accountOwner('bob')

const valuesOf = (changes: ValueChanges): Map<string, Buffer> =>
  new Map(Array.from(changes).flatMap(([name, value]) => (value ? [[name, value]] : [])))

describe('SeenMarks', () => {
  it('keep marks of the highest uids and modification sequences', () => {
    const uids = [1, 255, 256, 0x8000_0001, 0xffff_ffff]
    const modSeq = 2 ** 40
    const marks = SeenMarks.from(valuesOf(SeenMarks.from(new Map()).mark(uids, true, { modSeq, lowestUid: 1 })))
    expect(uids.filter((uid) => marks.isSeen(uid))).toEqual(uids)
    expect([marks.isSeen(2), marks.modSeqOf(0xffff_ffff)]).toEqual([false, modSeq])
    expect(marks.changedSince(modSeq - 1)).toEqual(uids)
  })

  it('forget messages below the lowest uid, and change nothing that is marked already', () => {
    const first = valuesOf(SeenMarks.from(new Map()).mark([1, 300], true, { modSeq: 5, lowestUid: 1 }))
    expect(SeenMarks.from(first).mark([1, 300], true, { modSeq: 6, lowestUid: 1 }).size).toBe(0)
    const changes = SeenMarks.from(first).mark([301], true, { modSeq: 6, lowestUid: 300 })
    expect([...changes.keys()].sort()).toEqual(['0', '1'])
    expect(changes.get('0')).toBeUndefined()
  })
})

describe('the store of a reader', () => {
  const open = async (): Promise<{ store: MessageStore; owner: MessageStore; reader: MessageStore; inbox: Folder }> => {
    const store = new MemoryStore({ clock: new TestClock() })
    const failed = (error: unknown): never => {
      throw error
    }
    const inbox = await store.createFolder(alice, 'INBOX')
    return { store, inbox, owner: new ReaderStore(store, alice, failed), reader: new ReaderStore(store, bob, failed) }
  }
  const flagsIn = async (view: MessageStore, { id }: Folder): Promise<(readonly string[])[]> =>
    (await view.list(id)).map(({ flags }) => flags)

  it('shares all flags but \\Seen with the owner', async () => {
    const { owner, reader, inbox } = await open()
    await owner.append([message('one', inbox), message('two', inbox)])
    await owner.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen', 'Work'] })
    await reader.setFlags(inbox.id, [2], { mode: 'replace', flags: ['\\Flagged', '\\Seen', '\\Draft'] })
    expect(await flagsIn(owner, inbox)).toEqual([
      ['\\Seen', 'Work'],
      ['\\Flagged', '\\Draft'],
    ])
    expect(await flagsIn(reader, inbox)).toEqual([['Work'], ['\\Flagged', '\\Seen', '\\Draft']])
    await reader.setFlags(inbox.id, [1], { mode: 'replace', flags: [] })
    expect(await flagsIn(owner, inbox)).toEqual([['\\Seen'], ['\\Flagged', '\\Draft']])
    expect([(await owner.status(inbox.id)).unseen, (await reader.status(inbox.id)).unseen]).toEqual([1, 1])
    expect(await reader.snapshot(inbox.id)).toMatchObject({ firstUnseen: 1, flags: expect.arrayContaining(['\\Seen']) })
  })

  it('opens a folder with the marks that all sessions of the reader made before', async () => {
    const { store, owner, reader, inbox } = await open()
    const other = new ReaderStore(store, bob, () => {})
    await owner.append(Array.from({ length: 600 }, (_, i) => message(`${i}`, inbox)))
    const random = seededRandom(7)
    const uidOf = (): number => 1 + Math.floor(random() * 600)
    for (let turn = 0; turn < 40; turn++) {
      const uids = Array.from({ length: 30 }, uidOf)
      const mode = random() < 0.7 ? 'add' : 'remove'
      if (turn % 8 === 7) await owner.expunge(inbox.id, uids.slice(0, 5))
      await (turn % 2 ? reader : other).setFlags(inbox.id, uids, { mode, flags: ['\\Seen'] })
      const listed = await other.list(inbox.id)
      const { entries, unseen } = await other.snapshot(inbox.id)
      expect([...entries]).toEqual(listed)
      expect(unseen).toBe(listed.filter(({ flags }) => !flags.includes('\\Seen')).length)
    }
    const [before, marking] = [
      other.snapshot(inbox.id),
      reader.setFlags(inbox.id, [1, 600], { mode: 'add', flags: ['\\Seen'] }),
    ]
    await Promise.all([before, marking])
    expect([...(await other.snapshot(inbox.id)).entries]).toEqual(await other.list(inbox.id))
    // More changes than a view outlives.
    for (let uid = 1; uid <= 600; uid++) {
      await owner.setFlags(inbox.id, [uid], { mode: 'add', flags: ['\\Flagged'] })
    }
    expect([...(await other.snapshot(inbox.id)).entries]).toEqual(await other.list(inbox.id))
  })

  it('keeps what is appended or copied with \\Seen unread for the owner', async () => {
    const { owner, reader, inbox } = await open()
    const target = { folderId: inbox.id, flags: ['\\Seen', '\\Flagged'] }
    await reader.append([{ raw: Buffer.from('one'), targets: [target] }])
    const own = await reader.createFolder(bob, 'INBOX')
    await reader.append([{ raw: Buffer.from('two'), targets: [{ folderId: own.id, flags: ['\\Seen'] }] }])
    await reader.copy(own.id, [1], inbox.id)
    expect(await flagsIn(owner, inbox)).toEqual([['\\Flagged'], []])
    expect(await flagsIn(reader, inbox)).toEqual([['\\Flagged', '\\Seen'], ['\\Seen']])
    await reader.move(inbox.id, [1], own.id)
    expect(await flagsIn(reader, own)).toEqual([['\\Seen'], ['\\Flagged', '\\Seen']])
  })

  it('reports changes as each reader sees them', async () => {
    const { owner, reader, inbox } = await open()
    const events: Record<'owner' | 'reader', StoreEvent[]> = { owner: [], reader: [] }
    owner.watch((event) => events.owner.push(event), inbox.id)
    const arrived = new Promise<void>((resolve) => {
      reader.watch((event) => {
        events.reader.push(event)
        if (events.reader.length === 3) resolve()
      })
    })
    await owner.append([message('one', inbox)])
    await owner.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen', '\\Flagged'] })
    await reader.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen'] })
    await arrived
    const shown = (list: readonly StoreEvent[]): unknown[] =>
      list.map((event) => [event.type, 'entries' in event ? event.entries.map(({ flags }) => flags) : undefined])
    expect(shown(events.owner).slice(0, 2)).toEqual([
      ['appended', [[]]],
      ['flags', [['\\Flagged', '\\Seen']]],
    ])
    expect(shown(events.reader)).toEqual([
      ['appended', [[]]],
      ['flags', [['\\Flagged']]],
      ['flags', [['\\Flagged', '\\Seen']]],
    ])
  })

  it('counts and shows what the reader has seen of many messages with gaps', async () => {
    const { store, owner, reader, inbox } = await open()
    const random = seededRandom(7)
    const some = (uids: readonly number[], share: number): number[] => uids.filter(() => random() < share)
    let uids = Array.from({ length: 1_400 }, (_, i) => i + 1)
    await store.append(uids.map((uid) => message(`${uid}`, inbox)))
    const seen = new Set<number>()
    for (const share of [0.02, 0.5, 0, 0.9]) {
      const marked = some(uids, share)
      await reader.setFlags(inbox.id, marked, { mode: 'add', flags: ['\\Seen'] })
      for (const uid of marked) seen.add(uid)
      const unmarked = some(uids, 0.1)
      await reader.setFlags(inbox.id, unmarked, { mode: 'remove', flags: ['\\Seen'] })
      for (const uid of unmarked) seen.delete(uid)
      await owner.setFlags(inbox.id, some(uids, 0.3), { mode: 'add', flags: ['\\Seen'] })
      const before = await reader.snapshot(inbox.id)
      const expected = uids.filter((uid) => !seen.has(uid))
      // The second block of uids has no gap, and the last one is lost altogether.
      const gone = new Set(some(uids, 0.05).filter((uid) => uid < 256 || uid > 511))
      await owner.expunge(inbox.id, [...gone, ...uids.filter((uid) => share === 0.9 && uid >= 1_280)])
      const unseenIn = ({ entries }: FolderSnapshot): number[] =>
        [...entries].filter(({ flags }) => !flags.includes('\\Seen')).map(({ uid }) => uid)
      expect(unseenIn(before)).toEqual(expected)
      const firstUnseen = uids.indexOf(expected[0] as number) + 1
      expect(before).toMatchObject({ exists: uids.length, unseen: expected.length, firstUnseen })
      uids = (await store.list(inbox.id)).map(({ uid }) => uid)
      expect((await reader.status(inbox.id)).unseen).toBe(uids.filter((uid) => !seen.has(uid)).length)
    }
    const listed = (await reader.list(inbox.id)).map(({ uid, flags }) => [uid, flags.includes('\\Seen')])
    expect(listed).toEqual(uids.map((uid) => [uid, seen.has(uid)]))
    expect((await reader.entry(inbox.id, 300))?.flags.includes('\\Seen')).toBe(seen.has(300))
  })
})
