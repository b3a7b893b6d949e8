import { isSliceOver, nextSlice } from '../../src/core/time/time-slice.ts'

/** Messages that one call of the store changes. */
const BATCH_MESSAGES = 5_000

/** Changes messages in batches, because the store changes all messages of one call without a pause. */
export async function inBatches(
  uids: readonly number[],
  change: (batch: readonly number[]) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < uids.length; at += BATCH_MESSAGES) {
    if (at > 0 && isSliceOver()) await nextSlice()
    await change(uids.slice(at, at + BATCH_MESSAGES))
  }
}
