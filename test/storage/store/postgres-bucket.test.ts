import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryBudget } from '../../../src/core/octets/memory-budget.ts'
import { StoreDigest } from '../../../src/storage/store/copy/digest.ts'
import { Bucket } from '../../../src/storage/store/engines/postgres/bucket.ts'
import type { Folder } from '../../../src/storage/store/folder.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { refusing, S3Server } from '../../support/s3-server.ts'
import { openNode, type StoreNode } from '../../support/store-nodes.ts'
import { alice, drain, message, pattern, pieces } from '../contract/store-context.ts'

const LARGE = 2_500_000
/** For servers that do not answer. Busy machines answer later than this. */
const SHORT = { attemptMs: 300, totalMs: 1_000 }

describe.runIf(needsPostgres())('two nodes that keep large messages in a bucket', () => {
  let place: { readonly url: string; readonly schema: string }
  let s3: S3Server
  let a: StoreNode
  let b: StoreNode
  let inbox: Folder

  beforeEach(async () => {
    place = await freshDatabase()
    s3 = await S3Server.start()
    const options = { bodies: s3.settings }
    a = await openNode(place, 'a', options)
    b = await openNode(place, 'b', options)
    inbox = await a.store.createFolder(alice, 'INBOX')
  })
  afterEach(async () => {
    s3.fault = undefined
    for (const node of [a, b]) await node[Symbol.asyncDispose]()
    await s3[Symbol.asyncDispose]()
  })

  const add = async (octets: number, { store } = a): Promise<number> => {
    const raw = pieces(pattern(octets), 50_000)
    const [stored] = await store.append([{ ...message('', inbox), raw }])
    return stored?.entry.uid as number
  }
  /** Sweeps as if hours had passed. */
  const sweep = async (): Promise<void> => {
    await a.database.query("update object_space set swept_at = now() - interval '2 hours'")
    await a.database.query("update doomed set at = now() - interval '1 hour'")
    await a.database.query("update incoming set touched_at = now() - interval '3 hours'")
    await a.store.sweep()
  }

  test.each([64 * 1024, 64 * 1024 + 1, 200_000, 64 * 1024 * 16, 64 * 1024 * 17, LARGE])(
    'a message of %i octets is read on the other node, whole and in parts',
    async (octets) => {
      const uid = await add(octets)
      const whole = pattern(octets)
      expect((await b.store.read(inbox.id, uid))?.equals(whole)).toBe(true)
      expect((await drain(b.store.stream(inbox.id, uid))).equals(whole)).toBe(true)
      for (const [start, end] of [
        [0, 10],
        [65_000, 66_000],
        [65_536, 65_537],
        [70_000, 1_200_000],
        [octets - 5, octets],
        [octets - 5, octets + 5],
        [octets, octets + 9],
      ] as const) {
        const part = whole.subarray(start, end)
        expect(await b.store.read(inbox.id, uid, start, end), `${start}`).toEqual(part)
        expect(await drain(b.store.stream(inbox.id, uid, start, end)), `${start}`).toEqual(part)
      }
    },
  )

  test('the database has the first piece of a large message, and each object at most 1 MiB', async () => {
    await add(LARGE)
    await add(64 * 1024)
    const sums = await a.database.query(
      'select (select sum(length(octets)) from pieces)::integer as pieces, (select sum(octets) from objects)::integer as objects, (select max(octets) from objects) as most',
    )
    expect(sums).toEqual([{ pieces: 2 * 65_536, objects: LARGE - 65_536, most: 1_048_576 }])
    expect(s3.objects).toHaveLength(3)
  })

  test('a message that arrives as one buffer, with octets before it, is read as it is', async () => {
    const raw = pattern(LARGE)
    const prefix = Buffer.from('Delivered-To: alice@a.test\r\n')
    const [stored] = await a.store.append([{ raw, targets: [{ folderId: inbox.id }], prefix: () => prefix }])
    const uid = stored?.entry.uid as number
    const whole = Buffer.concat([prefix, raw])
    expect((await b.store.read(inbox.id, uid))?.equals(whole)).toBe(true)
    expect((await b.store.read(inbox.id, uid, 65_550, 65_570))?.equals(whole.subarray(65_550, 65_570))).toBe(true)
  })

  test('one message is never whole in memory, and the budget counts its objects', async () => {
    const memory = new MemoryBudget({ totalOctets: 4 << 20, heapOctets: 4 << 20 })
    await using node = await openNode(place, 'c', { bodies: s3.settings, memory })
    const uid = await add(8 << 20)
    let most = 0
    for await (const _ of node.store.stream(inbox.id, uid)) most = Math.max(most, memory.usage.messages)
    expect(most).toBeGreaterThan(1 << 20)
    expect(most).toBeLessThanOrEqual(5 << 20)
  })

  test('objects are removed an hour after nobody needs them, and those of other stores stay', async () => {
    const other = await freshDatabase()
    await using neighbour = await openNode(other, 'n', { bodies: s3.settings })
    const theirs = await neighbour.store.createFolder(alice, 'INBOX')
    await neighbour.store.append([{ ...message('', theirs), raw: pattern(200_000) }])
    const [kept, removed] = [await add(LARGE), await add(LARGE)]
    await a.store.expunge(inbox.id, [removed])
    await sweep()
    expect(s3.objects).toHaveLength(7)
    s3.age(2)
    await sweep()
    expect(s3.objects).toHaveLength(4)
    expect((await b.store.read(inbox.id, kept))?.equals(pattern(LARGE))).toBe(true)
    await a.store.clear()
    s3.age(2)
    await sweep()
    expect(s3.objects).toHaveLength(1)
  })

  test('a bucket that lists the objects of others, or never ends its list, makes the lab remove nothing else', async () => {
    const uid = await add(LARGE)
    await a.store.expunge(inbox.id, [uid])
    s3.age(2)
    const [{ id }] = (await a.database.query('select id from object_space')) as [{ id: string }]
    const own = `mail/${id}/`
    const old = '<LastModified>2020-01-01T00:00:00.000Z</LastModified>'
    const names = [`${own}../../other/secret`, `${own}${'0'.repeat(36)}`, 'mail/other', `${own}x?y`, `${own}zzz`]
    s3.fault = (request, response) => {
      if (!request.url?.includes('list-type')) return undefined
      response.end(names.map((name) => `<Contents><Key>${name}</Key>${old}</Contents>`).join(''))
      return true
    }
    s3.requests.length = 0
    await sweep()
    expect(s3.requests.filter((one) => !one.startsWith('GET /lab?list-type'))).toEqual([])
    expect(s3.requests.length).toBeLessThan(5)
    expect(s3.objects).toHaveLength(3)
  })

  test('nothing is removed while a copy is being made', async () => {
    const uid = await add(LARGE)
    const dump = a.store.dump()
    await dump.next()
    await b.store.expunge(inbox.id, [uid])
    s3.age(2)
    await sweep()
    expect((await new StoreDigest().of(dump)).octets).toBe(LARGE)
  })

  test('a message is refused while the bucket refuses it, and nothing of it stays', async () => {
    await using impatient = await openNode(place, 'c', { bodies: s3.settings, bucketLimits: SHORT })
    s3.fault = refusing('PUT', 503)
    await expect(add(LARGE, impatient)).rejects.toMatchObject({
      code: 'failed',
      message: expect.stringContaining('SlowDown'),
    })
    expect(await b.store.status(inbox.id)).toMatchObject({ exists: 0 })
    expect(await a.store.bodiesFailure()).toBeUndefined()
    s3.fault = refusing('PUT', 500, 2)
    expect(await add(LARGE)).toBe(1)
  })

  test('octets that were written before a crash of the node are removed', async () => {
    await using impatient = await openNode(place, 'c', { bodies: s3.settings, bucketLimits: SHORT })
    s3.fault = (request, response) => {
      if (request.method !== 'PUT' || s3.objects.length < 2) return undefined
      response.destroy()
      return true
    }
    await expect(add(LARGE, impatient)).rejects.toMatchObject({ code: 'failed' })
    s3.fault = undefined
    expect(s3.objects).toHaveLength(2)
    s3.age(2)
    await sweep()
    expect(s3.objects).toEqual([])
    expect(await a.database.query('select from objects')).toEqual([])
  })

  test('a message of which an object is missing or damaged is an error, and the others are read', async () => {
    const large = await add(LARGE)
    const [small] = await a.store.append([message('small', inbox)])
    const failed = { code: 'failed', message: expect.stringMatching(/cannot be read from the object storage/) }
    s3.damage()
    await using impatient = await openNode(place, 'c', { bodies: s3.settings, bucketLimits: SHORT })
    await expect(impatient.store.read(inbox.id, large)).rejects.toMatchObject(failed)
    s3.removeAll()
    const stream = b.store.stream(inbox.id, large)[Symbol.asyncIterator]()
    // Before the first octets.
    await expect(stream.next()).rejects.toMatchObject(failed)
    expect((await b.store.read(inbox.id, large, 0, 1_000))?.length).toBe(1_000)
    expect((await b.store.read(inbox.id, small?.entry.uid as number))?.toString()).toBe('small')
    expect(await b.store.bodiesFailure()).toBeUndefined()
  })

  test('a bucket that does not answer is reported, and works again', async () => {
    const uid = await add(LARGE)
    await using impatient = await openNode(place, 'c', { bodies: s3.settings, bucketLimits: SHORT })
    s3.fault = () => true
    await expect(impatient.store.read(inbox.id, uid)).rejects.toMatchObject({
      message: expect.stringMatching('in time'),
    })
    expect(await impatient.store.bodiesFailure()).toMatch(
      /the bucket lab at http.* cannot be used: it does not answer in time/,
    )
    s3.fault = undefined
    expect(await impatient.store.bodiesFailure()).toBeUndefined()
    expect((await impatient.store.read(inbox.id, uid))?.length).toBe(LARGE)
  })

  test('a store without a bucket does not open', async () => {
    await add(LARGE)
    await expect(openNode(place, 'c')).rejects.toMatchObject({ message: expect.stringMatching('Set store.bodies') })
  })

  test('a copy has all octets, and the copy of it too', async () => {
    await add(LARGE)
    await add(100_000)
    await using back = await openNode(await freshDatabase(), 'c', { bodies: s3.settings })
    const source = new StoreDigest()
    await back.store.restore(source.through(a.store.dump()))
    expect((await new StoreDigest().of(back.store.dump())).hash).toBe(source.result.hash)
    expect(await back.database.query('select sum(octets)::integer as octets from objects')).toEqual([
      { octets: LARGE + 100_000 - 2 * 65_536 },
    ])
  })

  test('a wrong key and a missing bucket are named', async () => {
    const wrong = new Bucket({ ...s3.settings, secretAccessKey: 'wrong' })
    await expect(wrong.probe()).rejects.toMatchObject({ message: expect.stringMatching('SignatureDoesNotMatch') })
    await expect(new Bucket({ ...s3.settings, bucket: 'none' }).probe()).rejects.toMatchObject({
      message: expect.stringMatching('NoSuchBucket'),
    })
    await new Bucket(s3.settings).probe()
    expect(s3.objects).toEqual([])
  })
})
