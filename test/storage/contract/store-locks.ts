import { describe, expect, it } from 'vitest'
import type { FolderLock } from '../../../src/storage/store/types.ts'
import type { StoreContext } from './store-context.ts'

/** Tests the locks of folders. RFC 1939 section 4. */
export function lockContract(on: StoreContext): void {
  describe('locks of folders', () => {
    const lock = async (): Promise<FolderLock> => {
      const got = await on.store.lockFolder(on.inbox.id)
      if (!got) throw new Error('the folder is locked')
      return got
    }

    it('exclude each other until they are released, folder by folder', async () => {
      const other = await on.store.createFolder('user:bob', 'INBOX')
      const first = await lock()
      expect(await on.store.lockFolder(on.inbox.id)).toBeUndefined()
      expect([...(await on.store.lockedFolders())]).toEqual([on.inbox.id])
      const second = await on.store.lockFolder(other.id)
      expect(second).toBeDefined()
      await first.release()
      const third = await lock()
      // The second call of the first holder does not release the lock of the next.
      await first.release()
      expect(await on.store.lockFolder(on.inbox.id)).toBeUndefined()
      await third.release()
      await second?.release()
      expect((await on.store.lockedFolders()).size).toBe(0)
    })

    it('are refused for a folder that does not exist', async () => {
      await expect(on.store.lockFolder('none')).rejects.toMatchObject({ code: 'not-found' })
    })

    it('only one of many sessions that ask at the same time gets', async () => {
      const asked = await Promise.all(Array.from({ length: 20 }, () => on.store.lockFolder(on.inbox.id)))
      const got = asked.filter((one) => one !== undefined)
      expect(got).toHaveLength(1)
      await got[0]?.release()
    })

    it('let their holder delete messages, and clients without a lock, but not the lab', async () => {
      const [one = 0, two = 0, three = 0, four = 0] = await on.deliver(on.inbox, 'a', 'b', 'c', 'd')
      const origin = {}
      const events = on.watched(on.inbox.id)
      const held = await lock()
      expect(await on.store.expungeUnlocked(on.inbox.id, [one])).toEqual([])
      expect(await held.expunge([two, one], origin)).toEqual([one, two])
      expect(events).toMatchObject([{ type: 'expunged', uids: [one, two] }])
      expect(events[0]).toHaveProperty('origin', origin)
      expect(await on.store.expunge(on.inbox.id, [three])).toEqual([three])
      await held.release()
      expect(await on.store.expungeUnlocked(on.inbox.id, [four], origin)).toEqual([four])
      expect(await on.uidsOf(on.inbox)).toEqual([])
    })

    it('are taken after the deletions of the lab that have begun', async () => {
      const uids = await on.deliver(on.inbox, 'a', 'b')
      const deletion = on.store.expungeUnlocked(on.inbox.id, uids)
      const held = await lock()
      // Either the deletion came first and was complete before the lock, or it saw the lock.
      const left = await on.uidsOf(on.inbox)
      const deleted = await deletion
      expect(left).toEqual(deleted.length === 0 ? uids : [])
      expect(await on.uidsOf(on.inbox)).toEqual(left)
      await held.release()
    })
  })
}
