import type { MessageEntry } from '../../src/store/types.ts'

/** The index of the first entry whose uid is at least `uid`, in entries that ascend by uid. */
export function firstIndexFrom(entries: readonly MessageEntry[], uid: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((entries[middle] as MessageEntry).uid < uid) low = middle + 1
    else high = middle
  }
  return low
}

/** The index of the entry with that uid, or -1. */
export function indexOfUid(entries: readonly MessageEntry[], uid: number): number {
  const index = firstIndexFrom(entries, uid)
  return entries[index]?.uid === uid ? index : -1
}
