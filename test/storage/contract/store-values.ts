import { describe, expect, it } from 'vitest'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import type { ValueSpace } from '../../../src/storage/store/value-types.ts'
import { alice, type StoreContext } from './store-context.ts'

/** Tests the small values of folders and of the store. */
export function valueContract(on: StoreContext): void {
  const set = (space: ValueSpace, values: Readonly<Record<string, string | undefined>>): Promise<void> =>
    on.store.changeValues(
      space,
      () =>
        new Map(Object.entries(values).map(([name, text]) => [name, text === undefined ? text : Buffer.from(text)])),
    )
  const get = async (space: ValueSpace): Promise<Record<string, string>> =>
    Object.fromEntries(Array.from(await on.store.values(space), ([name, value]) => [name, value.toString()]))

  describe('values', () => {
    it('are kept by folder, kind and reader', async () => {
      const folderId = on.inbox.id
      const other = await on.store.createFolder(alice, 'Other')
      const long = '/private/'.padEnd(2000, 'x')
      await set({ folderId, kind: 'metadata' }, { '/shared/comment': 'all', [long]: 'long' })
      await set({ folderId, kind: 'metadata', reader: alice }, { '/private/comment': 'own' })
      await set({ kind: 'metadata' }, { '/shared/admin': 'store' })
      expect(await get({ folderId, kind: 'metadata' })).toEqual({ '/shared/comment': 'all', [long]: 'long' })
      expect(await get({ folderId, kind: 'metadata', reader: alice })).toEqual({ '/private/comment': 'own' })
      expect(await get({ folderId, kind: 'metadata', reader: accountOwner('bob') })).toEqual({})
      expect(await get({ folderId, kind: 'acl' })).toEqual({})
      expect(await get({ folderId: other.id, kind: 'metadata' })).toEqual({})
      expect(await get({ kind: 'metadata' })).toEqual({ '/shared/admin': 'store' })
    })

    it('are read by name', async () => {
      const space: ValueSpace = { folderId: on.inbox.id, kind: 'metadata' }
      await set(space, { a: '1', b: '2', c: '3' })
      const names = ['c', 'a', 'none']
      expect(await get({ ...space, names })).toEqual({ a: '1', c: '3' })
      let seen: string[] = []
      await on.store.changeValues({ ...space, names }, (current) => {
        seen = [...current.keys()].sort()
        return new Map([['none', Buffer.from('4')]])
      })
      expect(seen).toEqual(['a', 'c'])
      expect(await get(space)).toEqual({ a: '1', b: '2', c: '3', none: '4' })
    })

    it('are changed from their current state, and removed by undefined', async () => {
      const space: ValueSpace = { folderId: on.inbox.id, kind: 'acl' }
      await set(space, { bob: 'lr', eve: 'l' })
      const append = (): Promise<void> =>
        on.store.changeValues(
          space,
          (current) =>
            new Map([
              ['bob', Buffer.concat([current.get('bob') ?? Buffer.alloc(0), Buffer.from('+')])],
              ['eve', undefined],
            ]),
        )
      await Promise.all([append(), append()])
      expect(await get(space)).toEqual({ bob: 'lr++' })
    })

    it('stay after a rename, and are deleted with the folder', async () => {
      const folder = await on.store.createFolder(alice, 'Old')
      const space: ValueSpace = { folderId: folder.id, kind: 'metadata' }
      await set(space, { '/shared/comment': 'kept' })
      await on.store.renameFolder(folder.id, 'New')
      expect(await get(space)).toEqual({ '/shared/comment': 'kept' })
      await on.store.deleteFolder(folder.id)
      await expect(on.store.values(space)).rejects.toMatchObject({ code: 'not-found' })
      await expect(set(space, { a: 'b' })).rejects.toMatchObject({ code: 'not-found' })
      const again = await on.store.createFolder(alice, 'New')
      expect(await get({ ...space, folderId: again.id })).toEqual({})
    })

    it('are deleted by clear', async () => {
      await set({ kind: 'metadata' }, { '/shared/comment': 'gone' })
      await on.store.clear()
      expect(await get({ kind: 'metadata' })).toEqual({})
    })

    it('report their changes, and those of kind `seen` raise the modification sequence', async () => {
      const folderId = on.inbox.id
      await on.deliver(on.inbox, 'one')
      const { highestModSeq } = await on.store.status(folderId)
      const events = on.watched(folderId)
      const origin = {}
      await on.store.changeValues({ folderId, kind: 'acl' }, () => new Map([['bob', Buffer.from('l')]]), origin)
      await on.store.changeValues({ folderId, kind: 'acl' }, () => new Map(), origin)
      let next = 0
      await on.store.changeValues({ folderId, kind: 'seen', reader: alice }, (_, modSeq) => {
        next = modSeq
        return new Map([['0', Buffer.from('x')]])
      })
      expect(next).toBe(highestModSeq + 1)
      expect(events).toEqual([
        { type: 'values', folder: on.inbox, kind: 'acl', names: ['bob'], origin },
        { type: 'values', folder: on.inbox, kind: 'seen', reader: alice, names: ['0'], modSeq: next },
      ])
      expect((await on.store.status(folderId)).highestModSeq).toBe(next)
      expect((await on.store.snapshot(folderId)).highestModSeq).toBe(next)
      const [uid] = await on.deliver(on.inbox, 'two')
      expect((await on.store.entry(folderId, uid as number))?.modSeq).toBe(next + 1)
    })
  })
}
