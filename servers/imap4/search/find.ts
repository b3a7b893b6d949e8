import { TimeSlice } from '../../../src/common/time-slice.ts'
import type { MessageEntry } from '../../../src/store/types.ts'
import { ContentReader } from '../fetch/content.ts'
import { parseCacheOf } from '../parse-caches.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import type { SearchCriteria } from '../wire/search-request.ts'
import { testOf } from './tests.ts'

/** Messages between looks at the time. */
const BETWEEN_LOOKS = 16

/** The indexes of the messages that are what is looked for, ascending. */
export async function findMessages(
  session: Session,
  selection: Selection,
  { key, decode }: SearchCriteria,
): Promise<number[]> {
  const { store, clock } = session.context
  const test = testOf(key, { selection, decode, cache: parseCacheOf(store), now: clock.now() })
  const contents = new ContentReader(session, selection)
  const found: number[] = []
  const timeSlice = new TimeSlice()
  for (let index = 0; index < selection.messages.length; index++) {
    const entry = selection.messages[index] as MessageEntry
    let held = test({ index, entry })
    if (held === undefined) {
      const content = await contents.read(entry)
      held = content !== undefined && test({ index, entry, content })
    }
    if (index % BETWEEN_LOOKS === 0 && timeSlice.isOver()) await timeSlice.yield()
    if (held) found.push(index)
  }
  return found
}
