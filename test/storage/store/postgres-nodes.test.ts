import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { DROPPED } from '../../../src/storage/store/engines/full/drop-oldest.ts'
import { PostgresFolder } from '../../../src/storage/store/engines/postgres/postgres-folder.ts'
import { Names } from '../../../src/storage/store/engines/postgres/records.ts'
import { Replication } from '../../../src/storage/store/engines/postgres/replication.ts'
import { FolderIndex } from '../../../src/storage/store/entries/folder-index.ts'
import { accountOwner, type Folder } from '../../../src/storage/store/folder.ts'
import { freshDatabase, needsPostgres, Postgres } from '../../support/postgres.ts'
import { openNode, type StoreNode, until } from '../../support/store-nodes.ts'
import { alice, drain, message, pattern, pieces } from '../contract/store-context.ts'

describe.runIf(needsPostgres())('two nodes with one store in PostgreSQL', () => {
  let place: { readonly url: string; readonly schema: string }
  let a: StoreNode
  let b: StoreNode
  let inbox: Folder

  beforeEach(async () => {
    place = await freshDatabase()
    a = await openNode(place, 'a')
    b = await openNode(place, 'b')
    inbox = await a.store.createFolder(alice, 'INBOX')
  })
  afterEach(async () => {
    await a[Symbol.asyncDispose]()
    await b[Symbol.asyncDispose]()
  })

  test('each sees immediately what the other has done', async () => {
    expect(await b.store.findFolder(alice, 'INBOX')).toEqual(inbox)
    await a.store.append([message('one', inbox), message('two', inbox)])
    expect(await b.store.status(inbox.id)).toMatchObject({ exists: 2, uidNext: 3, unseen: 2 })
    expect([...(await b.store.snapshot(inbox.id)).entries]).toEqual(await a.store.list(inbox.id))
    await b.store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen', 'Work'] })
    expect((await a.store.entry(inbox.id, 1))?.flags).toEqual(['\\Seen', 'Work'])
    // The spelling that was first used on any node.
    await a.store.setFlags(inbox.id, [2], { mode: 'add', flags: ['WORK'] })
    expect([...(await b.store.snapshot(inbox.id)).entries].map(({ flags }) => flags)).toEqual([
      ['\\Seen', 'Work'],
      ['Work'],
    ])
    await a.store.expunge(inbox.id, [1])
    expect([...(await b.store.snapshot(inbox.id)).entries].map(({ uid }) => uid)).toEqual([2])
    const { folderId } = { folderId: (await b.store.renameFolder(inbox.id, 'Old')).id }
    expect(folderId).toBe(inbox.id)
    expect((await a.store.listFolders(alice)).map(({ name }) => name)).toEqual(['Old'])
    await a.store.deleteFolder(inbox.id)
    expect(await b.store.listOwners()).toEqual([])
    await expect(b.store.append([message('late', inbox)])).rejects.toMatchObject({ code: 'not-found' })
  })

  test('each emits the changes of the other, without an origin', async () => {
    await a.store.append([message('one', inbox), message('two', inbox)], {})
    await until(() => b.events.length === 2)
    await a.store.setFlags(inbox.id, [2], { mode: 'add', flags: ['\\Seen'] }, {})
    await until(() => b.events.length === 3)
    await a.store.expunge(inbox.id, [1], {})
    await a.store.changeValues({ folderId: inbox.id, kind: 'acl' }, () => new Map([['bob', Buffer.from('l')]]), {})
    await until(() => b.events.length === 5)
    await a.store.renameFolder(inbox.id, 'Old')
    await until(() => b.events.length === 6)
    expect(b.events).toMatchObject([
      { type: 'folder-created', folder: { id: inbox.id } },
      { type: 'appended', entries: [{ uid: 1 }, { uid: 2 }] },
      { type: 'flags', entries: [{ uid: 2, flags: ['\\Seen'] }] },
      ...[{ type: 'expunged', uids: [1] }, { type: 'values', kind: 'acl', names: ['bob'] }, { type: 'folder-changed' }],
    ])
    expect(b.events.every((event) => !('origin' in event))).toBe(true)
    await a.store.setState('feed', '1')
    await until(() => b.store.hasState('feed'))
    await a.store.clear()
    await until(() => b.events.at(-1)?.type === 'folder-deleted' && !b.store.hasState('feed'))
  })

  /** The first octets of a large message, which are written while it arrives. */
  const start = Buffer.alloc(512 * 1024, 'a')

  test('a message whose first octets a crash of the server took is refused', async () => {
    const raw = async function* () {
      yield start
      await b.database.query('delete from incoming')
      await b.database.query('delete from pieces')
      yield start
    }
    const arriving = a.store.append([{ ...message('large', inbox), raw: raw() }])
    await expect(arriving).rejects.toMatchObject({ code: 'failed', message: expect.stringMatching('Send it again') })
    expect(await b.store.status(inbox.id)).toMatchObject({ exists: 0 })
  })

  test('a message whose last octets a crash of the server took is refused', async () => {
    const raw = async function* () {
      yield start
    }
    let arriving: Promise<unknown> | undefined
    await b.database.transaction(async (transaction) => {
      await transaction.query('select from folders for update')
      arriving = a.store.append([{ ...message('large', inbox), raw: raw() }])
      arriving.catch(() => {})
      const waiting = `select from pg_stat_activity where application_name = 'sealpost a' and wait_event_type = 'Lock'
        and datname = current_database() and query ~ 'lock_token'`
      await until(async () => (await b.database.query(waiting)).length > 0)
      await transaction.query('delete from pieces where piece = 7')
    })
    await expect(arriving).rejects.toMatchObject({ code: 'failed', message: expect.stringMatching('Send it again') })
    expect(await b.store.status(inbox.id)).toMatchObject({ exists: 0 })
  })

  test('entries that a change needs stay in memory', async () => {
    const other = await a.store.createFolder(alice, 'Other')
    await a.store.append([message('one', inbox), message('two', other)])
    const rows = await a.database.query<{ id: number }>('select id from folders where id > 0 order by id')
    const start = { uidNext: 1, modSeq: 1, valueSeq: 0 }
    const [used, next] = rows.map(({ id }) => new PostgresFolder(id, inbox, { ...start })) as [
      PostgresFolder,
      PostgresFolder,
    ]
    const replication = new Replication(a.database, new Names('test'), () => {}, 0)
    const end = await used.turn()
    await replication.index(used)
    await replication.index(next)
    expect([used.index?.exists, next.index?.exists]).toEqual([1, 1])
    end()
    replication.forget(used)
    await replication.index(used)
    expect([used.index?.exists, next.index?.exists]).toEqual([1, undefined])
  })

  test('a change that was committed is not repeated if telling of it fails', async () => {
    const { notify } = a.database
    a.database.notify = () => {
      a.database.notify = notify
      throw new Error('cannot tell')
    }
    await Promise.all(['one', 'two'].map((text) => a.store.append([message(text, inbox)])))
    expect(await a.store.status(inbox.id)).toMatchObject({ exists: 2 })
    expect((await a.store.snapshot(inbox.id)).entries.length).toBe(2)
  })

  test('states that are set at the same time are all known', async () => {
    const keys = ['one', 'two', 'three']
    await Promise.all(keys.map((key) => a.store.setState(key, '1')))
    expect(keys.filter((key) => !a.store.hasState(key))).toEqual([])
  })

  test('no event is lost or doubled under concurrent changes, and all end with the same messages', async () => {
    const seed = Date.now() % 100_000
    const next = seededRandom(seed)
    const random = (below: number) => Math.floor(next() * below)
    const models = [a, b].map(({ store }) => {
      const index = new FolderIndex()
      const uids = new Set<number>()
      const doubled: number[] = []
      store.watch((event) => {
        if (event.type === 'appended') {
          index.append(event.entries)
          for (const { uid } of event.entries) uids.has(uid) ? doubled.push(uid) : uids.add(uid)
        } else if (event.type === 'flags') index.replace(event.entries)
        else if (event.type === 'expunged') index.remove(event.uids, event.modSeq)
      }, inbox.id)
      return { index, doubled }
    })
    await a.store.snapshot(inbox.id)
    const appended: number[] = []
    for (let round = 0; round < 40; round++) {
      const changes = Array.from({ length: 4 }, async () => {
        const { store } = random(2) ? a : b
        const uids = Array.from({ length: 3 }, () => 1 + random(60))
        const what = random(4)
        if (what < 2) appended.push(...(await store.append([message('x', inbox)])).map(({ entry }) => entry.uid))
        else if (what === 2) await store.expunge(inbox.id, uids.slice(0, 1))
        else await store.setFlags(inbox.id, uids, { mode: random(2) ? 'add' : 'remove', flags: ['\\Seen', '$A'] })
      })
      await Promise.all(changes)
      if (random(4) === 0) await (random(2) ? a : b).store.snapshot(inbox.id)
    }
    expect(new Set(appended).size, `seed ${seed}`).toBe(appended.length)
    const last = await a.store.list(inbox.id, { from: 1, to: Number.MAX_SAFE_INTEGER })
    for (const { store } of [a, b]) expect([...(await store.snapshot(inbox.id)).entries], `seed ${seed}`).toEqual(last)
    for (const { index, doubled } of models) {
      await until(() => JSON.stringify(index.list()) === JSON.stringify(last))
      expect(doubled, `seed ${seed}`).toEqual([])
    }
  })

  test('a large message that one receives is read in pieces on the other', async () => {
    const raw = pattern(700_001)
    await a.store.append([{ raw: pieces(raw, 50_000), targets: [{ folderId: inbox.id }] }])
    expect((await drain(b.store.stream(inbox.id, 1))).equals(raw)).toBe(true)
    expect((await b.store.read(inbox.id, 1, 400_000, 400_010))?.equals(raw.subarray(400_000, 400_010))).toBe(true)
    const stream = b.store.stream(inbox.id, 1)[Symbol.asyncIterator]()
    const first = (await stream.next()).value as Buffer
    await a.store.expunge(inbox.id, [1])
    const rest = [first]
    for (let piece = await stream.next(); !piece.done; piece = await stream.next()) rest.push(piece.value)
    expect(Buffer.concat(rest).equals(raw)).toBe(true)
  })

  test('a folder is locked on all nodes, and a lock that ran out is lost', async () => {
    await a.store.append([message('one', inbox)])
    const held = await a.store.lockFolder(inbox.id)
    expect(await b.store.lockFolder(inbox.id)).toBeUndefined()
    expect([...(await b.store.lockedFolders())]).toEqual([inbox.id])
    expect(await b.store.expungeUnlocked(inbox.id, [1])).toEqual([])
    await b.database.query("update folders set locked_until = clock_timestamp() - interval '1 second' where id = 1")
    const taken = await b.store.lockFolder(inbox.id)
    expect(taken).toBeDefined()
    await expect(held?.expunge([1])).rejects.toMatchObject({ code: 'lock-lost' })
    await held?.release()
    expect(await taken?.expunge([1])).toEqual([1])
    await taken?.release()
    expect(await a.store.lockFolder(inbox.id)).toBeDefined()
  })

  test('nodes that make room in a full store at the same time delete only what is needed', async () => {
    const limits = { messages: 20, whenFull: 'drop-oldest' } as const
    await using c = await openNode(place, 'c', { limits })
    await using d = await openNode(place, 'd', { limits })
    const append = (node: StoreNode, text: string) => node.store.append([message(text, inbox)])
    for (let i = 0; i < limits.messages; i++) await append(c, `early ${i}`)
    let dropped = 0
    for (const { store } of [c, d]) {
      store.watch((event) => {
        if (event.type === 'expunged' && event.origin === DROPPED) dropped += event.uids.length
      })
    }
    const rounds = 30
    for (let round = 0; round < rounds; round++) {
      await Promise.all([append(c, `c ${round}`), append(d, `d ${round}`)])
      expect(await a.store.status(inbox.id)).toMatchObject({ exists: limits.messages })
    }
    expect(dropped).toBe(2 * rounds)
    const left = await a.store.list(inbox.id)
    expect(left.map(({ uid }) => uid)).toEqual(left.map((_, i) => 2 * rounds + 1 + i))
  })

  test('a node that starts later has everything', async () => {
    await a.store.append([message('one', inbox)])
    await a.store.setState('key', 'value')
    await using c = await openNode(place, 'c')
    expect(c.store.folderOf(inbox.id)).toEqual(inbox)
    expect(c.store.hasState('key')).toBe(true)
    expect(await c.store.list(inbox.id)).toEqual(await a.store.list(inbox.id))
    expect(c.events).toEqual([])
  })

  test('connections that the server ends are replaced, and changes are made once', async () => {
    const others = Array.from({ length: 60 }, async (_, i) => {
      if (i % 10 === 5) {
        await b.database.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'sealpost a'",
        )
      }
      return a.store.append([message(`m${i}`, inbox)])
    })
    const results = await Promise.allSettled(others)
    const stored = results.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
    const uids = stored.map(({ entry }) => entry.uid)
    expect(new Set(uids).size).toBe(stored.length)
    const listed = await b.store.list(inbox.id, { from: 1, to: 1_000 })
    expect(listed.map(({ uid }) => uid)).toEqual(uids.sort((x, y) => x - y))
    expect([...(await a.store.snapshot(inbox.id)).entries]).toEqual(listed)
  })
})

test.runIf(needsPostgres())('calls fail while the server is away, and work after it is back', async () => {
  await using server = await Postgres.start()
  await using node = await openNode({ url: server.url, schema: 'lab' }, 'a')
  const inbox = await node.store.createFolder(accountOwner('alice'), 'INBOX')
  await node.store.append([message('one', inbox)])
  await server.stop('immediate')
  // Unknown: the connection ended in the middle of the commit, before the store knew that the server is away.
  await expect(node.store.append([message('lost', inbox)])).rejects.toMatchObject({
    name: 'StoreError',
    code: expect.stringMatching(/^(?:failed|unknown)$/),
  })
  await expect(node.store.read(inbox.id, 1)).rejects.toMatchObject({ name: 'StoreError', code: 'failed' })
  await server.restart()
  await until(() => node.database.state === 'connected')
  const [stored] = await node.store.append([message('two', inbox)])
  expect(stored?.entry.uid).toBe(2)
  expect((await node.store.read(inbox.id, 1))?.toString()).toBe('one')
})
