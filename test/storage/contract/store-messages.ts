import { describe, expect, it } from 'vitest'
import { OUTGOING_OWNER, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import type { StoreEvent } from '../../../src/storage/store/store-events.ts'
import { isLong } from '../../support/long.ts'
import { alice, drain, message, newsgroup, pattern, pieces, type StoreContext } from './store-context.ts'

/** Tests appending and reading messages. */
export function messageContract(on: StoreContext): void {
  describe('messages', () => {
    it('are stored octet for octet, with their attributes', async () => {
      const raw = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))
      const envelope = { mailFrom: 'a@x.test', rcptTo: ['b@y.test'], session: 's1' }
      const [stored] = await on.store.append([
        {
          raw,
          envelope,
          messageId: '<1@x>',
          internalDate: 86_400_000,
          targets: [{ folderId: on.inbox.id, flags: ['\\Seen'] }],
        },
      ])
      expect(stored?.entry).toMatchObject({ uid: 1, sizeOctets: 256, internalDate: 86_400_000, savedAt: on.clock.ms })
      expect(stored?.entry).toMatchObject({ flags: ['\\Seen'], messageId: '<1@x>', envelope })
      expect(await on.store.entry(on.inbox.id, 1)).toEqual(stored?.entry)
      expect((await on.store.read(on.inbox.id, 1))?.equals(raw)).toBe(true)
      expect((await on.store.read(on.inbox.id, 1, 250))?.equals(raw.subarray(250))).toBe(true)
      expect((await on.store.read(on.inbox.id, 1, 3, 5))?.equals(raw.subarray(3, 5))).toBe(true)
      expect((await on.store.read(on.inbox.id, 1, 250, 999))?.equals(raw.subarray(250))).toBe(true)
      expect((await on.store.read(on.inbox.id, 1, undefined, 5))?.equals(raw.subarray(0, 5))).toBe(true)
      expect(await on.store.read(on.inbox.id, 2)).toBeUndefined()
      expect(await on.store.read(on.inbox.id, 2, 3, 5)).toBeUndefined()
      expect(await on.store.read('none', 1)).toBeUndefined()
    })

    it('say whether they lack a line end, also in copies and after streams', async () => {
      const line = Buffer.from('line\r\n')
      const large = pattern(1_100_000)
      const open = line.subarray(0, 5)
      const lacking = [Buffer.from('a'), Buffer.from('a\n'), pieces(open, 2), pieces(large, 99_999), [line, large]]
      const ending = [line, Buffer.alloc(0), [open, line.subarray(5), Buffer.alloc(0)], pieces(line, 1)]
      const split = pieces(Buffer.concat([large, line]), large.length + line.length - 1)
      const targets = [{ folderId: on.inbox.id }]
      await on.store.append([...lacking, ...ending, split].map((raw) => ({ raw, targets })))
      const expected = [true, true, true, true, true, undefined, undefined, undefined, undefined, undefined]
      const marks = async (folderId: string) => (await on.store.list(folderId)).map((entry) => entry.lacksLineEnd)
      expect(await marks(on.inbox.id)).toEqual(expected)
      const other = await on.store.createFolder(alice, 'Other')
      await on.store.copy(on.inbox.id, [1, 6, 10], other.id)
      await on.store.setFlags(other.id, [1], { mode: 'add', flags: ['\\Seen'] })
      expect(await marks(other.id)).toEqual([true, undefined, undefined])
      expect((await on.store.snapshot(other.id)).withoutLineEnd).toBe(1)
      await on.store.expunge(other.id, [1])
      expect((await on.store.snapshot(other.id)).withoutLineEnd).toBe(0)
    })

    it('are found as the oldest of their folders', async () => {
      const [empty, other] = [
        await on.store.createFolder(alice, 'Empty'),
        await on.store.createFolder(PUBLIC_OWNER, 'lab.x', { newsgroup }),
      ]
      const first = on.clock.ms
      await on.deliver(on.inbox, 'one')
      await on.deliver(other, 'other')
      on.clock.ms += 1_000
      await on.deliver(on.inbox, 'second')
      await on.store.expunge(other.id, [1])
      await on.deliver(other, 'later')
      expect(await on.store.oldest([on.inbox.id, 'none', empty.id, other.id])).toEqual(
        new Map([
          [on.inbox.id, { exists: 2, sizeOctets: 9, savedAt: first }],
          [other.id, { exists: 1, sizeOctets: 5, savedAt: first + 1_000 }],
        ]),
      )
    })

    it('have the current date, and no envelope or Message-ID, unless they are given', async () => {
      await on.deliver(on.inbox, 'x')
      expect(Object.keys((await on.store.entry(on.inbox.id, 1)) ?? {})).not.toContain('messageId')
      expect(Object.keys((await on.store.entry(on.inbox.id, 1)) ?? {})).not.toContain('envelope')
      expect((await on.store.entry(on.inbox.id, 1))?.internalDate).toBe(on.clock.ms)
    })

    it('have the envelope of their folder, if it has one', async () => {
      const queue = await on.store.createFolder(OUTGOING_OWNER, 'Queue')
      const events: StoreEvent[] = []
      on.store.watch((event) => events.push(event), queue.id)
      const all = on.watched()
      const outgoing = { connector: 'C', destination: 'y.test', recipients: [{ address: 'b@y.test' }] }
      const [kept, queued] = await on.store.append([
        {
          raw: Buffer.from('text'),
          envelope: { mailFrom: 'a@x.test' },
          targets: [{ folderId: on.inbox.id }, { folderId: queue.id, envelope: { mailFrom: 'a@x.test', outgoing } }],
        },
      ])
      expect(kept?.entry.envelope).toEqual({ mailFrom: 'a@x.test' })
      expect(queued?.entry.blob).toBe(kept?.entry.blob)
      expect((await on.store.entry(queue.id, 1))?.envelope).toEqual({ mailFrom: 'a@x.test', outgoing })
      // Nobody but the queue sees it.
      expect(await on.store.listOwners()).toEqual([alice])
      expect(all.map(({ folder }) => folder.id)).toEqual([on.inbox.id])
      expect(events).toMatchObject([{ type: 'appended', entries: [queued?.entry] }])
    })

    it('may be empty', async () => {
      await on.deliver(on.inbox, '')
      expect(await on.textOf(on.inbox, 1)).toBe('')
      expect(await drain(on.store.stream(on.inbox.id, 1))).toHaveLength(0)
    })

    it('use room, and give it back', async () => {
      const before = await on.store.room()
      const [uid = 0] = await on.deliver(on.inbox, 'x'.repeat(500_000))
      const filled = await on.store.room()
      expect(filled.usedOctets - before.usedOctets).toBeGreaterThanOrEqual(500_000)
      // Not known of a database on another machine.
      if (filled.freeOctets !== undefined) expect(filled.freeOctets).toBeGreaterThan(0)
      await on.store.expunge(on.inbox.id, [uid])
      await on.deliver(on.inbox, 'small')
      expect((await on.store.room()).usedOctets).toBeLessThan(filled.usedOctets)
    })

    it('do not change when the buffer that they came from is overwritten', async () => {
      const socketBuffer = Buffer.from('a message and more of the socket')
      await on.store.append([{ raw: socketBuffer.subarray(0, 9), targets: [{ folderId: on.inbox.id }] }])
      socketBuffer.fill(0)
      expect(await on.textOf(on.inbox, 1)).toBe('a message')
    })

    it('of any size are written and read in pieces', async () => {
      for (const octets of [1, 8_192, 8_193, 65_536, 1_000_003]) {
        const raw = pattern(octets)
        const [stored] = await on.store.append([{ raw: pieces(raw, 65_521), targets: [{ folderId: on.inbox.id }] }])
        const uid = stored?.entry.uid ?? 0
        expect(stored?.entry.sizeOctets).toBe(octets)
        expect((await on.store.read(on.inbox.id, uid))?.equals(raw)).toBe(true)
        expect((await drain(on.store.stream(on.inbox.id, uid))).equals(raw)).toBe(true)
        const [from, to] = [Math.floor(octets / 3), octets - 1]
        expect((await drain(on.store.stream(on.inbox.id, uid, from, to))).equals(raw.subarray(from, to))).toBe(true)
        expect((await on.store.read(on.inbox.id, uid, from, to))?.equals(raw.subarray(from, to))).toBe(true)
      }
    })

    it('that are expunged while they are read are still read whole', async () => {
      const raw = pattern(300_000)
      for (let turns = 0; turns < (isLong ? 40 : 20); turns++) {
        const [stored] = await on.store.append([{ raw, targets: [{ folderId: on.inbox.id }] }])
        const uid = stored?.entry.uid ?? 0
        const expunged = on.store.expunge(on.inbox.id, [uid])
        for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
        const isThere = (await on.store.entry(on.inbox.id, uid)) !== undefined
        const read: Buffer[] = []
        for await (const piece of on.store.stream(on.inbox.id, uid)) {
          read.push(piece)
          await expunged
        }
        expect(Buffer.concat(read).length).toBe(isThere ? raw.length : 0)
        await expunged
      }
    })

    it('whose iterable throws are not stored, nor is their batch', async () => {
      const broken = (async function* () {
        yield Buffer.from('half')
        throw new Error('client gone')
      })()
      const batch = [message('whole', on.inbox), { raw: broken, targets: [{ folderId: on.inbox.id }] }]
      await expect(on.store.append(batch)).rejects.toThrow('client gone')
      expect(await on.store.status(on.inbox.id)).toMatchObject({ exists: 0, uidNext: 1 })
    })

    it('whose iterable throws after many pieces are not stored, nor is their batch', async () => {
      const broken = (async function* () {
        yield* pieces(pattern(2_000_000), 100_000)
        throw new Error('client gone')
      })()
      const events = on.watched()
      const whole = { raw: pieces(pattern(700_000), 9_999), targets: [{ folderId: on.inbox.id }] }
      await expect(on.store.append([whole, { raw: broken, targets: [{ folderId: on.inbox.id }] }])).rejects.toThrow(
        'client gone',
      )
      expect(await on.store.status(on.inbox.id)).toMatchObject({ exists: 0, uidNext: 1 })
      expect(events).toEqual([])
      expect(await on.deliver(on.inbox, 'next')).toEqual([1])
    })

    it('arrive in pieces concurrently, with and without a prefix, for several folders', async () => {
      const other = await on.store.createFolder(alice, 'Other')
      const raws = [300_000, 262_128, 65_520, 1_000_003, 10, 524_256].map(pattern)
      const prefix = (at: readonly { uid: number }[]) => Buffer.from(`X-Number: ${at.map(({ uid }) => uid)}\r\n`)
      const all = await Promise.all(
        raws.map((raw, i) =>
          on.store.append([
            {
              raw: pieces(raw, 33_333),
              targets: [{ folderId: on.inbox.id }, { folderId: other.id }],
              ...(i % 2 === 0 && { prefix }),
            },
          ]),
        ),
      )
      for (const [i, stored] of all.entries()) {
        for (const { folder, entry } of stored) {
          const uids = stored.map((one) => one.entry.uid)
          const whole = Buffer.concat([
            i % 2 === 0 ? Buffer.from(`X-Number: ${uids}\r\n`) : Buffer.alloc(0),
            raws[i] ?? Buffer.alloc(0),
          ])
          expect(entry.sizeOctets).toBe(whole.length)
          expect((await on.store.read(folder.id, entry.uid))?.equals(whole)).toBe(true)
          expect((await drain(on.store.stream(folder.id, entry.uid))).equals(whole)).toBe(true)
          for (const [from, to] of [
            [0, 5],
            [5, 20],
            [8, 70_000],
            [65_510, 65_530],
            [131_000, whole.length],
          ] as const) {
            expect((await on.store.read(folder.id, entry.uid, from, to))?.equals(whole.subarray(from, to))).toBe(true)
          }
        }
      }
      await on.store.copy(on.inbox.id, [1], on.inbox.id)
      await on.store.deleteFolder(other.id)
      expect((await on.store.read(on.inbox.id, 7))?.equals((await on.store.read(on.inbox.id, 1)) as Buffer)).toBe(true)
    })

    it('are rejected if their folder is deleted while they arrive', async () => {
      const other = await on.store.createFolder(alice, 'Other')
      const late = (async function* () {
        yield* pieces(pattern(600_000), 100_000)
        await on.store.deleteFolder(other.id)
        yield Buffer.from('end')
      })()
      await expect(on.store.append([{ raw: late, targets: [{ folderId: other.id }] }])).rejects.toMatchObject({
        code: 'not-found',
      })
    })

    it('are stored as a whole batch or not at all', async () => {
      const events = on.watched()
      await expect(
        on.store.append([message('a', on.inbox), { raw: Buffer.from('b'), targets: [{ folderId: 'none' }] }]),
      ).rejects.toMatchObject({ name: 'StoreError', code: 'not-found' })
      expect(await on.store.list(on.inbox.id)).toEqual([])
      expect(events).toEqual([])
    })

    it('return one result per message and target, in order, and have one blob each', async () => {
      const other = await on.store.createFolder(alice, 'Other')
      await on.deliver(other, 'before')
      const results = await on.store.append([
        message('a', on.inbox, other),
        message('b', other),
        message('c', on.inbox),
      ])
      expect(results.map(({ folder, entry }) => [folder.name, entry.uid])).toEqual([
        ['INBOX', 1],
        ['Other', 2],
        ['Other', 3],
        ['INBOX', 2],
      ])
      expect(results[0]?.entry.blob).toBe(results[1]?.entry.blob)
      expect(new Set(results.map(({ entry }) => entry.blob)).size).toBe(3)
      expect(await on.textOf(other, 2)).toBe('a')
    })

    it('get a prefix that depends on their uids', async () => {
      const other = await on.store.createFolder(PUBLIC_OWNER, 'lab.other', { newsgroup })
      await on.deliver(other, 'before')
      const [first] = await on.store.append([
        {
          raw: Buffer.from('body'),
          prefix: (at) => Buffer.from(`Xref: ${at.map(({ folder, uid }) => `${folder.name}:${uid}`).join(' ')}\r\n`),
          targets: [{ folderId: on.inbox.id }, { folderId: other.id }],
        },
      ])
      expect(await on.textOf(on.inbox, 1)).toBe('Xref: INBOX:1 lab.other:2\r\nbody')
      expect(await on.textOf(other, 2)).toBe('Xref: INBOX:1 lab.other:2\r\nbody')
      expect(first?.entry.sizeOctets).toBe('Xref: INBOX:1 lab.other:2\r\nbody'.length)
    })

    it('are listed by range of uids', async () => {
      await on.deliver(on.inbox, ...'abcdefgh')
      await on.store.expunge(on.inbox.id, [1, 4, 5])
      const listed = async (from: number, to: number): Promise<number[]> =>
        (await on.store.list(on.inbox.id, { from, to })).map(({ uid }) => uid)
      expect(await on.uidsOf(on.inbox)).toEqual([2, 3, 6, 7, 8])
      expect(await listed(1, 4)).toEqual([2, 3])
      expect(await listed(4, 5)).toEqual([])
      expect(await listed(3, 7)).toEqual([3, 6, 7])
      expect(await listed(8, Number.MAX_SAFE_INTEGER)).toEqual([8])
      expect(await listed(9, 20)).toEqual([])
      expect((await on.store.entry(on.inbox.id, 6))?.uid).toBe(6)
      expect(await on.store.entry(on.inbox.id, 5)).toBeUndefined()
    })

    it('do not change in lists that were returned', async () => {
      await on.deliver(on.inbox, 'a', 'b', 'c')
      const before = await on.store.list(on.inbox.id)
      await on.store.setFlags(on.inbox.id, [1], { mode: 'add', flags: ['\\Seen'] })
      await on.store.expunge(on.inbox.id, [2])
      await on.deliver(on.inbox, 'd')
      expect(before.map(({ uid, flags }) => [uid, flags])).toEqual([
        [1, []],
        [2, []],
        [3, []],
      ])
      expect(await on.uidsOf(on.inbox)).toEqual([1, 3, 4])
    })

    it('never reuse a uid', async () => {
      await on.deliver(on.inbox, 'a', 'b')
      await on.store.expunge(on.inbox.id, [2])
      expect(await on.deliver(on.inbox, 'c')).toEqual([3])
      await on.store.expunge(on.inbox.id, [1, 3])
      expect(await on.store.status(on.inbox.id)).toMatchObject({ exists: 0, uidNext: 4, lowestUid: 0, highestUid: 0 })
      expect(await on.deliver(on.inbox, 'd')).toEqual([4])
    })

    it('are stored in the order of the calls', async () => {
      const appended = await Promise.all(Array.from({ length: 50 }, (_, i) => on.deliver(on.inbox, `m${i}`)))
      expect(appended.flat()).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
      for (let i = 0; i < 50; i++) expect(await on.textOf(on.inbox, i + 1)).toBe(`m${i}`)
    })
  })
}
