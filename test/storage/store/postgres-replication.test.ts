import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Folder } from '../../../src/storage/store/folder.ts'
import { OWN_CHANGES, type StoreEvent } from '../../../src/storage/store/store-events.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { openNode, type StoreNode, until } from '../../support/store-nodes.ts'
import { alice, message } from '../contract/store-context.ts'

describe.runIf(needsPostgres())('a node follows what another one changes', () => {
  let a: StoreNode
  let b: StoreNode
  let inbox: Folder
  let place: Awaited<ReturnType<typeof freshDatabase>>

  beforeEach(async () => {
    place = await freshDatabase()
    a = await openNode(place, 'a')
    inbox = await a.store.createFolder(alice, 'INBOX')
    b = await openNode(place, 'b', { watched: OWN_CHANGES })
  })
  afterEach(async () => {
    await a[Symbol.asyncDispose]()
    await b[Symbol.asyncDispose]()
  })

  /** Returns the statements that a node sends from now on, whose text contains `part`. */
  const statements = ({ database }: StoreNode, part: string): (() => string[]) => {
    const spies = [vi.spyOn(database, 'query'), vi.spyOn(database, 'change')]
    return () =>
      spies.flatMap(({ mock }) =>
        mock.calls.map(([text]) => JSON.stringify(text)).filter((text) => text.includes(part)),
      )
  }
  const READ_CHANGES = 'value_changes'

  /** Waits until `to` has received a notification that follows all changes of `from`. */
  const heard = async (from: StoreNode, to: StoreNode): Promise<void> => {
    const key = `mark-${Math.random()}`
    await from.store.setState(key, '1')
    await until(() => to.store.hasState(key))
  }

  test('without reading anything of folders that nobody follows', async () => {
    const reads = statements(b, READ_CHANGES)
    const told: [topic: string, uidNext: number][] = []
    for (const topic of ['folders', 'positions'] as const) {
      b.database.listen(topic, (_, detail) => detail !== undefined && told.push([topic, Number.parseInt(detail, 10)]))
    }
    for (let i = 0; i < 5; i++) await a.store.append([message(`${i}`, inbox)])
    await until(() => told.some(([, uidNext]) => uidNext === 6))
    // Nobody waits for them, so they come together.
    expect(told.filter(([topic]) => topic === 'folders')).toEqual([])
    expect(reads()).toEqual([])
    // It knows the numbers, so its own change takes one statement.
    const locks = statements(b, 'for no key update')
    const [stored] = await b.store.append([message('own', inbox)])
    expect(stored?.entry).toMatchObject({ uid: 6, modSeq: 7 })
    expect(locks()).toEqual([])
    expect(b.events.map(({ type }) => type)).toEqual(['appended'])
    expect((await b.store.list(inbox.id)).map(({ uid }) => uid)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('and reads the changes of many folders together', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `f${i}`)
    const folders = await Promise.all(names.map((name) => a.store.createFolder(alice, name)))
    await heard(a, b)
    const events: StoreEvent[] = []
    // The last folder-created may still arrive.
    const note = (event: StoreEvent): unknown => event.type === 'appended' && events.push(event)
    b.store.watch(note, { follows: ({ name }) => name !== 'f0' })
    const reads = statements(b, READ_CHANGES)
    await Promise.all(folders.map((folder) => a.store.append([message('one', folder)])))
    await until(() => events.length >= 19)
    await heard(a, b)
    expect(events.map(({ folder }) => folder.name).sort()).toEqual(names.slice(1).sort())
    // The first one immediately, and the others in at most a few groups.
    expect(reads().length).toBeLessThan(10)
  })

  test('by one small query, when it is asked for everything that was committed before', async () => {
    const seen: StoreEvent[] = []
    await using quiet = await openNode(place, 'quiet', { watched: OWN_CHANGES })
    const asks = statements(quiet, '')
    quiet.store.watch((event) => seen.push(event), inbox.id)
    // It looks once when it begins to hear of the folder.
    await until(() => asks().length === 1)
    await Promise.all(Array.from({ length: 20 }, () => quiet.store.refresh()))
    expect(asks().slice(1)).toHaveLength(1)
    await quiet.store.append([message('own', inbox)])
    await quiet.store.refresh()
    expect(statements(quiet, READ_CHANGES)()).toEqual([])
    for (let round = 1; round <= 20; round++) {
      await a.store.append([message(`${round}`, inbox)])
      await quiet.store.refresh()
      expect(seen.flatMap((event) => (event.type === 'appended' ? event.entries : []))).toHaveLength(round + 1)
    }
    const named = await a.store.createFolder(alice, 'new')
    await quiet.store.refresh()
    expect(quiet.store.folderOf(named.id)).toEqual(named)
  })

  test('from the moment on in which a listener is added', async () => {
    const seen: number[] = []
    for (let i = 0; i < 20; i++) {
      if (i === 10) {
        b.store.watch((event) => {
          if (event.type === 'appended') seen.push(...event.entries.map(({ uid }) => uid))
        }, inbox.id)
      }
      await (i % 3 === 0 ? b : a).store.append([message(`${i}`, inbox)])
    }
    await until(() => seen.includes(20))
    expect(seen.filter((uid) => uid > 10)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20])
    expect(new Set(seen).size).toBe(seen.length)
  })

  test('with the entries in memory, after changes that it did not follow', async () => {
    for (let i = 0; i < 3; i++) await a.store.append([message(`${i}`, inbox)])
    await b.store.snapshot(inbox.id)
    await a.store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen', 'Work'] })
    await a.store.expunge(inbox.id, [2])
    // It changes nothing, so nothing but the answer tells.
    const { entries } = await b.store.setFlags(inbox.id, [1, 2], { mode: 'add', flags: ['\\Seen'] })
    expect(entries).toMatchObject([{ uid: 1, modSeq: 5, flags: ['\\Seen', 'Work'] }])
    // The spelling that was first used on any node.
    await b.store.setFlags(inbox.id, [3], { mode: 'add', flags: ['WORK'] })
    for (const { store } of [a, b]) {
      expect([...(await store.snapshot(inbox.id)).entries]).toMatchObject([
        { uid: 1, flags: ['\\Seen', 'Work'] },
        { uid: 3, flags: ['Work'] },
      ])
    }
    await a.database.query('select 1')
    expect(await b.store.expunge(inbox.id, [1, 3])).toEqual([1, 3])
    expect(await a.store.status(inbox.id)).toMatchObject({ exists: 0, unseen: 0, sizeOctets: 0 })
  })
})
