interface HasUid {
  readonly uid: number
}

/** Returns the index of the first entry whose uid is at least `uid`. The entries must be in ascending uid order. */
export function firstIndexFrom(entries: readonly HasUid[], uid: number): number {
  const first = entries[0]
  if (!first || uid <= first.uid) return 0
  // In a folder without gaps this is the index. A gap makes the index smaller, never greater.
  let high = Math.min(entries.length, uid - first.uid)
  if (entries[high]?.uid === uid) return high
  let low = 0
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((entries[middle] as HasUid).uid < uid) low = middle + 1
    else high = middle
  }
  return low
}

/** Returns the index of the entry with this uid, or -1. The entries must be in ascending uid order. */
export function indexOfUid(entries: readonly HasUid[], uid: number): number {
  const index = firstIndexFrom(entries, uid)
  return entries[index]?.uid === uid ? index : -1
}

/** Returns the uids in ascending order without duplicates. Returns the given array if it already is like that. */
export function ascending(uids: readonly number[]): readonly number[] {
  for (let i = 1; i < uids.length; i++) {
    if ((uids[i - 1] as number) >= (uids[i] as number)) return [...new Set(uids)].sort((a, b) => a - b)
  }
  return uids
}

/** Most messages that a store changes before other sessions run. */
const STEP_UIDS = 1_000

/** Yields uids in ascending order without duplicates, in lists of at most `most`. Without uids, yields one empty list. */
export function* uidSteps(uids: readonly number[], most = STEP_UIDS): Generator<readonly number[], void, void> {
  const sorted = ascending(uids)
  if (sorted.length <= most) return yield sorted
  for (let at = 0; at < sorted.length; at += most) yield sorted.slice(at, at + most)
}
