import { TimeSlice } from '../../src/common/time-slice.ts'
import type { Folder, FolderStatus, MessageEntry, MessageStore } from '../../src/store/types.ts'
import type { NumberRange } from './wire.ts'

/** What GROUP and LIST ACTIVE say of a group. */
export interface WaterMarks {
  /** Exactly. */
  readonly count: number
  readonly low: number
  readonly high: number
}

/** Entries taken from the store at a time. */
const PAGE = 128

export async function waterMarks(store: MessageStore, group: Folder): Promise<WaterMarks> {
  return marksOf(await store.status(group.id))
}

/** RFC 3977 section 6.1.1.2: neither mark ever goes down; in an empty group high is one less than low. */
export const marksOf = ({ exists, uidNext, lowestUid }: FolderStatus): WaterMarks => ({
  count: exists,
  low: exists === 0 ? uidNext : lowestUid,
  high: uidNext - 1,
})

/**
 * The entries of a range, a page at a time, however many there are. Other sessions get their turn in between: a store in
 * memory answers without ever waiting.
 */
export async function* pages(
  store: MessageStore,
  group: Folder,
  range: NumberRange,
): AsyncGenerator<readonly MessageEntry[]> {
  const { low, high } = await waterMarks(store, group)
  const to = Math.min(range.to, high)
  const timeSlice = new TimeSlice()
  for (let from = Math.max(range.from, low); from <= to; from += PAGE) {
    const page = await store.list(group.id, { from, to: Math.min(to, from + PAGE - 1) })
    if (page.length > 0) yield page
    if (timeSlice.isOver()) await timeSlice.yield()
  }
}

/** The first article above `number`. RFC 3977 section 6.1.4. */
export async function nextEntry(store: MessageStore, group: Folder, number: number): Promise<MessageEntry | undefined> {
  for await (const page of pages(store, group, { from: number + 1, to: Number.MAX_SAFE_INTEGER })) return page[0]
  return undefined
}

/** The last article below `number`. RFC 3977 section 6.1.3. */
export async function previousEntry(
  store: MessageStore,
  group: Folder,
  number: number,
): Promise<MessageEntry | undefined> {
  const { low } = await waterMarks(store, group)
  for (let to = number - 1; to >= low; to -= PAGE) {
    const page = await store.list(group.id, { from: Math.max(low, to - PAGE + 1), to })
    if (page.length > 0) return page.at(-1)
  }
  return undefined
}
