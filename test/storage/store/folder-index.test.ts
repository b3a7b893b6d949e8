import { expect, it } from 'vitest'
import { FolderIndex } from '../../../src/storage/store/entries/folder-index.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'

const entry = (uid: number, modSeq: number, ...flags: string[]): MessageEntry => ({
  uid,
  blob: `${uid}`,
  sizeOctets: 10 * uid,
  internalDate: 0,
  savedAt: 0,
  flags,
  modSeq,
})

/** Returns an index of three messages: 1 seen, 3 deleted, 5 without flags. */
function filled(): FolderIndex {
  const index = new FolderIndex()
  index.append([entry(1, 2, '\\Seen'), entry(3, 3, '\\Deleted'), entry(5, 4)])
  return index
}

const status = {
  exists: 3,
  uidNext: 6,
  highestModSeq: 4,
  sizeOctets: 90,
  unseen: 2,
  deleted: 1,
  deletedOctets: 30,
  lowestUid: 1,
  highestUid: 5,
}

it('ignores changes that it already contains', () => {
  const index = filled()
  index.append([entry(3, 3), entry(5, 4)])
  index.replace([entry(3, 3, '\\Seen'), entry(5, 1, '\\Seen')])
  index.remove([2, 4, 9], 4)
  expect(index.status()).toEqual(status)
  expect(index.snapshot().flags).toEqual(['\\Seen', '\\Deleted'])
})

it('ignores changes of entries that it does not contain', () => {
  const index = filled()
  index.replace([entry(2, 9, '\\Seen'), entry(7, 9, '\\Seen')])
  expect(index.status()).toEqual(status)
  expect([index.find(2), index.find(7)]).toEqual([undefined, undefined])
})

it('raises its modSeq with every change and never lowers it', () => {
  const index = filled()
  index.remove([9], 8)
  expect(index.highestModSeq).toBe(8)
  index.append([entry(6, 7)])
  index.replace([entry(5, 6, '\\Seen')])
  expect(index.status()).toMatchObject({ highestModSeq: 8, exists: 4, unseen: 2 })
})

it('returns the same array until something changes, and never changes it', () => {
  const index = filled()
  const before = index.list()
  expect(index.list()).toBe(before)
  index.append([entry(6, 5)])
  index.replace([entry(1, 6)])
  index.remove([3], 7)
  expect(before.map(({ uid, modSeq }) => [uid, modSeq])).toEqual([
    [1, 2],
    [3, 3],
    [5, 4],
  ])
  expect(index.list().map(({ uid }) => uid)).toEqual([1, 5, 6])
})
