import { TimeSlice } from '../../../src/common/time-slice.ts'
import { dayAsWritten, parseZonedDate } from '../../../src/mail/dates.ts'
import type { ParseCache, ParsedMessage } from '../../../src/mail/parse-cache.ts'
import { fold } from '../../../src/mail/search-text.ts'
import type { MessageEntry } from '../../../src/store/types.ts'
import { ContentReader, type MessageContent, parseCacheOf } from '../fetch/content.ts'
import type { Selection } from '../selection.ts'
import type { ImapSession } from '../state.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import type { SearchCriteria, TextDecoding } from '../wire/search-request.ts'
import { HIGHEST, type SequenceSet } from '../wire/sequence-set.ts'

/** Messages tested between two checks of the time slice. */
const MESSAGES_PER_CHECK = 16

/** Returns the indexes of the messages that match, ascending. */
export async function findMessages(
  session: ImapSession,
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
    let matches = test({ index, entry })
    if (matches === undefined) {
      const content = await contents.read(entry)
      matches = content !== undefined && test({ index, entry, content })
    }
    if (index % MESSAGES_PER_CHECK === 0 && timeSlice.isOver()) await timeSlice.yield()
    if (matches) found.push(index)
  }
  return found
}

/** A message to test. Its content is read only if a test needs it. */
interface Candidate {
  readonly index: number
  readonly entry: MessageEntry
  readonly content?: MessageContent
}

/** Returns whether a message matches; undefined if that cannot be decided without its content. */
type Test = (candidate: Candidate) => boolean | undefined

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
      return () => true
    case 'none':
      return () => false
    case 'recent':
      return ({ entry }) => context.selection.recent.has(entry.uid)
    case 'flag':
      return flagTest(key.flag)
    case 'numbers':
      return numbersTest(key.set, key.byUid, context.selection)
    case 'date':
      return dateTest(key)
    case 'age':
      return ageTest(key.older, context.now - key.seconds * 1000)
    case 'size':
      return ({ entry: { sizeOctets } }) => (key.larger ? sizeOctets > key.octets : sizeOctets < key.octets)
    case 'modseq':
      return ({ entry }) => entry.modSeq >= key.modSeq
    case 'emailid':
      return ({ entry }) => entry.blob === key.id
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

function flagTest(flag: string): Test {
  if (flag.startsWith('\\')) return ({ entry }) => entry.flags.includes(flag)
  const lower = flag.toLowerCase() // keywords are case-insensitive. RFC 9051 section 2.3.2
  return ({ entry }) => entry.flags.some((other) => other.toLowerCase() === lower)
}

/** Tests sequence numbers or uids. Numbers after the last message match nothing. */
function numbersTest(set: SequenceSet, byUid: boolean, selection: Selection): Test {
  if (set === 'saved') {
    const saved = new Set(selection.saved)
    return ({ entry }) => saved.has(entry.uid)
  }
  const last = byUid ? (selection.messages.at(-1)?.uid ?? 0) : selection.messages.length
  const resolve = (number: number): number => (number === HIGHEST ? last : number)
  const ranges = set.map(({ from, to }) => {
    const [one, other] = [resolve(from), resolve(to)]
    return one <= other ? { from: one, to: other } : { from: other, to: one }
  })
  return ({ index, entry }) => {
    const number = byUid ? entry.uid : index + 1
    return ranges.some(({ from, to }) => number >= from && number <= to)
  }
}

function dateTest({ clock, from, to }: Extract<SearchKey, { kind: 'date' }>): Test {
  if (clock === 'internal') return ({ entry }) => entry.internalDate >= from && entry.internalDate < to
  if (clock === 'saved') return ({ entry }) => entry.savedAt >= from && entry.savedAt < to
  return ({ content }) => {
    if (!content) return undefined
    const value = content.header('date')
    const sent = value === undefined ? undefined : parseZonedDate(value)
    if (!sent) return false
    const day = dayAsWritten(sent) // RFC 9051 section 6.4.4: disregarding time and timezone
    return day >= from && day < to
  }
}

/** Tests the age of a message. RFC 5032 section 3. */
function ageTest(older: boolean, at: number): Test {
  return ({ entry }) => (older ? entry.internalDate <= at : entry.internalDate >= at)
}

type TextKey = Extract<SearchKey, { kind: 'header' | 'body' | 'text' }>

function textTest(key: TextKey, needle: string, cache: ParseCache): Test {
  const cachedTest = cachedTextTest(key, needle)
  return ({ entry, content }) => {
    const parsed = content ? content.parsed : cache.peek(entry.blob)
    const known = parsed && cachedTest(parsed)
    if (known !== undefined || !content) return known
    if (key.kind === 'header') return content.parsed.headerContains(content.raw, key.name, needle)
    if (key.kind === 'body') return content.parsed.bodyContains(content.raw, needle)
    return content.parsed.textContains(content.raw, needle)
  }
}

/** Returns the test on cached texts only; its result is undefined if they cannot decide. */
function cachedTextTest(key: TextKey, needle: string): (parsed: ParsedMessage) => boolean | undefined {
  if (key.kind === 'header') {
    const nameLower = key.name.toLowerCase()
    return ({ search, fields }) => search.headerHeld(fields, nameLower, needle)
  }
  return key.kind === 'body' ? ({ search }) => search.bodyHeld(needle) : ({ search }) => search.textHeld(needle)
}

function not(test: Test): Test {
  return (candidate) => {
    const matches = test(candidate)
    return matches === undefined ? undefined : !matches
  }
}

/** Combines tests: the first false decides `and`, the first true decides `or`. Undefined if the rest needs content. */
function combined(tests: readonly Test[], decisive: boolean): Test {
  return (candidate) => {
    let result: boolean | undefined = !decisive
    for (const test of tests) {
      const matches = test(candidate)
      if (matches === decisive) return decisive
      if (matches === undefined) result = undefined
    }
    return result
  }
}
