import { defineCommand } from '../command.ts'
import { done } from '../reply.ts'
import { extendedAnswer, plainAnswer } from '../search/answer.ts'
import { findMessages } from '../search/find.ts'
import { saveFound } from '../search/save.ts'
import { sorted } from '../search/sort.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { selected } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'
import { asksModSeq } from '../wire/search-keys.ts'
import { charsetProgram, type SearchCriteria, type SearchReturn, searchReturn } from '../wire/search-request.ts'
import { type SortKey, sortKeys } from '../wire/sort-keys.ts'

/** SORT [RETURN (…)] (keys) charset search-keys. RFC 5256 section 3; RFC 5267 section 3. */
export const sort = defineCommand({
  name: 'SORT',
  states: selected,
  parse: sortRequest,
  updates: 'no-expunge',
  byNumber: true,
  run: (session, { selection }, request) => runSort(session, selection, request, false),
})

export const uidSort = defineCommand({
  name: 'UID SORT',
  states: selected,
  parse: sortRequest,
  run: (session, { selection }, request) => runSort(session, selection, request, true),
})

interface SortRequest extends SearchCriteria {
  readonly wanted: SearchReturn | undefined
  readonly keys: readonly SortKey[]
}

function sortRequest(cursor: Cursor, session: Session): SortRequest {
  cursor.space()
  const wanted = searchReturn(cursor)
  const keys = sortKeys(cursor)
  cursor.space()
  return { wanted, keys, ...charsetProgram(cursor, session) }
}

async function runSort(session: Session, selection: Selection, request: SortRequest, byUid: boolean) {
  const { wanted, keys, key } = request
  const found = await findMessages(session, selection, request)
  const indexes = await sorted(session, selection, found, keys)
  const answer = { tag: session.tag, byUid, indexes, tellsModSeq: asksModSeq(key) }
  if (!wanted) session.say(plainAnswer(selection, 'SORT', answer))
  else if (!saveFound(selection, wanted, indexes)) session.say(extendedAnswer(selection, wanted, answer))
  return done('sorted')
}
