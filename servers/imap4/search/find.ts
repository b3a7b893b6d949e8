import type { MessageEntry } from '../../../src/store/types.ts'
import { contentOf } from '../fetch/content.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import type { SearchCriteria } from '../wire/search-request.ts'
import { pacer } from './pacer.ts'
import { type Candidate, testOf } from './tests.ts'

/** The indexes of the messages that are what is looked for, ascending. */
export async function findMessages(
  session: Session,
  selection: Selection,
  { key, decode }: SearchCriteria,
): Promise<number[]> {
  const test = testOf(key, { selection, decode, now: session.context.clock.now() })
  const found: number[] = []
  const pace = pacer()
  for (let index = 0; index < selection.messages.length; index++) {
    const entry = selection.messages[index] as MessageEntry
    const candidate: Candidate = { index, entry }
    let held = test(candidate)
    if (held === undefined) {
      const content = await contentOf(session, selection, entry)
      held = content !== undefined && test({ ...candidate, content })
      if (pace.isOver()) await pace.rest()
    }
    if (held) found.push(index)
  }
  return found
}
