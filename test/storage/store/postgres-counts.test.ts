import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { openDatabase } from '../../../src/storage/database/database.ts'
import type { Database } from '../../../src/storage/database/database-types.ts'
import { openPostgresStore, type PostgresStore } from '../../../src/storage/store/engines/postgres/postgres-store.ts'
import { type Folder, OUTGOING_OWNER } from '../../../src/storage/store/folder.ts'
import { log } from '../../support/log.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { alice, message } from '../contract/store-context.ts'

describe.runIf(needsPostgres())('nodes with a limit of messages in PostgreSQL', () => {
  const opened: AsyncDisposable[] = []
  let place: { readonly url: string; readonly schema: string }
  let a: PostgresStore
  let b: PostgresStore
  let inbox: Folder

  async function open(node: string, messages?: number): Promise<{ store: PostgresStore; database: Database }> {
    const database = await openDatabase({ ...place, pool: 4, node }, { log })
    opened.unshift(database)
    const store = await openPostgresStore(database, { clock: systemClock, log, limits: { messages } })
    opened.unshift(store)
    return { store, database }
  }

  beforeEach(async () => {
    place = await freshDatabase()
    a = (await open('a', 5)).store
    b = (await open('b', 5)).store
    inbox = await a.createFolder(alice, 'INBOX')
  })
  afterEach(async () => {
    for (const one of opened.splice(0)) await one[Symbol.asyncDispose]()
  })

  const add = (store: PostgresStore, count: number, folder = inbox) =>
    store.append(Array.from({ length: count }, () => message('text', folder)))
  const full = { name: 'StoreError', code: 'no-space' }

  test('count what all of them have added, and what was deleted or moved', async () => {
    await add(a, 3)
    await add(b, 2)
    await expect(add(a, 1)).rejects.toMatchObject(full)
    await expect(add(b, 1)).rejects.toMatchObject(full)
    await b.expunge(inbox.id, [1, 2])
    const other = await a.createFolder(alice, 'Other')
    await a.move(inbox.id, [3], other.id)
    await add(a, 1, other)
    await b.copy(inbox.id, [4], other.id)
    await expect(add(b, 1)).rejects.toMatchObject(full)
    await b.deleteFolder(other.id)
    await add(a, 3)
    await expect(add(b, 1)).rejects.toMatchObject(full)
    // The queue of outgoing mail does not count.
    const queue = await b.createFolder(OUTGOING_OWNER, 'Queue')
    await add(b, 7, queue)
    await a.deleteFolder(queue.id)
    await expect(add(a, 1)).rejects.toMatchObject(full)
    await b.clear()
    inbox = await b.createFolder(alice, 'INBOX')
    await add(a, 5)
    await expect(add(b, 1)).rejects.toMatchObject(full)
  })

  test('count everything again when one of them starts', async () => {
    const { store: unlimited } = await open('c')
    await add(unlimited, 3)
    const { store } = await open('d', 5)
    await add(store, 1)
    await expect(add(a, 2)).rejects.toMatchObject(full)
    await add(a, 1)
    await expect(add(b, 1)).rejects.toMatchObject(full)
  })

  test('read only the states that changed, and notice removed ones', async () => {
    await a.setState('one', '1')
    await b.setState('two', '2')
    await a.setState('one', undefined)
    const { store, database } = await open('c')
    expect(['one', 'two'].map((key) => store.hasState(key))).toEqual([false, true])
    await a.setState('three', '3')
    await b.clear()
    await expect.poll(() => store.hasState('two'), { timeout: 30_000 }).toBe(false)
    expect(await database.query('select from state')).toEqual([])
    await a.setState('four', '4')
    await expect.poll(() => store.hasState('four'), { timeout: 30_000 }).toBe(true)
    expect(['one', 'two', 'three'].map((key) => store.hasState(key))).toEqual([false, false, false])
  })
})
