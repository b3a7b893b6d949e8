import type { Steps } from '../time/time-slice.ts'

/** Items that are sorted without a pause. */
const RUN_ITEMS = 256

/** Returns the items in order. Equal items keep their order. */
export function* sortInSteps<T>(items: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  let sorted: T[] = []
  for (let at = 0; at < items.length; at += RUN_ITEMS) {
    for (const item of items.slice(at, at + RUN_ITEMS).sort(compare)) sorted.push(item)
    yield
  }
  for (let width = RUN_ITEMS; width < items.length; width *= 2) {
    const merged: T[] = []
    for (let at = 0; at < items.length; at += 2 * width) {
      yield* merge(sorted, { from: at, middle: at + width, to: at + 2 * width }, compare, merged)
    }
    sorted = merged
  }
  return sorted
}

interface Halves {
  readonly from: number
  readonly middle: number
  readonly to: number
}

function* merge<T>(
  sorted: readonly T[],
  { from, middle, to }: Halves,
  compare: (a: T, b: T) => number,
  merged: T[],
): Steps<void> {
  const leftEnd = Math.min(middle, sorted.length)
  const rightEnd = Math.min(to, sorted.length)
  let left = from
  let right = leftEnd
  while (left < leftEnd || right < rightEnd) {
    const takesLeft = right >= rightEnd || (left < leftEnd && compare(sorted[left] as T, sorted[right] as T) <= 0)
    merged.push(sorted[takesLeft ? left++ : right++] as T)
    if (merged.length % RUN_ITEMS === 0) yield
  }
}
