import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryBudget } from '../../../src/core/octets/memory-budget.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { openDatabase } from '../../../src/storage/database/database.ts'
import type { Database } from '../../../src/storage/database/database-types.ts'
import { DatabaseError } from '../../../src/storage/database/errors.ts'
import { openPostgresStore, type PostgresStore } from '../../../src/storage/store/engines/postgres/postgres-store.ts'
import { type Folder, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import type { StoredMessage } from '../../../src/storage/store/message-entry.ts'
import { log } from '../../support/log.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { alice, drain, message, newsgroup, pattern, pieces } from '../contract/store-context.ts'

describe.runIf(needsPostgres())('reading from PostgreSQL', () => {
  let database: Database
  let store: PostgresStore
  let inbox: Folder
  /** The queries of the store. */
  let queries: string[]
  let failing = 0

  beforeEach(async () => {
    database = await openDatabase({ ...(await freshDatabase()), pool: 4, node: 'test' }, { log })
    queries = []
    const begin = (text: string): void => {
      queries.push(text)
      if (failing === 0) return
      failing--
      throw new DatabaseError('disconnected', 'gone')
    }
    const query = database.query.bind(database)
    database.query = async (text, values) => {
      begin(text)
      return query(text, values)
    }
    const queryBinary = database.queryBinary.bind(database)
    database.queryBinary = async (text, values) => {
      begin(text)
      return queryBinary(text, values)
    }
    store = await openPostgresStore(database, { clock: systemClock, log })
    inbox = await store.createFolder(alice, 'INBOX')
  })
  afterEach(async () => {
    await store[Symbol.asyncDispose]()
    await database[Symbol.asyncDispose]()
  })

  /** The queries for octets and overviews. Others follow other nodes. */
  const reads = (): number => queries.filter((text) => /from pieces|join pieces|join overviews/.test(text)).length

  const deliver = async (folder: Folder, texts: readonly string[]): Promise<readonly StoredMessage[]> =>
    store.append(texts.map((text) => message(text, folder)))

  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `Subject: ${i + 1}\r\n\r\ntext`)

  test('expected messages take a few queries, also of several folders', async () => {
    const other = await store.createFolder(alice, 'Other')
    const stored = [...(await deliver(inbox, many(300))), ...(await deliver(other, many(100)))]
    queries = []
    const order = stored.filter((_, i) => i % 3 === 0).toReversed()
    using source = store.readAhead(order)
    for (const { folder, entry } of order) {
      expect((await source.read(folder.id, entry.uid))?.toString()).toBe(`Subject: ${entry.uid}\r\n\r\ntext`)
    }
    expect(reads()).toBe(1)
  })

  test('messages that are in memory are not read', async () => {
    const stored = await deliver(inbox, many(20))
    await store.snapshot(inbox.id)
    for (const { entry } of stored) await store.read(inbox.id, entry.uid)
    queries = []
    using source = store.readAhead(stored)
    for (const { entry } of stored) await source.read(inbox.id, entry.uid)
    expect(reads()).toBe(0)
  })

  test('what is kept and read ahead counts as memory, and is right without room', async () => {
    const stored = await deliver(inbox, many(300))
    const octets = stored.reduce((sum, { entry }) => sum + entry.sizeOctets, 0)
    for (const totalOctets of [2 * octets, octets / 2]) {
      const memory = new MemoryBudget({ totalOctets, heapOctets: Number.POSITIVE_INFINITY })
      await using limited = await openPostgresStore(database, { clock: systemClock, log, memory })
      const source = limited.readAhead(stored)
      const used: number[] = []
      for (const { folder, entry } of stored) {
        expect((await source.read(folder.id, entry.uid))?.toString()).toBe(`Subject: ${entry.uid}\r\n\r\ntext`)
        used.push(memory.usage.messages)
      }
      expect(Math.max(...used)).toBeGreaterThan(0)
      expect(Math.max(...used)).toBeLessThanOrEqual(totalOctets)
      source[Symbol.dispose]()
      expect(memory.usage.messages).toBe(0)
      // Now they are kept.
      await limited.snapshot(inbox.id)
      for (const { folder, entry } of stored) await limited.read(folder.id, entry.uid)
      expect(memory.usage).toMatchObject({ refusals: 0 })
      expect(memory.usage.messages).toBeGreaterThan(octets / 4)
      expect(memory.usage.messages).toBeLessThanOrEqual(totalOctets)
    }
  })

  test('large messages are read alone, and the others together', async () => {
    const raws = Array.from({ length: 30 }, (_, i) => Buffer.alloc(i % 10 === 5 ? 70_000 : 7_000, 'x'))
    const stored = await store.append(raws.map((raw) => ({ raw, targets: [{ folderId: inbox.id }] })))
    queries = []
    using source = store.readAhead(stored)
    for (const [i, { entry }] of stored.entries()) {
      expect((await source.read(inbox.id, entry.uid))?.equals(raws[i] as Buffer)).toBe(true)
    }
    expect(reads()).toBe(3 + 1)
  })

  const octetsOfAllKinds: readonly Buffer[] = [
    Buffer.from(Array.from({ length: 256 }, (_, octet) => octet)),
    Buffer.from('caf\xe9 \xe9\xe8', 'latin1'),
    Buffer.from('café, Straße, 日本語, 😀, \ud800 and \ufffd'),
    Buffer.from('\ufeffSubject: a BOM\r\n\0\0'),
    Buffer.from([0xc0, 0x80, 0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x98, 0xe6, 0x97, 0xef, 0xbf]),
    Buffer.from('\0'),
    Buffer.alloc(0),
  ]

  test('octets of every kind are read as they were stored, in whatever way', async () => {
    // The ends of pieces and of prefixes are within characters.
    const large = octetsOfAllKinds.map((octets) => Buffer.concat([octets, Buffer.from('x日'.repeat(30_000)), octets]))
    const raws = [...octetsOfAllKinds, ...large].map((octets) => Buffer.concat([Buffer.from('A: b\r\n\r\n'), octets]))
    const stored = await store.append(raws.map((raw) => ({ raw, targets: [{ folderId: inbox.id }] })))
    for (const isOpen of [false, true]) {
      if (isOpen) await store.snapshot(inbox.id)
      using whole = store.readAhead(stored)
      using starts = store.readAhead(stored, 12)
      for (const [i, { entry }] of stored.entries()) {
        const raw = raws[i] as Buffer
        const same = (found: Buffer | undefined, start = 0, end = raw.length): void =>
          expect(found?.toString('hex')).toBe(raw.subarray(start, end).toString('hex'))
        same(await whole.read(inbox.id, entry.uid))
        same(await starts.read(inbox.id, entry.uid, 0, 12), 0, 12)
        same(await store.read(inbox.id, entry.uid))
        same(await store.read(inbox.id, entry.uid, 9, 14), 9, 14)
        same(await drain(store.stream(inbox.id, entry.uid)))
      }
    }
  })

  test('messages that are not UTF-8 are read again without the others', async () => {
    const texts = many(100)
    texts[10] = 'Subject: caf\xe9'
    texts[20] = 'Subject: \xff\xfe'
    const stored = await deliver(inbox, texts)
    queries = []
    using source = store.readAhead(stored)
    for (const [i, { entry }] of stored.entries()) {
      expect((await source.read(inbox.id, entry.uid))?.toString('latin1')).toBe(texts[i])
    }
    expect(reads()).toBe(2)
  })

  test('overviews of articles take one query', async () => {
    const group = await store.createFolder(PUBLIC_OWNER, 'lab.talk', { newsgroup })
    const stored = await deliver(group, many(100))
    queries = []
    using source = store.readAhead(stored, 'overview')
    for (const { entry } of stored) {
      expect(await source.overview(group.id, entry.uid)).toMatchObject({ subject: String(entry.uid) })
    }
    expect(reads()).toBe(1)
  })

  test('clients that ask for one message after the other take few queries, and others one for each message', async () => {
    await deliver(inbox, many(500))
    await store.snapshot(inbox.id)
    queries = []
    for (let uid = 1; uid <= 400; uid++) {
      expect((await store.read(inbox.id, uid))?.toString()).toBe(`Subject: ${uid}\r\n\r\ntext`)
    }
    // 1, then 4, 16, 64, and 128 each time.
    expect(reads()).toBe(7)
    queries = []
    const behind = 500 - 1 - 4 - 16 - 64 - 128 * 3
    for (let i = 1; i < behind; i += 2) await store.read(inbox.id, 500 - i)
    expect(reads()).toBe(Math.floor(behind / 2))
  })

  test('several clients in one folder do not disturb each other', async () => {
    await deliver(inbox, many(400))
    await store.snapshot(inbox.id)
    queries = []
    for (let i = 0; i < 90; i++) {
      for (const first of [1, 101, 201, 301]) await store.read(inbox.id, first + i)
    }
    expect(reads()).toBeLessThanOrEqual(4 * 5)
  })

  test('a message that was deleted is not read from memory', async () => {
    await deliver(inbox, many(100))
    await store.snapshot(inbox.id)
    for (let uid = 1; uid <= 10; uid++) await store.read(inbox.id, uid)
    await store.expunge(inbox.id, [11, 12])
    expect(await store.read(inbox.id, 11)).toBeUndefined()
    expect((await store.read(inbox.id, 13))?.toString()).toBe('Subject: 13\r\n\r\ntext')
  })

  test('an error of the database is the error of one read', async () => {
    const stored = await deliver(inbox, many(300))
    using source = store.readAhead(stored)
    failing = 1
    await expect(source.read(inbox.id, 1)).rejects.toMatchObject({ name: 'StoreError', code: 'failed' })
    for (const { entry } of stored) {
      expect((await source.read(inbox.id, entry.uid))?.toString()).toBe(`Subject: ${entry.uid}\r\n\r\ntext`)
    }
  })

  test('a large article is streamed to its end although it was deleted before the first octet', async () => {
    const group = await store.createFolder(PUBLIC_OWNER, 'lab.talk', { newsgroup })
    const [prefix, body] = [Buffer.from('Xref: lab.test lab.talk:1\r\n'), pattern(400_000)]
    await store.append([{ raw: pieces(body, 50_000), prefix: () => prefix, targets: [{ folderId: group.id }] }])
    await store.entry(group.id, 1)
    await store.expunge(group.id, [1])
    expect((await drain(store.stream(group.id, 1))).equals(Buffer.concat([prefix, body]))).toBe(true)
  })
})
