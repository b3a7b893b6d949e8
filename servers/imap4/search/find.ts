import { isSliceOver, nextSlice, runInSlices } from '../../../src/core/time/time-slice.ts'
import { GmailQueryError, gmailQuery } from '../../../src/mail/format/gmail-query.ts'
import type { OctetString } from '../../../src/mail/format/types.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import { MessageReader, parseCacheOf, sourceOf } from '../fetch/content.ts'
import { findLabels } from '../gmail/labels.ts'
import type { Progress } from '../progress.ts'
import { bad } from '../reply.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import { findThreadIds } from '../thread-ids.ts'
import { asksLabels, asksThreadId, type SearchKey, withoutRaw } from '../wire/search-keys.ts'
import type { SearchCriteria } from '../wire/search-request.ts'
import { isTextKey, numbersTest, runTest, testOf, uidsTest } from './key-tests.ts'

/** Work between two checks of the time slice: octets that are searched, times the number of text keys. */
const WORK_PER_CHECK = 128 * 1024
/** A message with more work is tested in steps. */
const MAX_SHORT_WORK = 256 * 1024
/** Work of a key that searches no text. */
const KEY_WORK = 16
/** Messages that are tested without their contents before the contents of the others are read. */
const CHUNK_MESSAGES = 512

/** Returns the indexes of the messages that match, ascending. @param given the messages to test; default: all */
export async function findMessages(
  session: ImapSession,
  selection: Selection,
  { key: asked, decode }: SearchCriteria,
  progress: Progress = {},
  given?: readonly number[],
): Promise<number[]> {
  const key = session.words?.hasLabels ? withoutRaw(asked, rawQuery) : asked
  const among = given ?? flaggedIndexes(selection, key)
  if (asksLabels(key) && session.state.name === 'selected') {
    selection.labels = await findLabels(session, session.state.identity.owner)
  }
  if (asksThreadId(key)) await findThreadIds(session, selection, among ?? allIndexes(selection))
  const { clock } = session.context
  const test = testOf(key, { selection, decode, cache: parseCacheOf(session), now: clock.now() })
  const { keys, textKeys } = countKeys(key)
  const keyWork = keys * KEY_WORK
  const found: number[] = []
  const count = among?.length ?? selection.messages.length
  progress.goal = count
  let work = 0
  for (let from = 0; from < count; from += CHUNK_MESSAGES) {
    progress.done = from
    const before = found.length
    const undecided: { readonly index: number; readonly entry: MessageEntry }[] = []
    const to = Math.min(count, from + CHUNK_MESSAGES)
    for (let at = from; at < to; at++) {
      const index = among ? (among[at] as number) : at
      const entry = selection.messages.at(index) as MessageEntry
      const textWork = textKeys * entry.sizeOctets
      const isShort = textWork <= MAX_SHORT_WORK
      const matches = isShort ? test.now({ index, entry }) : await runInSlices(runTest(test, { index, entry }))
      work += keyWork
      if (matches === undefined) undecided.push({ index, entry })
      else {
        if (matches) found.push(index)
        work += textWork
      }
      if (work < WORK_PER_CHECK) continue
      work = 0
      if (isSliceOver()) await nextSlice()
    }
    if (undecided.length === 0) continue
    const entries = undecided.map(({ entry }) => entry)
    using source = sourceOf(session, selection, entries)
    const contents = new MessageReader(session, selection, source)
    for (const { index, entry } of undecided) {
      progress.done++
      const content = await contents.read(entry)
      if (!content) continue
      const textWork = textKeys * entry.sizeOctets
      const candidate = { index, entry, content }
      const isShort = textWork <= MAX_SHORT_WORK
      if (isShort ? test.now(candidate) : await runInSlices(runTest(test, candidate))) found.push(index)
      work += textWork
      if (work < WORK_PER_CHECK) continue
      work = 0
      if (isSliceOver()) await nextSlice()
    }
    found.push(...found.splice(before).sort((a, b) => a - b))
  }
  return found
}

/** Translates X-GM-RAW. */
function rawQuery(query: OctetString): SearchKey {
  try {
    return gmailQuery(query)
  } catch (error) {
    throw error instanceof GmailQueryError ? bad(error.message) : error
  }
}

/** Returns the messages that may have a system flag that a key requires. Undefined: all may be found. */
function flaggedIndexes({ messages }: Selection, key: SearchKey): readonly number[] | undefined {
  for (const one of key.kind === 'and' ? key.keys : [key])
    if (one.kind === 'flag' && one.flag.startsWith('\\')) return [...messages.indexesWith(one.flag)]
  return undefined
}

const allIndexes = ({ messages }: Selection): number[] => Array.from({ length: messages.length }, (_, index) => index)

/** Returns the messages that a search by numbers names. Tests of other kinds are not made: they may need content. */
export function candidates(selection: Selection, { key }: SearchCriteria): number[] {
  const keys = key.kind === 'and' ? key.keys : [key]
  const tests = keys.flatMap((one) => {
    if (one.kind === 'numbers') return [numbersTest(one.set, one.byUid, selection)]
    return one.kind === 'uids' ? [uidsTest(one)] : []
  })
  return allIndexes(selection).filter((index) => {
    const candidate = { index, entry: selection.messages.at(index) as MessageEntry }
    return tests.every((test) => test.now(candidate))
  })
}

/**
 * Returns a key without sequence numbers and `$`: they mean the messages that they name when the command is received.
 * RFC 5267 section 4.3.
 */
export function withoutNumbers(key: SearchKey, selection: Selection): SearchKey {
  if (key.kind === 'not') return { kind: 'not', key: withoutNumbers(key.key, selection) }
  if (key.kind === 'and' || key.kind === 'or') {
    return { kind: key.kind, keys: key.keys.map((inner) => withoutNumbers(inner, selection)) }
  }
  if (key.kind !== 'numbers' || (key.byUid && key.set !== 'saved')) return key
  const test = numbersTest(key.set, key.byUid, selection)
  const named = Array.from(selection.messages).filter((entry, index) => test.now({ index, entry }))
  if (named.length === 0) return { kind: 'none' }
  return { kind: 'numbers', byUid: true, set: named.map(({ uid }) => ({ from: uid, to: uid })) }
}

function countKeys(key: SearchKey): { readonly keys: number; readonly textKeys: number } {
  if (key.kind === 'not') return countKeys(key.key)
  if (key.kind !== 'and' && key.kind !== 'or') return { keys: 1, textKeys: isTextKey(key) ? 1 : 0 }
  const counts = key.keys.map(countKeys)
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
  return { keys: sum(counts.map(({ keys }) => keys)), textKeys: sum(counts.map(({ textKeys }) => textKeys)) }
}
