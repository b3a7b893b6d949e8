import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/common/clock.ts'
import {
  accountOwner,
  CAPTURED_OWNER,
  type Folder,
  type MessageStore,
  type NewMessage,
  PUBLIC_OWNER,
  type StoreEvent,
} from '../../src/store/types.ts'
import { seededRandom } from '../support/random.ts'
import { TestClock } from '../support/test-clock.ts'

export interface StoreUnderTest {
  open(clock: Clock): Promise<MessageStore>
  /** Removes what `open` created. */
  cleanUp?(): Promise<void>
}

const alice = accountOwner('alice')
const FLAGS = ['\\Seen', '\\Deleted', '\\Flagged', 'Work', 'work', 'Home'] as const
const newsgroup = { description: 'Talk', posting: 'yes', createdAt: 0, createdBy: 'lab' } as const

/** The tests that every MessageStore must pass. */
export function storeContract(name: string, make: () => StoreUnderTest): void {
  describe(`${name} fulfils the contract of MessageStore`, () => {
    let clock: TestClock
    let subject: StoreUnderTest
    let store: MessageStore
    let inbox: Folder

    beforeEach(async () => {
      clock = new TestClock()
      subject = make()
      store = await subject.open(clock)
      inbox = await store.createFolder(alice, 'INBOX')
    })
    afterEach(async () => {
      await store[Symbol.asyncDispose]()
      await subject.cleanUp?.()
    })

    const deliver = async (folder: Folder, ...texts: string[]): Promise<number[]> => {
      const stored = await store.append(texts.map((text) => message(text, folder)))
      return stored.map(({ entry }) => entry.uid)
    }
    const textOf = async (folder: Folder, uid: number): Promise<string | undefined> =>
      (await store.read(folder.id, uid))?.toString('latin1')
    const uidsOf = async (folder: Folder): Promise<number[]> => (await store.list(folder.id)).map(({ uid }) => uid)
    const watched = (folderId?: string): StoreEvent[] => {
      const events: StoreEvent[] = []
      store.watch((event) => events.push(event), folderId)
      return events
    }

    describe('folders', () => {
      it('are found by owner and name, and listed in name order', async () => {
        await store.createFolder(alice, 'Trash', { specialUse: '\\Trash' })
        await store.createFolder(alice, 'Archive/2025')
        await store.createFolder(accountOwner('bob'), 'Trash')
        expect((await store.listFolders(alice)).map((folder) => folder.name)).toEqual([
          'Archive/2025',
          'INBOX',
          'Trash',
        ])
        expect(await store.findFolder(alice, 'Trash')).toMatchObject({ owner: alice, specialUse: '\\Trash' })
        expect(await store.findFolder(alice, 'trash')).toBeUndefined()
        expect(await store.listFolders(CAPTURED_OWNER)).toEqual([])
        expect([...(await store.listOwners())].sort()).toEqual([alice, accountOwner('bob')])
      })

      it('have INBOX in capitals, also as the first level, except in newsgroups', async () => {
        expect((await store.findFolder(alice, 'inBox'))?.id).toBe(inbox.id)
        expect((await store.createFolder(alice, 'inbox/Drafts')).name).toBe('INBOX/Drafts')
        expect((await store.createFolder(alice, 'inboxes')).name).toBe('inboxes')
        expect((await store.createFolder(PUBLIC_OWNER, 'inbox', { newsgroup })).name).toBe('inbox')
      })

      it('cannot be created twice', async () => {
        await expect(store.createFolder(alice, 'Inbox')).rejects.toMatchObject({ name: 'StoreError', code: 'exists' })
      })

      it('have a UIDVALIDITY above that of earlier folders, even if the clock goes back', async () => {
        const first = await store.createFolder(alice, 'Again')
        await store.deleteFolder(first.id)
        clock.ms -= 86_400_000
        const second = await store.createFolder(alice, 'Again')
        expect(second.uidValidity).toBeGreaterThan(first.uidValidity)
        expect(second.id).not.toBe(first.id)
      })

      it('continue the uids of a deleted folder with the same name', async () => {
        const group = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
        expect(await deliver(group, 'a', 'b')).toEqual([1, 2])
        await store.deleteFolder(group.id)
        const again = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
        expect(await deliver(again, 'c')).toEqual([3])
      })

      it('are deleted with their messages, but without the folders below', async () => {
        const parent = await store.createFolder(alice, 'a')
        const child = await store.createFolder(alice, 'a/b')
        await deliver(parent, 'x')
        await store.deleteFolder(parent.id)
        expect(await store.findFolder(alice, 'a')).toBeUndefined()
        expect(await store.findFolder(alice, 'a/b')).toEqual(child)
        expect(await store.entry(parent.id, 1)).toBeUndefined()
        await expect(store.list(parent.id)).rejects.toMatchObject({ code: 'not-found' })
        await expect(store.deleteFolder(parent.id)).rejects.toMatchObject({ code: 'not-found' })
      })

      it('are renamed with the folders below, and keep id, UIDVALIDITY and messages', async () => {
        const parent = await store.createFolder(alice, 'a')
        const child = await store.createFolder(alice, 'a/b')
        await store.createFolder(alice, 'ab')
        await deliver(child, 'x')
        const events = watched()
        expect(await store.renameFolder(parent.id, 'z/y')).toEqual({ ...parent, name: 'z/y' })
        expect((await store.listFolders(alice)).map((folder) => folder.name)).toEqual(['INBOX', 'ab', 'z/y', 'z/y/b'])
        expect(await store.findFolder(alice, 'z/y/b')).toEqual({ ...child, name: 'z/y/b' })
        expect(await store.findFolder(alice, 'a/b')).toBeUndefined()
        expect(await textOf(child, 1)).toBe('x')
        expect(events).toEqual([
          { type: 'folder-changed', folder: { ...parent, name: 'z/y' }, previousName: 'a' },
          { type: 'folder-changed', folder: { ...child, name: 'z/y/b' }, previousName: 'a/b' },
        ])
      })

      it('are not renamed if the name of one of them exists', async () => {
        const parent = await store.createFolder(alice, 'a')
        await store.createFolder(alice, 'a/b')
        await store.createFolder(alice, 'c/b')
        await expect(store.renameFolder(parent.id, 'c')).rejects.toMatchObject({ code: 'exists' })
        await expect(store.renameFolder(parent.id, 'inbox')).rejects.toMatchObject({ code: 'exists' })
        await expect(store.renameFolder('none', 'd')).rejects.toMatchObject({ code: 'not-found' })
        expect((await store.listFolders(alice)).map((folder) => folder.name)).toEqual(['INBOX', 'a', 'a/b', 'c/b'])
      })

      it('can be renamed to a name below their own', async () => {
        const parent = await store.createFolder(alice, 'a')
        await store.createFolder(alice, 'a/b')
        await store.renameFolder(parent.id, 'a/b')
        expect((await store.listFolders(alice)).map((folder) => folder.name)).toEqual(['INBOX', 'a/b', 'a/b/b'])
      })

      it('take new settings', async () => {
        const group = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
        const closed = { ...newsgroup, posting: 'no' } as const
        expect(await store.updateFolder(group.id, { newsgroup: closed })).toEqual({ ...group, newsgroup: closed })
        expect((await store.findFolder(PUBLIC_OWNER, 'lab.general'))?.newsgroup?.posting).toBe('no')
        const sent = await store.createFolder(alice, 'Sent', { specialUse: '\\Sent' })
        expect(await store.updateFolder(sent.id, {})).not.toHaveProperty('specialUse')
        await expect(store.updateFolder('none', {})).rejects.toMatchObject({ code: 'not-found' })
      })

      it('are subscribed to by name, whether or not they exist', async () => {
        await store.setSubscribed(alice, 'inbox', true)
        await store.setSubscribed(alice, 'Gone', true)
        await store.setSubscribed(alice, 'Gone', true)
        expect([...(await store.subscriptions(alice))].sort()).toEqual(['Gone', 'INBOX'])
        await store.setSubscribed(alice, 'Gone', false)
        expect(await store.subscriptions(alice)).toEqual(['INBOX'])
        expect(await store.subscriptions(accountOwner('bob'))).toEqual([])
        for (const name of ['\u{1f4ec} Post', '\uffff']) {
          await store.setSubscribed(alice, name, true)
          expect(await store.subscriptions(alice)).toEqual(['INBOX', name])
          await store.setSubscribed(alice, name, false)
        }
      })
    })

    describe('messages', () => {
      it('are stored octet for octet, with their attributes', async () => {
        const raw = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet))
        const envelope = { mailFrom: 'a@x.test', rcptTo: ['b@y.test'], session: 's1' }
        const [stored] = await store.append([
          {
            raw,
            envelope,
            messageId: '<1@x>',
            internalDate: 86_400_000,
            targets: [{ folderId: inbox.id, flags: ['\\Seen'] }],
          },
        ])
        expect(stored?.entry).toMatchObject({ uid: 1, sizeOctets: 256, internalDate: 86_400_000, savedAt: clock.ms })
        expect(stored?.entry).toMatchObject({ flags: ['\\Seen'], messageId: '<1@x>', envelope })
        expect(await store.entry(inbox.id, 1)).toEqual(stored?.entry)
        expect((await store.read(inbox.id, 1))?.equals(raw)).toBe(true)
        expect((await store.read(inbox.id, 1, 250))?.equals(raw.subarray(250))).toBe(true)
        expect((await store.read(inbox.id, 1, 3, 5))?.equals(raw.subarray(3, 5))).toBe(true)
        expect((await store.read(inbox.id, 1, 250, 999))?.equals(raw.subarray(250))).toBe(true)
        expect(await store.read(inbox.id, 2)).toBeUndefined()
        expect(await store.read('none', 1)).toBeUndefined()
      })

      it('have the current date unless another one is given', async () => {
        await deliver(inbox, 'x')
        expect((await store.entry(inbox.id, 1))?.internalDate).toBe(clock.ms)
      })

      it('may be empty', async () => {
        await deliver(inbox, '')
        expect(await textOf(inbox, 1)).toBe('')
        expect(await drain(store.stream(inbox.id, 1))).toHaveLength(0)
      })

      it('do not change when the buffer that they came from is overwritten', async () => {
        const socketBuffer = Buffer.from('a message and more of the socket')
        await store.append([{ raw: socketBuffer.subarray(0, 9), targets: [{ folderId: inbox.id }] }])
        socketBuffer.fill(0)
        expect(await textOf(inbox, 1)).toBe('a message')
      })

      it('of any size are written and read in pieces', async () => {
        for (const octets of [1, 8_192, 8_193, 65_536, 1_000_003]) {
          const raw = pattern(octets)
          const [stored] = await store.append([{ raw: pieces(raw, 65_521), targets: [{ folderId: inbox.id }] }])
          const uid = stored?.entry.uid ?? 0
          expect(stored?.entry.sizeOctets).toBe(octets)
          expect((await store.read(inbox.id, uid))?.equals(raw)).toBe(true)
          expect((await drain(store.stream(inbox.id, uid))).equals(raw)).toBe(true)
          const [from, to] = [Math.floor(octets / 3), octets - 1]
          expect((await drain(store.stream(inbox.id, uid, from, to))).equals(raw.subarray(from, to))).toBe(true)
          expect((await store.read(inbox.id, uid, from, to))?.equals(raw.subarray(from, to))).toBe(true)
        }
      })

      it('that are expunged while they are read are still read whole', async () => {
        const raw = pattern(300_000)
        for (let turns = 0; turns < 40; turns++) {
          const [stored] = await store.append([{ raw, targets: [{ folderId: inbox.id }] }])
          const uid = stored?.entry.uid ?? 0
          const expunged = store.expunge(inbox.id, [uid])
          for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate)
          const isThere = (await store.entry(inbox.id, uid)) !== undefined
          const read: Buffer[] = []
          for await (const piece of store.stream(inbox.id, uid)) {
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
        const batch = [message('whole', inbox), { raw: broken, targets: [{ folderId: inbox.id }] }]
        await expect(store.append(batch)).rejects.toThrow('client gone')
        expect(await store.status(inbox.id)).toMatchObject({ exists: 0, uidNext: 1 })
      })

      it('whose iterable throws after many pieces are not stored, nor is their batch', async () => {
        const broken = (async function* () {
          yield* pieces(pattern(2_000_000), 100_000)
          throw new Error('client gone')
        })()
        const events = watched()
        const whole = { raw: pieces(pattern(700_000), 9_999), targets: [{ folderId: inbox.id }] }
        await expect(store.append([whole, { raw: broken, targets: [{ folderId: inbox.id }] }])).rejects.toThrow(
          'client gone',
        )
        expect(await store.status(inbox.id)).toMatchObject({ exists: 0, uidNext: 1 })
        expect(events).toEqual([])
        expect(await deliver(inbox, 'next')).toEqual([1])
      })

      it('arrive in pieces concurrently, with and without a prefix, for several folders', async () => {
        const other = await store.createFolder(alice, 'Other')
        const raws = [300_000, 262_128, 65_520, 1_000_003, 10, 524_256].map(pattern)
        const prefix = (at: readonly { uid: number }[]) => Buffer.from(`X-Number: ${at.map(({ uid }) => uid)}\r\n`)
        const all = await Promise.all(
          raws.map((raw, i) =>
            store.append([
              {
                raw: pieces(raw, 33_333),
                targets: [{ folderId: inbox.id }, { folderId: other.id }],
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
            expect((await store.read(folder.id, entry.uid))?.equals(whole)).toBe(true)
            expect((await drain(store.stream(folder.id, entry.uid))).equals(whole)).toBe(true)
            for (const [from, to] of [
              [0, 5],
              [5, 20],
              [8, 70_000],
              [65_510, 65_530],
              [131_000, whole.length],
            ] as const) {
              expect((await store.read(folder.id, entry.uid, from, to))?.equals(whole.subarray(from, to))).toBe(true)
            }
          }
        }
        await store.copy(inbox.id, [1], inbox.id)
        await store.deleteFolder(other.id)
        expect((await store.read(inbox.id, 7))?.equals((await store.read(inbox.id, 1)) as Buffer)).toBe(true)
      })

      it('are rejected if their folder is deleted while they arrive', async () => {
        const other = await store.createFolder(alice, 'Other')
        const late = (async function* () {
          yield* pieces(pattern(600_000), 100_000)
          await store.deleteFolder(other.id)
          yield Buffer.from('end')
        })()
        await expect(store.append([{ raw: late, targets: [{ folderId: other.id }] }])).rejects.toMatchObject({
          code: 'not-found',
        })
      })

      it('are stored as a whole batch or not at all', async () => {
        const events = watched()
        await expect(
          store.append([message('a', inbox), { raw: Buffer.from('b'), targets: [{ folderId: 'none' }] }]),
        ).rejects.toMatchObject({ name: 'StoreError', code: 'not-found' })
        expect(await store.list(inbox.id)).toEqual([])
        expect(events).toEqual([])
      })

      it('return one result per message and target, in order, and have one blob each', async () => {
        const other = await store.createFolder(alice, 'Other')
        await deliver(other, 'before')
        const results = await store.append([message('a', inbox, other), message('b', other), message('c', inbox)])
        expect(results.map(({ folder, entry }) => [folder.name, entry.uid])).toEqual([
          ['INBOX', 1],
          ['Other', 2],
          ['Other', 3],
          ['INBOX', 2],
        ])
        expect(results[0]?.entry.blob).toBe(results[1]?.entry.blob)
        expect(new Set(results.map(({ entry }) => entry.blob)).size).toBe(3)
        expect(await textOf(other, 2)).toBe('a')
      })

      it('get a prefix that depends on their uids', async () => {
        const other = await store.createFolder(PUBLIC_OWNER, 'lab.other', { newsgroup })
        await deliver(other, 'before')
        const [first] = await store.append([
          {
            raw: Buffer.from('body'),
            prefix: (at) => Buffer.from(`Xref: ${at.map(({ folder, uid }) => `${folder.name}:${uid}`).join(' ')}\r\n`),
            targets: [{ folderId: inbox.id }, { folderId: other.id }],
          },
        ])
        expect(await textOf(inbox, 1)).toBe('Xref: INBOX:1 lab.other:2\r\nbody')
        expect(await textOf(other, 2)).toBe('Xref: INBOX:1 lab.other:2\r\nbody')
        expect(first?.entry.sizeOctets).toBe('Xref: INBOX:1 lab.other:2\r\nbody'.length)
      })

      it('are listed by range of uids', async () => {
        await deliver(inbox, ...'abcdefgh')
        await store.expunge(inbox.id, [1, 4, 5])
        const listed = async (from: number, to: number): Promise<number[]> =>
          (await store.list(inbox.id, { from, to })).map(({ uid }) => uid)
        expect(await uidsOf(inbox)).toEqual([2, 3, 6, 7, 8])
        expect(await listed(1, 4)).toEqual([2, 3])
        expect(await listed(4, 5)).toEqual([])
        expect(await listed(3, 7)).toEqual([3, 6, 7])
        expect(await listed(8, Number.MAX_SAFE_INTEGER)).toEqual([8])
        expect(await listed(9, 20)).toEqual([])
        expect((await store.entry(inbox.id, 6))?.uid).toBe(6)
        expect(await store.entry(inbox.id, 5)).toBeUndefined()
      })

      it('do not change in lists that were returned', async () => {
        await deliver(inbox, 'a', 'b', 'c')
        const before = await store.list(inbox.id)
        await store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen'] })
        await store.expunge(inbox.id, [2])
        await deliver(inbox, 'd')
        expect(before.map(({ uid, flags }) => [uid, flags])).toEqual([
          [1, []],
          [2, []],
          [3, []],
        ])
        expect(await uidsOf(inbox)).toEqual([1, 3, 4])
      })

      it('never reuse a uid', async () => {
        await deliver(inbox, 'a', 'b')
        await store.expunge(inbox.id, [2])
        expect(await deliver(inbox, 'c')).toEqual([3])
        await store.expunge(inbox.id, [1, 3])
        expect(await store.status(inbox.id)).toMatchObject({ exists: 0, uidNext: 4, lowestUid: 0, highestUid: 0 })
        expect(await deliver(inbox, 'd')).toEqual([4])
      })

      it('are stored in the order of the calls', async () => {
        const appended = await Promise.all(Array.from({ length: 50 }, (_, i) => deliver(inbox, `m${i}`)))
        expect(appended.flat()).toEqual(Array.from({ length: 50 }, (_, i) => i + 1))
        for (let i = 0; i < 50; i++) expect(await textOf(inbox, i + 1)).toBe(`m${i}`)
      })
    })

    describe('status', () => {
      it('counts the messages of a folder', async () => {
        await deliver(inbox, 'aaa', 'bb', 'c')
        await store.setFlags(inbox.id, [1, 2], { mode: 'add', flags: ['\\Seen'] })
        await store.setFlags(inbox.id, [3], { mode: 'add', flags: ['\\Deleted'] })
        await store.expunge(inbox.id, [1])
        expect(await store.status(inbox.id)).toEqual({
          exists: 2,
          uidNext: 4,
          highestModSeq: 5,
          sizeOctets: 3,
          unseen: 1,
          deleted: 1,
          deletedOctets: 1,
          lowestUid: 2,
          highestUid: 3,
        })
        await expect(store.status('none')).rejects.toMatchObject({ code: 'not-found' })
      })
    })

    describe('snapshot', () => {
      /** Computes the snapshot from all messages. */
      const expected = async () => {
        const entries = await store.list(inbox.id)
        return {
          ...(await store.status(inbox.id)),
          entries,
          flags: [...new Set(entries.flatMap(({ flags }) => flags))].sort(),
          firstUnseen: entries.findIndex(({ flags }) => !flags.includes('\\Seen')) + 1,
        }
      }
      const taken = async () => {
        const snapshot = await store.snapshot(inbox.id)
        return { ...snapshot, flags: [...snapshot.flags].sort() }
      }

      it('is correct after random changes', async () => {
        const next = seededRandom(7)
        const random = (below: number) => Math.floor(next() * below)
        const uids = () => Array.from({ length: random(6) }, () => 1 + random(30))
        const flags = () => FLAGS.filter(() => random(2) === 0)
        for (let round = 0; round < 300; round++) {
          const what = (['deliver', 'add', 'remove', 'replace', 'expunge'] as const)[random(5)]
          if (what === 'deliver') {
            await store.append([{ ...message('x'), targets: [{ folderId: inbox.id, flags: flags() }] }])
          } else if (what === 'expunge') await store.expunge(inbox.id, uids().slice(0, 2))
          else await store.setFlags(inbox.id, uids(), { mode: what ?? 'add', flags: flags() })
          // Not in every round, because several changes between two snapshots must be correct, too.
          if (random(2) === 0) expect(await taken()).toEqual(await expected())
        }
      })

      it('is correct if changes are made while it is taken', async () => {
        const raw = Buffer.from('x')
        await store.append(Array.from({ length: 3_000 }, () => ({ raw, targets: [{ folderId: inbox.id }] })))
        const everything = { from: 1, to: Number.MAX_SAFE_INTEGER }
        const [, appended, { entries }, gone] = await Promise.all([
          store.snapshot(inbox.id),
          deliver(inbox, 'late'),
          store.setFlags(inbox.id, [2, 2_999], { mode: 'add', flags: ['\\Seen'] }),
          store.expunge(inbox.id, [1, 3_000]),
        ])
        expect([appended, entries.length, gone]).toEqual([[3_001], 2, [1, 3_000]])
        expect(await taken()).toEqual(await expected())
        expect(await store.list(inbox.id, everything)).toEqual(await store.list(inbox.id))
      })

      it('does not change afterwards', async () => {
        await deliver(inbox, 'a', 'b')
        const { entries } = await store.snapshot(inbox.id)
        await deliver(inbox, 'c')
        await store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen'] })
        await store.expunge(inbox.id, [2])
        expect(entries.map(({ uid, flags }) => [uid, flags])).toEqual([
          [1, []],
          [2, []],
        ])
        await expect(store.snapshot('none')).rejects.toMatchObject({ code: 'not-found' })
      })
    })

    describe('changes since a modSeq', () => {
      it('are found after random changes', async () => {
        const next = seededRandom(11)
        const random = (below: number) => Math.floor(next() * below)
        for (let round = 0; round < 200; round++) {
          const what = random(5)
          const uids = Array.from({ length: random(4) }, () => 1 + random(40))
          if (what === 0) await deliver(inbox, 'x')
          else if (what === 1) await store.expunge(inbox.id, uids.slice(0, 1))
          else if (what === 2) await store.copy(inbox.id, uids.slice(0, 1), inbox.id)
          else
            await store.setFlags(inbox.id, uids, {
              mode: random(2) ? 'add' : 'remove',
              flags: [FLAGS[random(4)] ?? ''],
            })
          const { highestModSeq } = await store.status(inbox.id)
          const modSeq = random(highestModSeq + 2)
          const entries = await store.list(inbox.id, { from: 1, to: Number.MAX_SAFE_INTEGER })
          expect(await store.changedSince(inbox.id, modSeq)).toEqual(entries.filter((entry) => entry.modSeq > modSeq))
        }
        await expect(store.changedSince('none', 0)).rejects.toMatchObject({ code: 'not-found' })
      })
    })

    describe('overviews', () => {
      const article = (subject: string): string =>
        `Subject: ${subject}\r\nFrom: a@x.test\r\nMessage-ID: <${subject}@x>\r\n\r\none\r\ntwo\r\n`

      it('describe articles and mail, including the prefix', async () => {
        const group = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
        await store.append([
          {
            ...message(article('s'), group),
            prefix: (at) => Buffer.from(`Xref: lab ${at[0]?.folder.name}:${at[0]?.uid}\r\n`),
          },
          message(article('mail'), inbox),
        ])
        const raw = await store.read(group.id, 1)
        expect(await store.overview(group.id, 1)).toEqual({
          subject: 's',
          from: 'a@x.test',
          date: '',
          messageId: '<s@x>',
          references: '',
          bytes: raw?.length,
          lines: 2,
          xref: 'lab lab.general:1',
        })
        expect(await store.overview(inbox.id, 1)).toMatchObject({ subject: 'mail', lines: 2 })
        expect(await store.overview(group.id, 2)).toBeUndefined()
        expect(await store.overview('none', 1)).toBeUndefined()
      })

      it('exist as long as a copy of the message', async () => {
        const group = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
        const second = await store.createFolder(PUBLIC_OWNER, 'lab.other', { newsgroup })
        await deliver(inbox, article('mail'))
        await store.copy(inbox.id, [1], group.id)
        await store.move(group.id, [1], second.id)
        await store.expunge(inbox.id, [1])
        expect(await store.overview(group.id, 1)).toBeUndefined()
        expect(await store.overview(second.id, 1)).toMatchObject({ subject: 'mail' })
      })
    })

    describe('flags', () => {
      const flagsOf = async (uid: number): Promise<readonly string[] | undefined> =>
        (await store.entry(inbox.id, uid))?.flags

      it('are added, removed and replaced', async () => {
        await deliver(inbox, 'a')
        await store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen', '$Forwarded'] })
        await store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Flagged'] })
        expect(new Set(await flagsOf(1))).toEqual(new Set(['\\Seen', '\\Flagged', '$Forwarded']))
        await store.setFlags(inbox.id, [1], { mode: 'remove', flags: ['\\Seen', '\\Draft'] })
        expect(new Set(await flagsOf(1))).toEqual(new Set(['\\Flagged', '$Forwarded']))
        await store.setFlags(inbox.id, [1], { mode: 'replace', flags: ['\\Answered'] })
        expect(await flagsOf(1)).toEqual(['\\Answered'])
        await store.setFlags(inbox.id, [1], { mode: 'replace', flags: [] })
        expect(await flagsOf(1)).toEqual([])
      })

      it('may contain any characters', async () => {
        await deliver(inbox, 'a', 'b')
        await store.setFlags(inbox.id, [1, 2], { mode: 'add', flags: ['\u{1f4ec}'] })
        expect((await store.snapshot(inbox.id)).flags).toEqual(['\u{1f4ec}'])
      })

      it('are case-insensitive: system flags as in the RFC, keywords as first spelled', async () => {
        await deliver(inbox, 'a', 'b')
        await store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\SEEN', '\\seen', 'Work', '\\Recent'] })
        await store.setFlags(inbox.id, [2], { mode: 'add', flags: ['WORK'] })
        expect(new Set(await flagsOf(1))).toEqual(new Set(['\\Seen', 'Work']))
        expect(await flagsOf(2)).toEqual(['Work'])
        await store.setFlags(inbox.id, [1], { mode: 'remove', flags: ['work'] })
        expect(await flagsOf(1)).toEqual(['\\Seen'])
      })

      it('give a new modSeq only to messages that change', async () => {
        await deliver(inbox, 'a', 'b')
        const before = await store.status(inbox.id)
        const first = await store.setFlags(inbox.id, [2], { mode: 'add', flags: ['\\Seen'] })
        const modSeq = first.entries[0]?.modSeq ?? 0
        expect(modSeq).toBeGreaterThan(before.highestModSeq)
        expect((await store.status(inbox.id)).highestModSeq).toBe(modSeq)
        const events = watched()
        const second = await store.setFlags(inbox.id, [1, 2], { mode: 'add', flags: ['\\Seen'] })
        expect(second.entries.map((entry) => entry.uid)).toEqual([1, 2])
        expect(second.entries[1]?.modSeq).toBe(modSeq)
        expect(second.entries[0]?.modSeq).toBeGreaterThan(modSeq)
        expect(events).toMatchObject([{ type: 'flags', entries: [{ uid: 1 }] }])
        await store.setFlags(inbox.id, [1, 2], { mode: 'add', flags: ['\\Seen'] })
        expect(events).toHaveLength(1)
      })

      it('are not changed for entries with a greater modSeq (RFC 7162)', async () => {
        await deliver(inbox, 'a', 'b', 'c')
        const { highestModSeq } = await store.status(inbox.id)
        await store.setFlags(inbox.id, [2], { mode: 'add', flags: ['\\Seen'] })
        const change = { mode: 'add', flags: ['\\Flagged'], unchangedSince: highestModSeq } as const
        const { entries, modified } = await store.setFlags(inbox.id, [3, 1, 2, 99], change)
        expect(entries.map(({ uid }) => uid)).toEqual([1, 3])
        expect(modified).toEqual([2])
        expect(await flagsOf(2)).toEqual(['\\Seen'])
        expect(await flagsOf(3)).toEqual(['\\Flagged'])
      })

      it('of a copy are independent', async () => {
        const other = await store.createFolder(alice, 'Other')
        await deliver(inbox, 'a')
        await store.copy(inbox.id, [1], other.id)
        await store.setFlags(other.id, [1], { mode: 'add', flags: ['\\Seen'] })
        expect(await flagsOf(1)).toEqual([])
      })
    })

    describe('copy, move and expunge', () => {
      let other: Folder
      beforeEach(async () => {
        other = await store.createFolder(alice, 'Other')
        await deliver(other, 'there')
        await store.append([
          { ...message('a', inbox), internalDate: 5_000, envelope: { mailFrom: 'x@y.test' } },
          message('b', inbox),
          message('c', inbox),
        ])
        await store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen', 'Work'] })
      })

      it('copies flags, date, envelope and octets, with new uids', async () => {
        clock.ms += 1000
        expect(await store.copy(inbox.id, [3, 1, 99], other.id)).toEqual({ from: [1, 3], to: [2, 3] })
        const [source, copy] = [await store.entry(inbox.id, 1), await store.entry(other.id, 2)]
        expect(copy).toMatchObject({ internalDate: 5_000, savedAt: clock.ms, envelope: { mailFrom: 'x@y.test' } })
        expect(copy?.flags).toEqual(source?.flags)
        expect(copy?.blob).toBe(source?.blob)
        await store.expunge(inbox.id, [1])
        expect(await textOf(other, 2)).toBe('a')
        await store.deleteFolder(inbox.id)
        expect(await textOf(other, 3)).toBe('c')
      })

      it('moves by copying and expunging in one step', async () => {
        const events = watched()
        expect(await store.move(inbox.id, [1, 2], other.id)).toEqual({ from: [1, 2], to: [2, 3] })
        expect(await uidsOf(inbox)).toEqual([3])
        expect(await textOf(other, 2)).toBe('a')
        expect(events).toMatchObject([
          { type: 'appended', folder: { id: other.id }, entries: [{ uid: 2 }, { uid: 3 }] },
          { type: 'expunged', folder: { id: inbox.id }, uids: [1, 2] },
        ])
      })

      it('copies and moves within one folder', async () => {
        expect(await store.copy(inbox.id, [1], inbox.id)).toEqual({ from: [1], to: [4] })
        expect(await store.move(inbox.id, [2], inbox.id)).toEqual({ from: [2], to: [5] })
        expect(await uidsOf(inbox)).toEqual([1, 3, 4, 5])
        expect(await textOf(inbox, 5)).toBe('b')
      })

      it('changes nothing if a folder does not exist', async () => {
        const events = watched()
        await expect(store.copy(inbox.id, [1], 'none')).rejects.toMatchObject({ code: 'not-found' })
        await expect(store.move(inbox.id, [1], 'none')).rejects.toMatchObject({ code: 'not-found' })
        await expect(store.move('none', [1], inbox.id)).rejects.toMatchObject({ code: 'not-found' })
        expect(await uidsOf(inbox)).toEqual([1, 2, 3])
        expect(events).toEqual([])
      })

      it('emits no event if there is nothing to copy, move or expunge', async () => {
        const events = watched()
        expect(await store.copy(inbox.id, [77], other.id)).toEqual({ from: [], to: [] })
        expect(await store.move(inbox.id, [], other.id)).toEqual({ from: [], to: [] })
        expect(await store.expunge(inbox.id, [77])).toEqual([])
        expect(events).toEqual([])
      })

      it('returns expunged uids in ascending order, and keeps them for QRESYNC', async () => {
        const { highestModSeq: before } = await store.status(inbox.id)
        expect(await store.expunge(inbox.id, [3, 99, 1, 3])).toEqual([1, 3])
        const { highestModSeq: between } = await store.status(inbox.id)
        expect(between).toBeGreaterThan(before)
        await store.expunge(inbox.id, [2])
        expect(await store.vanishedSince(inbox.id, before)).toEqual([1, 2, 3])
        expect(await store.vanishedSince(inbox.id, between)).toEqual([2])
        expect(await store.vanishedSince(inbox.id, between + 1)).toEqual([])
        expect(await store.read(inbox.id, 1)).toBeUndefined()
      })
    })

    describe('Message-IDs', () => {
      it('are located in public folders only', async () => {
        const group = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
        const second = await store.createFolder(PUBLIC_OWNER, 'lab.other', { newsgroup })
        await store.append([{ ...message('post', group, second, inbox), messageId: '<p@x>' }])
        await store.append([{ ...message('mail', inbox), messageId: '<m@x>' }])
        const located = await store.locate('<p@x>')
        expect(located.map(({ folder, uid }) => [folder.name, uid]).sort()).toEqual([
          ['lab.general', 1],
          ['lab.other', 1],
        ])
        expect(await store.locate('<m@x>')).toEqual([])
        expect(await store.knows('<p@x>')).toBe(true)
        expect(await store.knows('<m@x>')).toBe(false)
      })

      it('stay known after the article is deleted', async () => {
        const group = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
        const second = await store.createFolder(PUBLIC_OWNER, 'lab.other', { newsgroup })
        await store.append([{ ...message('post', group, second), messageId: '<p@x>' }])
        await store.expunge(group.id, [1])
        expect((await store.locate('<p@x>')).map(({ folder }) => folder.name)).toEqual(['lab.other'])
        await store.deleteFolder(second.id)
        expect(await store.locate('<p@x>')).toEqual([])
        expect(await store.knows('<p@x>')).toBe(true)
      })

      it('of any length can be remembered without an article', async () => {
        const long = `<${'x'.repeat(5_000)}@y>`
        await store.remember(long)
        expect(await store.knows(long)).toBe(true)
        expect(await store.knows(`${long.slice(0, -1)}z>`)).toBe(false)
        expect(await store.locate(long)).toEqual([])
      })

      it('are located after a move between newsgroups', async () => {
        const group = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
        const second = await store.createFolder(PUBLIC_OWNER, 'lab.other', { newsgroup })
        await store.append([{ ...message('post', group), messageId: '<p@x>' }])
        await store.move(group.id, [1], second.id)
        expect((await store.locate('<p@x>')).map(({ folder }) => folder.name)).toEqual(['lab.other'])
      })
    })

    describe('events', () => {
      it('are emitted in the order of the changes, with their origin, to the listeners of that folder', async () => {
        const other = await store.createFolder(alice, 'Other')
        const [all, ofInbox] = [watched(), watched(inbox.id)]
        const me = {}
        await store.append([message('a', inbox), message('b', other), message('c', inbox)], me)
        await store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen'] }, me)
        await store.expunge(inbox.id, [2], me)
        const { highestModSeq } = await store.status(inbox.id)
        expect(ofInbox).toMatchObject([
          { type: 'appended', entries: [{ uid: 1 }, { uid: 2 }] },
          { type: 'flags', entries: [{ uid: 1, flags: ['\\Seen'] }] },
          { type: 'expunged', uids: [2], modSeq: highestModSeq },
        ])
        expect(ofInbox.every((event) => 'origin' in event && event.origin === me)).toBe(true)
        expect(all).toHaveLength(4)
      })

      it('are emitted after the commit, so that a listener can read the message', async () => {
        const seen: Promise<string | undefined>[] = []
        store.watch((event) => {
          if (event.type === 'appended') seen.push(textOf(event.folder, event.entries[0]?.uid ?? 0))
        })
        await deliver(inbox, 'hello')
        expect(await Promise.all(seen)).toEqual(['hello'])
      })

      it('keep their order for every listener, even if a listener makes a change', async () => {
        let done: Promise<unknown> | undefined
        const off = store.watch(() => {
          done ??= store.setFlags(inbox.id, [1], { mode: 'add', flags: ['\\Seen'] })
        })
        const events = watched()
        await deliver(inbox, 'a')
        await done
        expect(events.map(({ type }) => type)).toEqual(['appended', 'flags'])
        off()
      })

      it('are emitted for folders', async () => {
        const events = watched()
        const folder = await store.createFolder(alice, 'New')
        await store.deleteFolder(folder.id)
        expect(events).toEqual([
          { type: 'folder-created', folder },
          { type: 'folder-deleted', folder },
        ])
      })

      it('end when the listener is removed', async () => {
        const events: StoreEvent[] = []
        const listener = (event: StoreEvent): number => events.push(event)
        const off = store.watch(listener, inbox.id)
        const offOther = store.watch(listener, inbox.id)
        off()
        await deliver(inbox, 'a')
        expect(events).toHaveLength(1)
        offOther()
        await deliver(inbox, 'b')
        expect(events).toHaveLength(1)
      })
    })

    describe('state and clear', () => {
      it('stores small values', async () => {
        expect(await store.getState('feed')).toBeUndefined()
        await store.setState('feed', '12')
        expect(await store.getState('feed')).toBe('12')
        await store.setState('feed', undefined)
        expect(await store.getState('feed')).toBeUndefined()
      })

      it('clears everything, but continues uids and UIDVALIDITY', async () => {
        const group = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
        await store.append([{ ...message('post', group, inbox), messageId: '<p@x>' }])
        await store.setSubscribed(alice, 'INBOX', true)
        await store.setState('feed', '12')
        const events = watched()
        await store.clear()
        expect(await store.listOwners()).toEqual([])
        expect(await store.listFolders(alice)).toEqual([])
        expect(await store.read(inbox.id, 1)).toBeUndefined()
        expect(await store.knows('<p@x>')).toBe(false)
        expect(await store.subscriptions(alice)).toEqual([])
        expect(await store.getState('feed')).toBeUndefined()
        expect(events.map(({ type }) => type)).toEqual(['folder-deleted', 'folder-deleted'])
        const again = await store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
        expect(again.uidValidity).toBeGreaterThan(group.uidValidity)
        expect(await deliver(again, 'post')).toEqual([2])
      })

      it('rejects with `closed` after it was closed', async () => {
        await store[Symbol.asyncDispose]()
        await expect(deliver(inbox, 'late')).rejects.toMatchObject({ name: 'StoreError', code: 'closed' })
        await expect(store.createFolder(alice, 'Late')).rejects.toMatchObject({ name: 'StoreError', code: 'closed' })
      })
    })
  })
}

export const message = (text: string, ...folders: readonly Folder[]): NewMessage => ({
  raw: Buffer.from(text, 'latin1'),
  targets: folders.map(({ id }) => ({ folderId: id })),
})

/** Returns octets that differ from position to position. */
export const pattern = (octets: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: octets }, (_, i) => (i * 31 + (i >> 8)) & 0xff))

export async function* pieces(whole: Buffer, octets: number): AsyncGenerator<Buffer, void, void> {
  for (let at = 0; at < whole.length; at += octets) yield whole.subarray(at, at + octets)
}

async function drain(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}
