import { threadForm } from '../../../src/mail/threading.ts'
import { defineCommand } from '../command.ts'
import { bad, done } from '../reply.ts'
import { findMessages } from '../search/find.ts'
import { type ThreadAlgorithm, threadAlgorithms, threadables } from '../search/thread.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import { selected } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'
import { charsetProgram, type SearchCriteria } from '../wire/search-request.ts'

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
