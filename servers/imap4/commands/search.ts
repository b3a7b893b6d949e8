import { defineCommand } from '../command.ts'
import { done, ImapError } from '../reply.ts'
import { extendedAnswer, plainAnswer } from '../search/answer.ts'
import { findMessages } from '../search/find.ts'
import { saveFound } from '../search/save.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { selected } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'
import { asksModSeq } from '../wire/search-keys.ts'
import { type SearchCriteria, type SearchReturn, searchProgram, searchReturn } from '../wire/search-request.ts'

/** SEARCH [RETURN (…)] [CHARSET …] keys. RFC 9051 section 6.4.4; RFC 4731, 5182, 9394. */
export const search = defineCommand({
  name: 'SEARCH',
  states: selected,
  byNumber: true,
  parse: searchRequest,
  updates: 'no-expunge',
  run: (session, { selection }, request) => runSearch(session, selection, request, false),
})

/** UID SEARCH. RFC 9051 section 6.4.9. */
export const uidSearch = defineCommand({
  name: 'UID SEARCH',
  states: selected,
  parse: searchRequest,
  run: (session, { selection }, request) => runSearch(session, selection, request, true),
})

interface SearchRequest extends SearchCriteria {
  readonly wanted: SearchReturn | undefined
}

const ALL: SearchReturn = { options: new Set(['ALL']) }

function searchRequest(cursor: Cursor, session: Session): SearchRequest {
  cursor.space()
  const wanted = searchReturn(cursor) ?? (session.enabled.has('IMAP4rev2') ? ALL : undefined)
  try {
    return { wanted, ...searchProgram(cursor, session) }
  } catch (error) {
    // A NO empties what was saved, a BAD leaves it. RFC 5182 section 2.1
    const failed = error instanceof ImapError && error.status === 'NO' && session.state.name === 'selected'
    if (failed && wanted?.options.has('SAVE') && session.state.name === 'selected') session.state.selection.saved = []
    throw error
  }
}

async function runSearch(session: Session, selection: Selection, request: SearchRequest, byUid: boolean) {
  const { wanted, key } = request
  const tellsModSeq = asksModSeq(key)
  if (tellsModSeq) session.enabled.add('CONDSTORE')
  const indexes = await findMessages(session, selection, request)
  const answer = { tag: session.tag, byUid, indexes, tellsModSeq }
  if (!wanted) session.say(plainAnswer(selection, 'SEARCH', answer))
  else if (!saveFound(selection, wanted, indexes)) session.say(extendedAnswer(selection, wanted, answer))
  return done('searched')
}
