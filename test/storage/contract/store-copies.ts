import { describe, expect, test } from 'vitest'
import { copyStoreItems } from '../../../src/storage/store/copy/copy-store.ts'
import { StoreDigest } from '../../../src/storage/store/copy/digest.ts'
import type { CopyableStore, StoreItem } from '../../../src/storage/store/copy/types.ts'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { CAPTURED_OWNER, OUTGOING_OWNER, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import { alice, drain, message, newsgroup, pattern, pieces, type StoreContext } from './store-context.ts'

const LONG = `<${'long'.repeat(60)}@lab.test>`
/** More than a dump keeps in one buffer. */
const LARGE = pattern(1_100_000)
const longReader = `user:${'reader'.repeat(50)}` as const

/** Fills a store with everything that a store can hold. */
async function fill(on: StoreContext): Promise<void> {
  const { store, inbox } = on
  await on.deliver(inbox, 'one', 'two', 'three', 'four', 'five')
  await store.setFlags(inbox.id, [1, 3], { mode: 'add', flags: ['\\Seen', 'Work'] })
  await store.expunge(inbox.id, [2])
  await store.setFlags(inbox.id, [1], { mode: 'remove', flags: ['\\Seen'] })
  await store.expunge(inbox.id, [4])
  const sent = await store.createFolder(alice, 'Sent/ä', { specialUse: '\\Sent' })
  await store.copy(inbox.id, [1, 5], sent.id)
  await store.append([
    { raw: pieces(LARGE, 100_000), internalDate: 1000, targets: [{ folderId: sent.id, flags: ['Home'] }] },
  ])
  const envelope = { mailFrom: 'a@lab.test', rcptTo: ['b@lab.test'], client: { address: '::1', helo: 'x' } }
  const captured = await store.createFolder(CAPTURED_OWNER, 'Captured')
  await store.append([{ ...message('captured', captured, inbox), envelope }])
  const queue = await store.createFolder(OUTGOING_OWNER, 'Queue')
  await store.append([message('queued', queue)])
  await store.changeValues({ folderId: queue.id, kind: 'outgoing' }, () => new Map([['1', Buffer.from('{}')]]))
  const group = await store.createFolder(PUBLIC_OWNER, 'lab.test', { newsgroup })
  await store.append([
    { ...message('Message-ID: <a@lab.test>\r\n\r\n', group), messageId: '<a@lab.test>' },
    { ...message(`Message-ID: ${LONG}\r\n\r\n`, group), messageId: LONG },
  ])
  await store.expunge(group.id, [2])
  await store.remember('<refused@lab.test>')
  await store.changeValues(
    { folderId: group.id, kind: 'seen', reader: alice },
    () => new Map([['v', Buffer.from([1])]]),
  )
  await store.changeValues({ kind: 'thread', reader: longReader }, () => new Map([[LONG, Buffer.from('thread')]]))
  await store.setSubscribed(alice, 'Sent', true)
  await store.setSubscribed(alice, 'Gone', true)
  await store.setState('feed', 'position')
  await store.setState('key'.repeat(100), 'value')
  const gone = await store.createFolder(alice, 'Gone')
  await on.deliver(gone, 'a', 'b')
  await store.deleteFolder(gone.id)
}

/** Copies between a store and others of its kind, and of memory. */
export function copyContract(on: StoreContext, openAnother: () => Promise<CopyableStore>): void {
  const here = (): CopyableStore => on.store as CopyableStore

  describe('copies', () => {
    test('a copy holds everything that the store holds', async () => {
      await fill(on)
      await using copy = await openAnother()
      const { counts } = await copyStoreItems(here().dump(), copy)
      expect(counts).toEqual({
        store: 1,
        folder: 5,
        message: 10,
        vanished: 3,
        value: 3,
        subscription: 2,
        state: 2,
        known: 3,
        retired: 1,
      })
      const { inbox } = on
      expect(await copy.listFolders(alice)).toEqual(await here().listFolders(alice))
      expect(await copy.status(inbox.id)).toEqual(await here().status(inbox.id))
      expect(withoutBlobs(await copy.list(inbox.id))).toEqual(withoutBlobs(await here().list(inbox.id)))
      for (const modSeq of [0, 1, 2, 3, 4, 5, 6]) {
        expect(await copy.vanishedSince(inbox.id, modSeq)).toEqual(await here().vanishedSince(inbox.id, modSeq))
        const changed = withoutBlobs(await copy.changedSince(inbox.id, modSeq))
        expect(changed).toEqual(withoutBlobs(await here().changedSince(inbox.id, modSeq)))
      }
      const [, sent] = await copy.listFolders(alice)
      expect((await drain(copy.stream(sent?.id ?? '', 3))).equals(LARGE)).toBe(true)
      const [first, second] = [await copy.entry(inbox.id, 1), await copy.entry(sent?.id ?? '', 1)]
      expect(first?.blob).toBe(second?.blob)
      for (const id of ['<a@lab.test>', LONG, '<refused@lab.test>']) expect(await copy.knows(id)).toBe(true)
      expect((await copy.locate('<a@lab.test>')).map(({ uid }) => uid)).toEqual([1])
      expect(await copy.getState('key'.repeat(100))).toBe('value')
      expect(copy.hasState('feed')).toBe(true)
      const space = { kind: 'thread', reader: longReader } as const
      expect([...(await copy.values(space)).keys()]).toEqual([LONG])
    })

    test('a copy goes on where the store ended', async () => {
      await fill(on)
      await using copy = await openAnother()
      await copyStoreItems(here().dump(), copy)
      const [{ entry } = { entry: undefined }] = await copy.append([message('next', on.inbox)])
      const { uidNext, highestModSeq } = await here().status(on.inbox.id)
      expect([entry?.uid, entry?.modSeq]).toEqual([uidNext, highestModSeq + 1])
      const again = await copy.createFolder(alice, 'Gone')
      expect((await copy.status(again.id)).uidNext).toBe(3)
      const greatest = Math.max(...(await here().listFolders(alice)).map(({ uidValidity }) => uidValidity))
      expect(again.uidValidity).toBeGreaterThan(greatest)
      expect(await copy.expunge(on.inbox.id, [1, 3, 5])).toEqual([1, 3, 5])
      const [, , sent] = await copy.listFolders(alice)
      expect((await copy.read(sent?.id ?? '', 2))?.toString()).toBe('five')
    })

    test('the copy of a copy is the same', async () => {
      await fill(on)
      await using first = await openAnother()
      await using second = await openAnother()
      const { hash } = await copyStoreItems(here().dump(), first)
      expect(await copyStoreItems(first.dump(), second)).toMatchObject({ hash })
    })

    test('what the store does during a copy is not in it', async () => {
      await fill(on)
      const { hash } = await new StoreDigest().of(here().dump())
      async function* changing(): AsyncGenerator<StoreItem, void, void> {
        for await (const item of here().dump()) {
          if (item.type === 'store') {
            await here().expunge(on.inbox.id, [1, 5])
            await on.deliver(on.inbox, 'later')
          }
          yield item
        }
      }
      expect(await new StoreDigest().of(changing())).toMatchObject({ hash })
    })

    test('a store that has a folder takes no copy', async () => {
      await expect(here().restore(here().dump())).rejects.toMatchObject({ code: 'exists' })
      expect(await here().listFolders(alice)).toEqual([on.inbox])
    })

    test('an error of the source ends the copy', async () => {
      await using copy = await openAnother()
      async function* broken(): AsyncGenerator<StoreItem, void, void> {
        for await (const item of here().dump()) {
          yield item
          if (item.type === 'folder') throw new StoreError('failed', 'the source broke')
        }
      }
      await expect(copy.restore(broken())).rejects.toThrow('the source broke')
    })
  })
}

const withoutBlobs = (entries: readonly { readonly blob: string }[]) => entries.map(({ blob: _, ...rest }) => rest)
