import { runToEnd, type Steps } from '../../../src/core/time/time-slice.ts'
import { dayAsWritten, parseZonedDate } from '../../../src/mail/format/dates.ts'
import type { ParseCache, ParsedMessage } from '../../../src/mail/format/parse-cache.ts'
import { foldText } from '../../../src/mail/format/search-text.ts'
import type { MessageEntry } from '../../../src/storage/store/message-entry.ts'
import { gmailId } from '../../../src/storage/store/views/gmail/ids.ts'
import type { MessageContent } from '../fetch/content.ts'
import { hasLabel } from '../gmail/labels.ts'
import type { Selection } from '../selection.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import type { TextDecoding } from '../wire/search-request.ts'
import { HIGHEST, memberOf, type SequenceSet } from '../wire/sequence-set.ts'

export const isTextKey = (key: SearchKey): key is TextKey =>
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
export function* runTest(test: Test, candidate: Candidate): Steps<Result> {
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
export function testOf(key: SearchKey, context: TestContext): Test {
  switch (key.kind) {
    case 'all':
      return quickTest(() => true)
    case 'none':
      return quickTest(() => false)
    case 'recent':
      return quickTest(({ entry }) => context.selection.recent.has(entry.uid))
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
      return quickTest(({ entry: { sizeOctets } }) => (key.larger ? sizeOctets > key.octets : sizeOctets < key.octets))
    case 'modseq':
      return quickTest(({ entry }) => entry.modSeq >= key.modSeq)
    case 'emailid':
      return quickTest(({ entry }) => entry.blob === key.id)
    case 'gm-msgid':
      return quickTest(({ entry }) => gmailId(entry.blob) === key.id)
    case 'gm-thrid':
      return quickTest(({ entry: { uid, blob } }) => gmailId(context.selection.threadIds.get(uid) ?? blob) === key.id)
    case 'gm-label':
      return quickTest(({ entry }) => hasLabel(context.selection, entry, key.label))
    case 'gm-raw':
      return quickTest(() => false)
    case 'threadid':
      return quickTest(({ entry }) => context.selection.threadIds.get(entry.uid) === key.id)
    case 'header':
    case 'body':
    case 'text':
      return textTest(key, foldText(context.decode(key.text)), context.cache)
    case 'not':
      return not(testOf(key.key, context))
    case 'and':
      return combineTests(
        key.keys.map((inner) => testOf(inner, context)),
        false,
      )
    case 'or':
      return combineTests(
        key.keys.map((inner) => testOf(inner, context)),
        true,
      )
  }
}

/** Returns a test that never takes long. */
const quickTest = (now: Test['now']): Test => ({ now })

function flagTest(flag: string): Test {
  if (flag.startsWith('\\')) return quickTest(({ entry }) => entry.flags.includes(flag))
  const lower = flag.toLowerCase() // keywords are case-insensitive. RFC 9051 section 2.3.2
  return quickTest(({ entry }) => entry.flags.some((other) => other.toLowerCase() === lower))
}

/** Tests sequence numbers or uids. Numbers after the last message match nothing. */
export function numbersTest(set: SequenceSet, byUid: boolean, selection: Selection): Test {
  if (set === 'saved') {
    const saved = new Set(selection.saved)
    return quickTest(({ entry }) => saved.has(entry.uid))
  }
  const last = byUid ? (selection.messages.at(-1)?.uid ?? 0) : selection.messages.length
  const resolve = (number: number): number => (number === HIGHEST ? last : number)
  const ranges = set.map(({ from, to }) => {
    const [one, other] = [resolve(from), resolve(to)]
    return one <= other ? { from: one, to: other } : { from: other, to: one }
  })
  const isMember = memberOf(ranges)
  return quickTest(({ index, entry }) => isMember(byUid ? entry.uid : index + 1))
}

/** Tests UIDAFTER and UIDBEFORE. RFC 9738 section 3.2. */
export const uidsTest = ({ from, to }: Extract<SearchKey, { kind: 'uids' }>): Test =>
  quickTest(({ entry: { uid } }) => uid >= from && uid <= to)

function dateTest({ clock, from, to }: Extract<SearchKey, { kind: 'date' }>): Test {
  if (clock === 'internal') return quickTest(({ entry }) => entry.internalDate >= from && entry.internalDate < to)
  if (clock === 'saved') return quickTest(({ entry }) => entry.savedAt >= from && entry.savedAt < to)
  return quickTest(({ content }) => {
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
  return quickTest(({ entry }) => (older ? entry.internalDate <= at : entry.internalDate >= at))
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
      return opposite(yield* runTest(test, candidate))
    },
  }
}

/** Combines tests: the first false decides `and`, the first true decides `or`. Undefined if the rest needs content. */
function combineTests(tests: readonly Test[], decisive: boolean): Test {
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
        const matches = yield* runTest(test, candidate)
        if (matches === decisive) return decisive
        if (matches === undefined) result = undefined
      }
      return result
    },
  }
}
