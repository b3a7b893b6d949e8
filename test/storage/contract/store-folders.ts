import { describe, expect, it } from 'vitest'
import { accountOwner, CAPTURED_OWNER, OUTGOING_OWNER, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import { alice, message, newsgroup, type StoreContext } from './store-context.ts'

/** Tests folders. */
export function folderContract(on: StoreContext): void {
  describe('folders', () => {
    it('are found by owner and name, and listed in name order', async () => {
      await on.store.createFolder(alice, 'Trash', { specialUse: '\\Trash' })
      await on.store.createFolder(alice, 'Archive/2025')
      await on.store.createFolder(accountOwner('bob'), 'Trash')
      expect((await on.store.listFolders(alice)).map((folder) => folder.name)).toEqual([
        'Archive/2025',
        'INBOX',
        'Trash',
      ])
      expect(await on.store.findFolder(alice, 'Trash')).toMatchObject({ owner: alice, specialUse: '\\Trash' })
      expect(await on.store.findFolder(alice, 'trash')).toBeUndefined()
      expect([on.store.folderOf(on.inbox.id), on.store.folderOf('none')]).toEqual([on.inbox, undefined])
      expect(await on.store.listFolders(CAPTURED_OWNER)).toEqual([])
      await on.store.createFolder(accountOwner('adam'), 'INBOX')
      expect(await on.store.listOwners()).toEqual([accountOwner('adam'), alice, accountOwner('bob')])
    })

    it('are counted together: those of some owners apart, without the queue of outgoing mail', async () => {
      const other = await on.store.createFolder(accountOwner('bob'), 'INBOX')
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.talk', { newsgroup })
      const queue = await on.store.createFolder(OUTGOING_OWNER, 'queue')
      const total = async () => {
        const found = await on.store.totals([PUBLIC_OWNER, CAPTURED_OWNER])
        return new Map(found.map(({ owner, exists, sizeOctets }) => [owner, { exists, sizeOctets }]))
      }
      for (const folder of [on.inbox, other, other, group, queue]) await on.store.append([message('text', folder)])
      const sizeOctets = 'text'.length
      expect(await total()).toEqual(
        new Map([
          [null, { exists: 3, sizeOctets: 3 * sizeOctets }],
          [PUBLIC_OWNER, { exists: 1, sizeOctets }],
        ]),
      )
      await on.store.expunge(other.id, [1])
      expect((await total()).get(null)).toEqual({ exists: 2, sizeOctets: 2 * sizeOctets })
    })

    it('have INBOX in capitals, also as the first level, except in newsgroups', async () => {
      expect((await on.store.findFolder(alice, 'inBox'))?.id).toBe(on.inbox.id)
      expect((await on.store.createFolder(alice, 'inbox/Drafts')).name).toBe('INBOX/Drafts')
      expect((await on.store.createFolder(alice, 'inboxes')).name).toBe('inboxes')
      expect((await on.store.createFolder(PUBLIC_OWNER, 'inbox', { newsgroup })).name).toBe('inbox')
    })

    it('cannot be created twice', async () => {
      await expect(on.store.createFolder(alice, 'Inbox')).rejects.toMatchObject({ name: 'StoreError', code: 'exists' })
    })

    it('have a UIDVALIDITY above that of earlier folders, even if the clock goes back', async () => {
      const first = await on.store.createFolder(alice, 'Again')
      await on.store.deleteFolder(first.id)
      on.clock.ms -= 86_400_000
      const second = await on.store.createFolder(alice, 'Again')
      expect(second.uidValidity).toBeGreaterThan(first.uidValidity)
      expect(second.id).not.toBe(first.id)
    })

    it('have the time in seconds as UIDVALIDITY while it fits in 32 bits', async () => {
      expect(on.inbox.uidValidity).toBe(Math.floor(on.clock.ms / 1000))
      on.clock.ms = 0xffff_ffff * 1000
      expect((await on.store.createFolder(alice, 'Late')).uidValidity).toBe(on.inbox.uidValidity + 1)
    })

    it('continue the uids of a deleted folder with the same name', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      expect(await on.deliver(group, 'a', 'b')).toEqual([1, 2])
      await on.store.deleteFolder(group.id)
      const again = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      expect(await on.deliver(again, 'c')).toEqual([3])
    })

    it('are deleted with their messages, but without the folders below', async () => {
      const parent = await on.store.createFolder(alice, 'a')
      const child = await on.store.createFolder(alice, 'a/b')
      await on.deliver(parent, 'x')
      await on.store.deleteFolder(parent.id)
      expect(await on.store.findFolder(alice, 'a')).toBeUndefined()
      expect(await on.store.findFolder(alice, 'a/b')).toEqual(child)
      expect(await on.store.entry(parent.id, 1)).toBeUndefined()
      await expect(on.store.list(parent.id)).rejects.toMatchObject({ code: 'not-found' })
      await expect(on.store.deleteFolder(parent.id)).rejects.toMatchObject({ code: 'not-found' })
    })

    it('are deleted only if they are empty, on request', async () => {
      const [full, empty] = [await on.store.createFolder(alice, 'a'), await on.store.createFolder(alice, 'b')]
      await on.deliver(full, 'x')
      for (const { id } of [full, empty]) await on.store.deleteFolder(id, { onlyIfEmpty: true })
      expect(await on.store.findFolder(alice, 'a')).toEqual(full)
      expect(await on.store.entry(full.id, 1)).toBeDefined()
      expect(await on.store.findFolder(alice, 'b')).toBeUndefined()
      await expect(on.store.deleteFolder(empty.id, { onlyIfEmpty: true })).rejects.toMatchObject({ code: 'not-found' })
    })

    it('are renamed with the folders below, and keep id, UIDVALIDITY and messages', async () => {
      const parent = await on.store.createFolder(alice, 'a')
      const child = await on.store.createFolder(alice, 'a/b')
      await on.store.createFolder(alice, 'ab')
      await on.deliver(child, 'x')
      const events = on.watched()
      expect(await on.store.renameFolder(parent.id, 'z/y')).toEqual({ ...parent, name: 'z/y' })
      expect((await on.store.listFolders(alice)).map((folder) => folder.name)).toEqual(['INBOX', 'ab', 'z/y', 'z/y/b'])
      expect(await on.store.findFolder(alice, 'z/y/b')).toEqual({ ...child, name: 'z/y/b' })
      expect(await on.store.findFolder(alice, 'a/b')).toBeUndefined()
      expect(await on.textOf(child, 1)).toBe('x')
      expect(events).toEqual([
        { type: 'folder-changed', folder: { ...parent, name: 'z/y' }, previousName: 'a' },
        { type: 'folder-changed', folder: { ...child, name: 'z/y/b' }, previousName: 'a/b' },
      ])
    })

    it('are not renamed if the name of one of them exists', async () => {
      const parent = await on.store.createFolder(alice, 'a')
      await on.store.createFolder(alice, 'a/b')
      await on.store.createFolder(alice, 'c/b')
      await expect(on.store.renameFolder(parent.id, 'c')).rejects.toMatchObject({ code: 'exists' })
      await expect(on.store.renameFolder(parent.id, 'inbox')).rejects.toMatchObject({ code: 'exists' })
      await expect(on.store.renameFolder('none', 'd')).rejects.toMatchObject({ code: 'not-found' })
      expect((await on.store.listFolders(alice)).map((folder) => folder.name)).toEqual(['INBOX', 'a', 'a/b', 'c/b'])
    })

    it('are renamed in name order, and not at all to the same name', async () => {
      const child = await on.store.createFolder(alice, 'a/b')
      const parent = await on.store.createFolder(alice, 'a')
      const events = on.watched()
      expect(await on.store.renameFolder(parent.id, 'a')).toEqual(parent)
      expect(events).toEqual([])
      await on.store.renameFolder(parent.id, 'z')
      expect(events).toEqual([
        { type: 'folder-changed', folder: { ...parent, name: 'z' }, previousName: 'a' },
        { type: 'folder-changed', folder: { ...child, name: 'z/b' }, previousName: 'a/b' },
      ])
    })

    it('can be renamed to a name below their own', async () => {
      const parent = await on.store.createFolder(alice, 'a')
      await on.store.createFolder(alice, 'a/b')
      await on.store.renameFolder(parent.id, 'a/b')
      expect((await on.store.listFolders(alice)).map((folder) => folder.name)).toEqual(['INBOX', 'a/b', 'a/b/b'])
    })

    it('take new settings', async () => {
      const group = await on.store.createFolder(PUBLIC_OWNER, 'lab.general', { newsgroup })
      const closed = { ...newsgroup, posting: 'no' } as const
      expect(await on.store.updateFolder(group.id, { newsgroup: closed })).toEqual({ ...group, newsgroup: closed })
      expect((await on.store.findFolder(PUBLIC_OWNER, 'lab.general'))?.newsgroup?.posting).toBe('no')
      const sent = await on.store.createFolder(alice, 'Sent', { specialUse: '\\Sent' })
      await on.store.updateFolder(sent.id, { specialUse: '\\Sent', sortOrder: 7 })
      expect(await on.store.findFolder(alice, 'Sent')).toEqual({ ...sent, sortOrder: 7 })
      expect(await on.store.updateFolder(sent.id, {})).not.toHaveProperty('specialUse')
      expect(await on.store.findFolder(alice, 'Sent')).not.toHaveProperty('sortOrder')
      await expect(on.store.updateFolder('none', {})).rejects.toMatchObject({ code: 'not-found' })
    })

    it('are subscribed to by name, whether or not they exist', async () => {
      await on.store.setSubscribed(alice, 'inbox', true)
      await on.store.setSubscribed(alice, 'Gone', true)
      await on.store.setSubscribed(alice, 'Gone', true)
      expect([...(await on.store.subscriptions(alice))].sort()).toEqual(['Gone', 'INBOX'])
      await on.store.setSubscribed(alice, 'Gone', false)
      expect(await on.store.subscriptions(alice)).toEqual(['INBOX'])
      expect(await on.store.subscriptions(accountOwner('bob'))).toEqual([])
      for (const name of ['\u{1f4ec} Post', '\uffff']) {
        await on.store.setSubscribed(alice, name, true)
        expect(await on.store.subscriptions(alice)).toEqual(['INBOX', name])
        await on.store.setSubscribed(alice, name, false)
      }
    })
  })
}
