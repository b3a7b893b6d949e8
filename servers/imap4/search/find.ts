import { TimeSlice } from '../../../src/common/time-slice.ts'
import { dayAsWritten, parseZonedDate } from '../../../src/mail/dates.ts'
import { headerValue } from '../../../src/mail/headers.ts'
import type { ParseCache, ParsedMessage } from '../../../src/mail/parse-cache.ts'
import { fold } from '../../../src/mail/search-text.ts'
import type { MessageEntry } from '../../../src/store/types.ts'
import { type Content, ContentReader, parseCacheOf } from '../fetch/content.ts'
import type { Selection } from '../selection.ts'
import type { Session } from '../session.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import type { SearchCriteria, TextDecoding } from '../wire/search-request.ts'
import { HIGHEST, type SequenceSet } from '../wire/sequence-set.ts'

/** Messages between looks at the time. */
const BETWEEN_LOOKS = 16

/** The indexes of the messages that are what is looked for, ascending. */
export async function findMessages(
  session: Session,
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
    let held = test({ index, entry })
    if (held === undefined) {
      const content = await contents.read(entry)
      held = content !== undefined && test({ index, entry, content })
    }
    if (index % BETWEEN_LOOKS === 0 && timeSlice.isOver()) await timeSlice.yield()
    if (held) found.push(index)
  }
  return found
}

/** A message being looked at; its content only once some test has asked for it. */
export interface Candidate {
  readonly index: number
  readonly entry: MessageEntry
  readonly content?: Content
}

/** Whether the message is what is looked for; undefined where that cannot be told without its content. */
export type Test = (candidate: Candidate) => boolean | undefined

export interface TestContext {
  readonly selection: Selection
  readonly decode: TextDecoding
  /** What is held of the messages' texts answers before their octets are read. */
  readonly cache: ParseCache
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** Makes a search key into a test, doing once what need not be done for each message. RFC 9051 section 6.4.4. */
export function testOf(key: SearchKey, context: TestContext): Test {
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
      return every(
        key.keys.map((inner) => testOf(inner, context)),
        false,
      )
    case 'or':
      return every(
        key.keys.map((inner) => testOf(inner, context)),
        true,
      )
  }
}

function flagTest(flag: string): Test {
  if (flag.startsWith('\\')) return ({ entry }) => entry.flags.includes(flag)
  const lower = flag.toLowerCase() // keywords have no case. RFC 9051 section 2.3.2
  return ({ entry }) => entry.flags.some((other) => other.toLowerCase() === lower)
}

/** Numbers beyond the last message name nothing. */
function numbersTest(set: SequenceSet, byUid: boolean, selection: Selection): Test {
  if (set === 'saved') {
    const saved = new Set(selection.saved)
    return ({ entry }) => saved.has(entry.uid)
  }
  const last = byUid ? (selection.messages.at(-1)?.uid ?? 0) : selection.messages.length
  const real = (number: number): number => (number === HIGHEST ? last : number)
  const ranges = set.map(({ from, to }) => {
    const [one, other] = [real(from), real(to)]
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
    const value = headerValue(content.raw, content.parsed.fieldsOf(content.raw), 'date')
    const sent = value === undefined ? undefined : parseZonedDate(value)
    if (!sent) return false
    const day = dayAsWritten(sent) // RFC 9051 section 6.4.4: disregarding time and timezone
    return day >= from && day < to
  }
}

/** RFC 5032 section 3. */
function ageTest(older: boolean, at: number): Test {
  return ({ entry }) => (older ? entry.internalDate <= at : entry.internalDate >= at)
}

type TextKey = Extract<SearchKey, { kind: 'header' | 'body' | 'text' }>

function textTest(key: TextKey, needle: string, cache: ParseCache): Test {
  const held = heldTest(key, needle)
  return ({ entry, content }) => {
    const parsed = content ? content.parsed : cache.peek(entry.blob)
    const known = parsed && held(parsed)
    if (known !== undefined || !content) return known
    if (key.kind === 'header') return content.parsed.headerContains(content.raw, key.name, needle)
    if (key.kind === 'body') return content.parsed.bodyContains(content.raw, needle)
    return content.parsed.textContains(content.raw, needle)
  }
}

/** The same from what is held already. */
function heldTest(key: TextKey, needle: string): (parsed: ParsedMessage) => boolean | undefined {
  if (key.kind === 'header') {
    const nameLower = key.name.toLowerCase()
    return ({ search, fields }) => search.headerHeld(fields, nameLower, needle)
  }
  return key.kind === 'body' ? ({ search }) => search.bodyHeld(needle) : ({ search }) => search.textHeld(needle)
}

function not(test: Test): Test {
  return (candidate) => {
    const held = test(candidate)
    return held === undefined ? undefined : !held
  }
}

/** `and` decides on the first false, `or` on the first true; what needs content waits until all others were asked. */
function every(tests: readonly Test[], decisive: boolean): Test {
  return (candidate) => {
    let result: boolean | undefined = !decisive
    for (const test of tests) {
      const held = test(candidate)
      if (held === decisive) return decisive
      if (held === undefined) result = undefined
    }
    return result
  }
}
