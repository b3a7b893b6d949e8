import { isSliceOver, nextSlice, runInSlices, runToEnd, type Steps } from '../../../src/common/time-slice.ts'
import { dayAsWritten, parseZonedDate } from '../../../src/mail/dates.ts'
import type { ParseCache, ParsedMessage } from '../../../src/mail/parse-cache.ts'
import { fold } from '../../../src/mail/search-text.ts'
import type { MessageEntry } from '../../../src/store/types.ts'
import { ContentReader, type MessageContent, parseCacheOf } from '../fetch/content.ts'
import { gmailId } from '../gmail/ids.ts'
import { findLabels, hasLabel } from '../gmail/labels.ts'
import { rawQuery } from '../gmail/raw-query.ts'
import type { Progress } from '../progress.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import { findThreadIds } from '../thread-ids.ts'
import { asksLabels, asksThreadId, type SearchKey, withoutRaw } from '../wire/search-keys.ts'
import type { SearchCriteria, TextDecoding } from '../wire/search-request.ts'
import { HIGHEST, memberOf, type SequenceSet } from '../wire/sequence-set.ts'

/** Work between two checks of the time slice: octets that are searched, times the number of text keys. */
const WORK_PER_CHECK = 128 * 1024
/** A message with more work is tested in steps. */
const MAX_SHORT_WORK = 256 * 1024
/** Work of a key that searches no text. */
const KEY_WORK = 16

/** Returns the indexes of the messages that match, ascending. @param among the messages to test; default: all */
export async function findMessages(
  session: ImapSession,
  selection: Selection,
  { key: given, decode }: SearchCriteria,
  progress: Progress = {},
  among?: readonly number[],
): Promise<number[]> {
  const key = session.words?.hasLabels ? withoutRaw(given, rawQuery) : given
  if (asksLabels(key) && session.state.name === 'selected') {
    selection.labels = await findLabels(session, session.state.identity.owner)
  }
  if (asksThreadId(key)) await findThreadIds(session, selection, among ?? selection.messages.keys())
  const { clock } = session.context
  const test = testOf(key, { selection, decode, cache: parseCacheOf(session), now: clock.now() })
  const { keys, textKeys } = countKeys(key)
  const contents = new ContentReader(session, selection)
  const found: number[] = []
  const keyWork = keys * KEY_WORK
  let work = 0
  const count = among?.length ?? selection.messages.length
  progress.goal = count
  for (let at = 0; at < count; at++) {
    progress.done = at
    const index = among ? (among[at] as number) : at
    const entry = selection.messages[index] as MessageEntry
    const textWork = textKeys * entry.sizeOctets
    const isShort = textWork <= MAX_SHORT_WORK
    let matches = isShort ? test.now({ index, entry }) : await runInSlices(inSteps(test, { index, entry }))
    if (matches === undefined) {
      const content = await contents.read(entry)
      if (!content) continue
      matches = isShort
        ? test.now({ index, entry, content })
        : await runInSlices(inSteps(test, { index, entry, content }))
    }
    if (matches) found.push(index)
    work += keyWork + textWork
    if (work < WORK_PER_CHECK) continue
    work = 0
    if (isSliceOver()) await nextSlice()
  }
  return found
}

/** Returns the messages that a search by numbers names. Tests of other kinds are not made: they may need content. */
export function candidates(selection: Selection, { key }: SearchCriteria): number[] {
  const keys = key.kind === 'and' ? key.keys : [key]
  const tests = keys.flatMap((one) => {
    if (one.kind === 'numbers') return [numbersTest(one.set, one.byUid, selection)]
    return one.kind === 'uids' ? [uidsTest(one)] : []
  })
  return Array.from(selection.messages.keys()).filter((index) => {
    const candidate = { index, entry: selection.messages[index] as MessageEntry }
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
  const named = selection.messages.filter((entry, index) => test.now({ index, entry }))
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

const isTextKey = (key: SearchKey): key is TextKey =>
  key.kind === 'header' || key.kind === 'body' || key.kind === 'text'

/** A message to test. Its content is read only if a test needs it. */
interface Candidate {
  readonly index: number
  readonly entry: MessageEntry
  readonly content?: MessageContent
}

/** Whether a message matches; undefined if that cannot be decided without its content. */
type Result = boolean | undefined

/** A compiled key. Both functions have the same result. `steps`, if the test has it, is for messages that take long. */
interface Test {
  readonly now: (candidate: Candidate) => Result
  readonly steps?: (candidate: Candidate) => Steps<Result>
}

/** Returns the result of a test for a message that may take long. */
function* inSteps(test: Test, candidate: Candidate): Steps<Result> {
  yield
  return test.steps ? yield* test.steps(candidate) : test.now(candidate)
}

interface TestContext {
  readonly selection: Selection
  readonly decode: TextDecoding
  /** Cached texts can decide before a message's octets are read. */
  readonly cache: ParseCache
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Compiles a search key into a test. RFC 9051 section 6.4.4. */
function testOf(key: SearchKey, context: TestContext): Test {
  switch (key.kind) {
    case 'all':
      return quick(() => true)
    case 'none':
      return quick(() => false)
    case 'recent':
      return quick(({ entry }) => context.selection.recent.has(entry.uid))
    case 'flag':
      return flagTest(key.flag)
    case 'numbers':
      return numbersTest(key.set, key.byUid, context.selection)
    case 'uids':
      return uidsTest(key)
    case 'date':
      return dateTest(key)
    case 'age':
      return ageTest(key.older, context.now - key.seconds * 1000)
    case 'size':
      return quick(({ entry: { sizeOctets } }) => (key.larger ? sizeOctets > key.octets : sizeOctets < key.octets))
    case 'modseq':
      return quick(({ entry }) => entry.modSeq >= key.modSeq)
    case 'emailid':
      return quick(({ entry }) => entry.blob === key.id)
    case 'gm-msgid':
      return quick(({ entry }) => gmailId(entry.blob) === key.id)
    case 'gm-thrid':
      return quick(({ entry: { uid, blob } }) => gmailId(context.selection.threadIds.get(uid) ?? blob) === key.id)
    case 'gm-label':
      return quick(({ entry }) => hasLabel(context.selection, entry, key.label))
    case 'gm-raw':
      return quick(() => false)
    case 'threadid':
      return quick(({ entry }) => context.selection.threadIds.get(entry.uid) === key.id)
    case 'header':
    case 'body':
    case 'text':
      return textTest(key, fold(context.decode(key.text)), context.cache)
    case 'not':
      return not(testOf(key.key, context))
    case 'and':
      return combined(
        key.keys.map((inner) => testOf(inner, context)),
        false,
      )
    case 'or':
      return combined(
        key.keys.map((inner) => testOf(inner, context)),
        true,
      )
  }
}

/** Returns a test that never takes long. */
const quick = (now: Test['now']): Test => ({ now })

function flagTest(flag: string): Test {
  if (flag.startsWith('\\')) return quick(({ entry }) => entry.flags.includes(flag))
  const lower = flag.toLowerCase() // keywords are case-insensitive. RFC 9051 section 2.3.2
  return quick(({ entry }) => entry.flags.some((other) => other.toLowerCase() === lower))
}

/** Tests sequence numbers or uids. Numbers after the last message match nothing. */
function numbersTest(set: SequenceSet, byUid: boolean, selection: Selection): Test {
  if (set === 'saved') {
    const saved = new Set(selection.saved)
    return quick(({ entry }) => saved.has(entry.uid))
  }
  const last = byUid ? (selection.messages.at(-1)?.uid ?? 0) : selection.messages.length
  const resolve = (number: number): number => (number === HIGHEST ? last : number)
  const ranges = set.map(({ from, to }) => {
    const [one, other] = [resolve(from), resolve(to)]
    return one <= other ? { from: one, to: other } : { from: other, to: one }
  })
  const isMember = memberOf(ranges)
  return quick(({ index, entry }) => isMember(byUid ? entry.uid : index + 1))
}

/** Tests UIDAFTER and UIDBEFORE. RFC 9738 section 3.2. */
const uidsTest = ({ from, to }: Extract<SearchKey, { kind: 'uids' }>): Test =>
  quick(({ entry: { uid } }) => uid >= from && uid <= to)

function dateTest({ clock, from, to }: Extract<SearchKey, { kind: 'date' }>): Test {
  if (clock === 'internal') return quick(({ entry }) => entry.internalDate >= from && entry.internalDate < to)
  if (clock === 'saved') return quick(({ entry }) => entry.savedAt >= from && entry.savedAt < to)
  return quick(({ content }) => {
    if (!content) return undefined
    const value = content.header('date')
    const sent = value === undefined ? undefined : parseZonedDate(value)
    if (!sent) return false
    const day = dayAsWritten(sent) // RFC 9051 section 6.4.4: disregarding time and timezone
    return day >= from && day < to
  })
}

/** Tests the age of a message. RFC 5032 section 3. */
function ageTest(older: boolean, at: number): Test {
  return quick(({ entry }) => (older ? entry.internalDate <= at : entry.internalDate >= at))
}

type TextKey = Extract<SearchKey, { kind: 'header' | 'body' | 'text' }>

function textTest(key: TextKey, needle: string, cache: ParseCache): Test {
  const keptTest = keptTextTest(key, needle)
  const search = ({ raw, parsed }: MessageContent): Steps<boolean> => {
    if (key.kind === 'header') return parsed.headerContains(raw, key.name, needle)
    return key.kind === 'body' ? parsed.bodyContains(raw, needle) : parsed.textContains(raw, needle)
  }
  return {
    now({ entry, content }) {
      const parsed = content ? content.parsed : cache.peek(entry.blob)
      const known = parsed && keptTest(parsed)
      if (known !== undefined || !content) return known
      return runToEnd(search(content))
    },
    *steps({ entry, content }) {
      if (content) return yield* search(content)
      const text = cache.peek(entry.blob)?.search
      if (key.kind === 'header' || !text?.holds(key.kind)) return undefined
      return yield* key.kind === 'body' ? text.bodyContains(undefined, needle) : text.textContains(undefined, needle)
    },
  }
}

/** Returns the test on kept texts only; its result is undefined if they cannot decide. */
function keptTextTest(key: TextKey, needle: string): (parsed: ParsedMessage) => Result {
  if (key.kind === 'header') {
    const nameLower = key.name.toLowerCase()
    return ({ search, fields }) => search.headerHeld(fields, nameLower, needle)
  }
  return key.kind === 'body' ? ({ search }) => search.bodyHeld(needle) : ({ search }) => search.textHeld(needle)
}

function not(test: Test): Test {
  const opposite = (matches: Result): Result => (matches === undefined ? undefined : !matches)
  return {
    now: (candidate) => opposite(test.now(candidate)),
    *steps(candidate) {
      return opposite(yield* inSteps(test, candidate))
    },
  }
}

/** Combines tests: the first false decides `and`, the first true decides `or`. Undefined if the rest needs content. */
function combined(tests: readonly Test[], decisive: boolean): Test {
  return {
    now(candidate) {
      let result: Result = !decisive
      for (const test of tests) {
        const matches = test.now(candidate)
        if (matches === decisive) return decisive
        if (matches === undefined) result = undefined
      }
      return result
    },
    *steps(candidate) {
      let result: Result = !decisive
      for (const test of tests) {
        const matches = yield* inSteps(test, candidate)
        if (matches === decisive) return decisive
        if (matches === undefined) result = undefined
      }
      return result
    },
  }
}
