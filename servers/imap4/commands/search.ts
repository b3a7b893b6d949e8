import { runInSlices } from '../../../src/core/time/time-slice.ts'
import { threadForm } from '../../../src/mail/format/threading.ts'
import { defineCommand, defineMessageCommand } from '../command.ts'
import { messageLimit, withinLimit } from '../message-limit.ts'
import { withProgress } from '../progress.ts'
import { bad, ImapError, ok } from '../reply.ts'
import { reportChanges } from '../report.ts'
import { esearchResponse, saveResult, searchResponse } from '../search/answer.ts'
import { cancelUpdate, keepUpdated, noUpdate } from '../search/contexts.ts'
import { candidates, findMessages, withoutNumbers } from '../search/find.ts'
import { sortMessages, type ThreadAlgorithm, threadAlgorithms, threadables } from '../search/sort.ts'
import type { Selection } from '../selection.ts'
import { type ImapSession, selected } from '../state.ts'
import { enableCondstore } from '../updates.ts'
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

interface SearchRequest extends SearchCriteria {
  /** The result options of ESEARCH. Undefined: the response is SEARCH or SORT. */
  readonly wanted: SearchReturn | undefined
}

const ALL: SearchReturn = { options: new Set(['ALL']) }

/** SEARCH [RETURN (…)] [CHARSET …] keys. RFC 9051 section 6.4.4; RFC 4731, 5182, 9394. */
export const search = defineMessageCommand({
  name: 'SEARCH',
  updates: 'no-expunge',
  parse: searchRequest,
  async run(session, { selection }, request, byUid) {
    if (asksModSeq(request.key)) enableCondstore(session)
    await showNew(session, selection)
    beginUpdate(session, selection, request)
    const limited =
      messageLimit(session) === undefined ? undefined : withinLimit(session, selection, candidates(selection, request))
    const among = limited?.code === undefined ? undefined : limited.indexes
    const indexes = await withProgress(session, (progress) =>
      findMessages(session, selection, request, progress, among),
    )
    sendResult(session, selection, request, { name: 'SEARCH', indexes, byUid })
    // A part of the result cannot be kept up to date. RFC 9738 section 3
    startUpdates(session, selection, request, { indexes, byUid, isPart: limited?.code !== undefined })
    return limited?.code === undefined ? ok() : ok(limited.code, 'SEARCH completed for a part of the messages')
  },
})

/** Reports new messages, so that the search finds them: tests send mail, and search in a session that is open already. */
const showNew = (session: ImapSession, selection: Selection): void | Promise<void> =>
  reportChanges(session, selection, false)

function searchRequest(cursor: Cursor, session: ImapSession): SearchRequest {
  cursor.space()
  const wanted = searchReturn(cursor) ?? (session.enabled.has('IMAP4rev2') ? ALL : undefined)
  try {
    return { wanted, ...searchProgram(cursor, session) }
  } catch (error) {
    // A search that fails with NO empties the saved result, one that fails with BAD keeps it. RFC 5182 section 2.1
    const empties = error instanceof ImapError && error.status === 'NO' && wanted?.options.has('SAVE')
    if (empties && session.state.name === 'selected') session.state.selection.saved = []
    throw error
  }
}

interface SortRequest extends SearchRequest {
  readonly keys: readonly SortKey[]
}

/** SORT [RETURN (…)] (keys) charset search-keys. RFC 5256 section 3; RFC 5267 section 3. */
export const sort = defineMessageCommand({
  name: 'SORT',
  updates: 'no-expunge',
  parse(cursor, session): SortRequest {
    cursor.space()
    const wanted = searchReturn(cursor)
    const keys = sortKeys(cursor)
    cursor.space()
    return { wanted, keys, ...charsetProgram(cursor, session) }
  },
  async run(session, { selection }, request, byUid) {
    if (asksModSeq(request.key)) enableCondstore(session)
    await showNew(session, selection)
    beginUpdate(session, selection, request)
    const indexes = await withProgress(session, async (progress) => {
      const found = await findMessages(session, selection, request, progress)
      return sortMessages(session, selection, found, request.keys)
    })
    sendResult(session, selection, request, { name: 'SORT', indexes, byUid })
    startUpdates(session, selection, request, { indexes, byUid, sortKeys: request.keys })
    return ok()
  },
})

/** Prepares a search whose result will be updated. @throws ImapError if its tag is that of such a search. RFC 5267 section 4.3 */
function beginUpdate({ tag }: ImapSession, selection: Selection, { wanted }: SearchRequest): void {
  if (!wanted?.update) return
  if (selection.contexts.has(tag)) throw bad('The tag is that of a search whose result is updated.')
  // Messages that change while the search runs are tested again.
  selection.trackChanges(true)
}

interface SearchResult {
  readonly indexes: readonly number[]
  readonly byUid: boolean
  readonly sortKeys?: readonly SortKey[]
  readonly isPart?: boolean
}

/** Keeps the result up to date if the client asks for that. RFC 5267 section 4.3. */
function startUpdates(
  session: ImapSession,
  selection: Selection,
  { wanted, key, decode }: SearchRequest,
  { indexes, byUid, sortKeys, isPart = false }: SearchResult,
): void {
  if (!wanted?.update) return
  const { tag } = session
  const criteria = { key: withoutNumbers(key, selection), decode }
  const request = { tag, byUid, criteria, items: wanted.update, ...(sortKeys ? { sortKeys } : {}) }
  const refusal = isPart ? 'The result is not complete.' : keepUpdated(session, selection, request, indexes)
  if (refusal === undefined) return
  selection.trackChanges(false)
  session.send(noUpdate(tag, refusal))
}

/** CANCELUPDATE tags: ends the updates of results. RFC 5267 section 4.3.5. */
export const cancelUpdates = defineCommand({
  name: 'CANCELUPDATE',
  states: selected,
  parse(cursor) {
    const tags: string[] = []
    do {
      cursor.space()
      tags.push(cursor.string())
    } while (!cursor.atEnd)
    return tags
  },
  run(_session, { selection }, tags) {
    for (const tag of tags) cancelUpdate(selection, tag)
    return ok()
  },
})

/** Sends the result of SEARCH or SORT, saves it, or both. */
function sendResult(
  session: ImapSession,
  selection: Selection,
  { wanted, key }: SearchRequest,
  { name, indexes, byUid }: { name: 'SEARCH' | 'SORT'; indexes: readonly number[]; byUid: boolean },
): void {
  const answer = { tag: session.tag, byUid, indexes, showsModSeq: asksModSeq(key) }
  if (!wanted) session.send(searchResponse(selection, name, answer))
  else if (!saveResult(selection, wanted, indexes)) session.send(esearchResponse(selection, wanted, answer))
}

interface ThreadRequest extends SearchCriteria {
  readonly algorithm: ThreadAlgorithm
}

/** THREAD algorithm charset search-keys. RFC 5256 section 3. */
export const thread = defineMessageCommand({
  name: 'THREAD',
  updates: 'no-expunge',
  parse(cursor, session): ThreadRequest {
    cursor.space()
    const algorithm = cursor.keyword()
    if (!Object.hasOwn(threadAlgorithms, algorithm)) throw bad(`Unknown threading algorithm ${algorithm}.`)
    cursor.space()
    return { algorithm: algorithm as ThreadAlgorithm, ...charsetProgram(cursor, session) }
  },
  async run(session, { selection }, request, byUid) {
    if (asksModSeq(request.key)) enableCondstore(session)
    await showNew(session, selection)
    const threads = await withProgress(session, async (progress) => {
      const found = await findMessages(session, selection, request, progress)
      const messages = await threadables(session, selection, found, byUid)
      return runInSlices(threadForm(await runInSlices(threadAlgorithms[request.algorithm](messages))))
    })
    session.send(`* THREAD${threads === '' ? '' : ` ${threads}`}\r\n`)
    return ok()
  },
})
