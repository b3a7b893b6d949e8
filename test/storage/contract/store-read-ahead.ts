import { describe, expect, it, onTestFailed } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import type { StoredMessage } from '../../../src/storage/store/message-entry.ts'
import { alice, drain, message, newsgroup, pattern, pieces, type StoreContext } from './store-context.ts'

/** Tests messages that are read one after the other. */
export function aheadContract(on: StoreContext): void {
  /** Returns everything that is in a folder. */
  const all = async (): Promise<StoredMessage[]> =>
    (await on.store.list(on.inbox.id)).map((entry) => ({ folder: on.inbox, entry }))

  describe('messages that are read one after the other', () => {
    it('are whole, whatever their sizes, and in all folders', async () => {
      const other = await on.store.createFolder(alice, 'Other')
      const raws = [0, 1, 10, 65_535, 65_536, 65_537, 200_000, 400_000, 3, 16_384].map(pattern)
      const stored = await on.store.append(
        raws.map((raw, i) => ({
          raw: i % 3 === 0 ? pieces(raw, 30_000) : raw,
          targets: [{ folderId: (i % 2 === 0 ? on.inbox : other).id }],
        })),
      )
      for (const order of [stored, stored.toReversed()]) {
        using source = on.store.readAhead(order)
        for (const { folder, entry } of order) {
          const raw = raws[stored.findIndex((one) => one.entry === entry)] as Buffer
          expect((await source.read(folder.id, entry.uid))?.equals(raw)).toBe(true)
          const [from, to] = [raw.length >> 1, (raw.length >> 1) + 20]
          expect((await source.read(folder.id, entry.uid, from, to))?.equals(raw.subarray(from, to))).toBe(true)
        }
      }
    })

    it('may hold any octet', async () => {
      const every = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))
      const raws = [Buffer.from('text'), every, every.subarray(1), Buffer.alloc(3), pattern(20_000)]
      const stored = await on.store.append(raws.map((raw) => ({ raw, targets: [{ folderId: on.inbox.id }] })))
      for (const some of [stored, [...stored.slice(0, 1), ...stored.slice(2, 3)]]) {
        using source = on.store.readAhead(some)
        for (const { folder, entry } of some) {
          expect((await source.read(folder.id, entry.uid))?.equals(raws[entry.uid - 1] as Buffer)).toBe(true)
        }
      }
    })

    it('may be left out, read again, and read in another order', async () => {
      await on.deliver(on.inbox, ...Array.from({ length: 20 }, (_, i) => `message ${i + 1}`))
      const read = async (...uids: number[]): Promise<void> => {
        using source = on.store.readAhead(await all())
        for (const uid of uids) {
          expect((await source.read(on.inbox.id, uid))?.toString()).toBe(`message ${uid}`)
        }
      }
      await read(2, 5, 6, 19)
      await read(3, 3, 4, 1, 20, 2)
    })

    it('are read from their start', async () => {
      const raws = [10, 5_000, 70_000, 300_000].map(pattern)
      await on.store.append(raws.map((raw) => ({ raw, targets: [{ folderId: on.inbox.id }] })))
      using source = on.store.readAhead(await all(), 4_000)
      for (const [i, raw] of raws.entries()) {
        expect((await source.read(on.inbox.id, i + 1, 0, 4_000))?.equals(raw.subarray(0, 4_000))).toBe(true)
        expect((await source.read(on.inbox.id, i + 1, 1, 9))?.equals(raw.subarray(1, 9))).toBe(true)
        expect((await source.read(on.inbox.id, i + 1))?.equals(raw)).toBe(true)
      }
    })

    it('include no message that was deleted before, nor one of a folder that does not exist', async () => {
      await on.deliver(on.inbox, 'a', 'b', 'c', 'd')
      const expected = [...(await all()), { folder: { id: 'none' }, entry: { uid: 1, sizeOctets: 1 } }]
      await on.store.expunge(on.inbox.id, [1, 3])
      using source = on.store.readAhead(expected)
      const found = []
      for (const { folder, entry } of expected) found.push((await source.read(folder.id, entry.uid))?.toString())
      expect(found).toEqual([undefined, 'b', undefined, 'd', undefined])
      using overviews = on.store.readAhead(expected, 'overview')
      expect(await overviews.overview(on.inbox.id, 1)).toBeUndefined()
      expect(await overviews.overview(on.inbox.id, 2)).toMatchObject({ bytes: 1 })
    })

    it('have overviews in newsgroups and elsewhere', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.talk', { newsgroup })
      const subject = (i: number): string => `Subject: ${i}\r\n\r\n${'x'.repeat(i)}\r\n`
      const large = Buffer.from(`Subject: 9\r\n\r\n${'y'.repeat(400_000)}`)
      const stored = await on.store.append([
        ...Array.from({ length: 5 }, (_, i) => message(subject(i), i % 2 === 0 ? group : on.inbox)),
        { raw: pieces(large, 50_000), targets: [{ folderId: group.id }] },
      ])
      using source = on.store.readAhead(stored, 'overview')
      for (const [i, { folder, entry }] of stored.entries()) {
        expect(await source.overview(folder.id, entry.uid)).toMatchObject({ subject: String(i === 5 ? 9 : i) })
        expect(await source.overview(folder.id, entry.uid)).toEqual(await on.store.overview(folder.id, entry.uid))
        expect(await source.read(folder.id, entry.uid)).toEqual(await on.store.read(folder.id, entry.uid))
      }
    })

    it('can be many more than are read together', async () => {
      const texts = Array.from({ length: 1_500 }, (_, i) => `${i}:${'x'.repeat((i * 37) % 900)}`)
      await on.deliver(on.inbox, ...texts)
      let pulled = 0
      const expected = function* () {
        for (const one of entries) {
          pulled++
          yield one
        }
      }
      const entries = await all()
      using source = on.store.readAhead(expected())
      for (const [i, text] of texts.entries()) {
        expect((await source.read(on.inbox.id, i + 1))?.toString()).toBe(text)
        // Bounded: it does not take what is far ahead.
        expect(pulled).toBeLessThan(i + 1_000)
      }
    })

    it('are right while others are deleted and copied', async () => {
      const seed = Date.now()
      onTestFailed(() => console.log(`seed ${seed}`))
      const random = seededRandom(seed)
      const pick = (count: number): number => Math.floor(random() * count)
      const texts = new Map<string, string>()
      const add = async (): Promise<void> => {
        const batch = Array.from({ length: 60 }, () => `${random()}:${'y'.repeat(pick(9_000))}`)
        for (const [i, { entry }] of (await on.store.append(batch.map((text) => message(text, on.inbox)))).entries()) {
          texts.set(entry.blob, batch[i] as string)
        }
      }
      await add()
      await add()
      const other = await on.store.createFolder(alice, 'Other')
      const change = async (): Promise<void> => {
        for (let i = 0; i < 25; i++) {
          const uids = (await on.store.list(on.inbox.id)).map(({ uid }) => uid)
          const some = uids.filter(() => random() < 0.05)
          if (i % 5 === 0) await on.store.copy(on.inbox.id, some, other.id)
          await on.store.expunge(on.inbox.id, some)
        }
      }
      const read = async (part?: number): Promise<void> => {
        for (let round = 0; round < 3; round++) {
          const expected = (await all()).filter(() => random() < 0.8)
          using source = on.store.readAhead(expected, part)
          for (const { folder, entry } of expected) {
            if (random() < 0.2) continue
            const octets = await source.read(folder.id, entry.uid, 0, part)
            // Expunged, or as it was.
            if (octets) expect(octets.toString()).toBe(texts.get(entry.blob)?.slice(0, part))
            else expect(await on.store.entry(folder.id, entry.uid)).toBeUndefined()
          }
        }
      }
      const readInTurn = async (): Promise<void> => {
        for (const { entry } of await all()) {
          const octets = await on.store.read(on.inbox.id, entry.uid)
          if (octets) expect(octets.toString()).toBe(texts.get(entry.blob))
          else expect(await on.store.entry(on.inbox.id, entry.uid)).toBeUndefined()
        }
      }
      await Promise.all([change(), read(), read(100), readInTurn(), readInTurn()])
    })
  })

  it('a prefix of any length is a part of the message', async () => {
    const random = seededRandom(1)
    const body = pattern(400_000)
    for (const length of [1, 65_535, 65_536, 65_537, 200_001]) {
      const prefix = Buffer.alloc(length, 'P')
      const [stored] = await on.store.append([
        { raw: pieces(body, 44_444), prefix: () => prefix, targets: [{ folderId: on.inbox.id }] },
      ])
      const whole = Buffer.concat([prefix, body])
      const uid = stored?.entry.uid ?? 0
      expect(stored?.entry.sizeOctets).toBe(whole.length)
      expect((await on.store.read(on.inbox.id, uid))?.equals(whole)).toBe(true)
      expect((await drain(on.store.stream(on.inbox.id, uid))).equals(whole)).toBe(true)
      const places = [0, length - 1, length, length + 1, 65_535, 65_536, 65_537, length + 65_536, whole.length]
      for (let i = 0; i < 20; i++) places.push(Math.floor(random() * whole.length))
      for (const [i, from] of places.entries()) {
        const to = i % 3 === 0 ? from + 1 : (places[(i * 7) % places.length] as number)
        const expected = whole.subarray(from, Math.max(from, to))
        expect((await on.store.read(on.inbox.id, uid, from, to))?.equals(expected)).toBe(true)
        if (to > from) expect((await drain(on.store.stream(on.inbox.id, uid, from, to))).equals(expected)).toBe(true)
      }
    }
  })

  it('a large message with a prefix is read to its end although it is expunged', async () => {
    const body = pattern(400_000)
    const prefix = Buffer.from('Xref: lab.test lab.talk:1\r\n')
    const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.talk', { newsgroup })
    await on.store.append([{ raw: pieces(body, 44_444), prefix: () => prefix, targets: [{ folderId: group.id }] }])
    const stream = on.store.stream(group.id, 1)[Symbol.asyncIterator]()
    const first = await stream.next()
    await on.store.expunge(group.id, [1])
    const read = [first.value as Buffer]
    for (let next = await stream.next(); !next.done; next = await stream.next()) read.push(next.value)
    expect(Buffer.concat(read).equals(Buffer.concat([prefix, body]))).toBe(true)
  })
}
