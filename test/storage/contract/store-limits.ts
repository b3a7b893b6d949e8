import { describe, expect, test } from 'vitest'
import { OverQuota } from '../../../src/storage/store/errors.ts'
import { alice, message, pieces, type StoreContext } from './store-context.ts'

/** The limits of an owner, which a commit checks. */
export function limitContract(on: StoreContext): void {
  describe('limits of an owner', () => {
    const settled = async (changes: readonly Promise<unknown>[]): Promise<string[]> =>
      (await Promise.allSettled(changes)).map((one) =>
        one.status === 'fulfilled' ? 'done' : one.reason instanceof OverQuota ? one.reason.owner : String(one.reason),
      )
    const counted = (outcomes: readonly string[]) => [
      outcomes.filter((one) => one === 'done').length,
      outcomes.filter((one) => one === alice).length,
    ]

    test('hold for messages that are stored at the same time, in any of its folders', async () => {
      const { store, inbox } = on
      const other = await store.createFolder(alice, 'Other')
      await on.deliver(inbox, 'there before')
      const append = (i: number) => {
        const { targets, ...one } = message(`${i}`, i % 2 ? inbox : other)
        return store.append([{ ...one, targets: targets.map((target) => ({ ...target, limit: { messages: 10 } })) }])
      }
      expect(counted(await settled(Array.from({ length: 12 }, (_, i) => append(i))))).toEqual([9, 3])
      const exists = [await store.status(inbox.id), await store.status(other.id)].map((one) => one.exists)
      expect(exists.reduce((a, b) => a + b)).toBe(10)
    })

    test('count octets with the prefix, for streams too, and refuse a batch as a whole', async () => {
      const { store, inbox } = on
      const target = { folderId: inbox.id, limit: { octets: 100 } }
      const prefix = () => Buffer.from('X'.repeat(10))
      const large = { raw: pieces(Buffer.alloc(91), 10), prefix, targets: [target] }
      await expect(store.append([large])).rejects.toThrow(OverQuota)
      await store.append([{ ...large, raw: pieces(Buffer.alloc(90), 10) }])
      const small = { raw: Buffer.alloc(1), targets: [target] }
      await store.expunge(inbox.id, await on.uidsOf(inbox))
      await expect(
        store.append([
          { ...small, raw: Buffer.alloc(60) },
          { ...small, raw: Buffer.alloc(60) },
        ]),
      ).rejects.toThrow(OverQuota)
      expect(await on.uidsOf(inbox)).toEqual([])
      await store.append([
        { ...small, raw: Buffer.alloc(60) },
        { ...small, raw: Buffer.alloc(40) },
      ])
      expect((await store.status(inbox.id)).sizeOctets).toBe(100)
    })

    test('hold for copies and moves', async () => {
      const { store, inbox } = on
      const captured = await store.createFolder('captured:', 'Captured')
      const uids = await on.deliver(captured, 'a', 'b', 'c', 'd', 'e', 'f')
      const limit = { messages: 3 }
      const [a, b, ...others] = uids as [number, number, ...number[]]
      const copies = [a, b].map((uid) => store.copy(captured.id, [uid], inbox.id, undefined, limit))
      const moves = others.map((uid) => store.move(captured.id, [uid], inbox.id, undefined, limit))
      expect(counted(await settled([...copies, ...moves]))).toEqual([3, 3])
      expect((await store.status(inbox.id)).exists).toBe(3)
      expect((await store.status(captured.id)).exists).toBe(5)
    })
  })
}
