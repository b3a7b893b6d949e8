import { threadForm } from '../../../src/mail/threading.ts'
import { defineCommand } from '../command.ts'
import { bad, done, ImapError } from '../reply.ts'
import { extendedAnswer, plainAnswer, saveFound } from '../search/answer.ts'
import { findMessages } from '../search/find.ts'
import { sorted, type ThreadAlgorithm, threadAlgorithms, threadables } from '../search/sort.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { selected } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'
import { asksModSeq } from '../wire/search-keys.ts'
import {
  charsetProgram,
  type SearchCriteria,
  type SearchReturn,
  type SortKey,
  searchProgram,
  searchReturn,
  sortKeys,
} from '../wire/search-request.ts'

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

/** THREAD algorithm charset search-keys. RFC 5256 section 3. */
export const thread = defineCommand({
  name: 'THREAD',
  states: selected,
  parse: threadRequest,
  updates: 'no-expunge',
  byNumber: true,
  run: (session, { selection }, request) => runThread(session, selection, request, false),
})

export const uidThread = defineCommand({
  name: 'UID THREAD',
  states: selected,
  parse: threadRequest,
  run: (session, { selection }, request) => runThread(session, selection, request, true),
})

interface ThreadRequest extends SearchCriteria {
  readonly algorithm: ThreadAlgorithm
}

function threadRequest(cursor: Cursor, session: Session): ThreadRequest {
  cursor.space()
  const algorithm = cursor.keyword()
  if (!Object.hasOwn(threadAlgorithms, algorithm)) throw bad(`unknown threading algorithm ${algorithm}`)
  cursor.space()
  return { algorithm: algorithm as ThreadAlgorithm, ...charsetProgram(cursor, session) }
}

async function runThread(session: Session, selection: Selection, request: ThreadRequest, byUid: boolean) {
  const found = await findMessages(session, selection, request)
  const messages = await threadables(session, selection, found, byUid)
  const threads = threadForm(threadAlgorithms[request.algorithm](messages))
  session.say(`* THREAD${threads === '' ? '' : ` ${threads}`}\r\n`)
  return done('threaded')
}
