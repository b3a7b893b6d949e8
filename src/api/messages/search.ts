import { nearestWord } from '../../core/config/nearest.ts'
import type { ReadableMessage } from '../../mail/format/readable.ts'
import { searchable } from '../../mail/format/search-text.ts'
import { accountOf, CAPTURED_OWNER, type Folder, PUBLIC_OWNER } from '../../storage/store/folder.ts'
import type { EntryTest } from '../../storage/store/selection.ts'
import { ApiProblem } from '../problem.ts'
import type { AddressField, MessageFacts, SearchTexts } from './message-facts.ts'
import type { IndexedMessage } from './message-index.ts'
import { parseSearchDate, parseSince } from './search-date.ts'
import { tagsOf } from './summary.ts'

/**
 * One condition of a search. `ofEntry` decides without reading the message, `ofFacts` with its facts, `ofMessage` with the
 * whole message. Exactly one of them is there.
 */
export interface Condition<Message = IndexedMessage> {
  /** The same for conditions that say the same. */
  readonly key: string
  readonly negated: boolean
  readonly ofEntry?: (message: Message) => boolean
  /** The same as `ofEntry`, if it depends on the folder only. */
  readonly ofFolder?: (folder: Folder) => boolean
  /** The same as `ofEntry`, as a store tests it. */
  readonly stored?: EntryTest | undefined
  /** A condition of a store that leaves out messages that do not meet it, but not all of them. */
  readonly hint?: EntryTest
  readonly ofFacts?: (known: KnownFacts<Message>) => boolean
  readonly ofMessage?: (known: KnownMessage<Message>) => boolean
}

/** A message with its facts. */
interface KnownFacts<Message = IndexedMessage> {
  readonly message: Message
  readonly facts: MessageFacts
  /** Returns the recipients of its envelope that the searcher sees. */
  readonly recipients: () => readonly string[]
}

/** A message that was read. */
interface KnownMessage<Message> extends KnownFacts<Message> {
  readonly read: ReadableMessage
}

/** A message with as much as a condition needs of it. */
export type Known<Message = IndexedMessage> = Pick<KnownFacts<Message>, 'message'> & Partial<KnownMessage<Message>>

/** Returns whether a message meets all conditions. */
export const meetsAll = <M>(conditions: readonly Condition<M>[], known: Known<M>): boolean =>
  conditions.every(({ ofEntry, ofFacts, ofMessage, negated }) => {
    const test =
      ofEntry?.(known.message) ?? ofFacts?.(known as KnownMessage<M>) ?? ofMessage?.(known as KnownMessage<M>)
    return test !== negated
  })

/** Returns the condition that a message meets all conditions of one of several lists. */
export function anyOf<M>(lists: readonly (readonly Condition<M>[])[]): Condition<M> {
  const all = lists.flat()
  const test = (known: Known<M>): boolean => lists.some((list) => meetsAll(list, known))
  const key = `(${lists.map((list) => list.map((one) => one.key).join(' ')).join(' | ')})`
  if (all.some(({ ofMessage }) => ofMessage)) return { key, negated: false, ofMessage: test }
  if (all.some(({ ofFacts }) => ofFacts)) return { key, negated: false, ofFacts: test }
  return { key, negated: false, ofEntry: (message) => test({ message }) }
}

/** Returns the condition that a message does not meet all of some conditions. */
export function notAll<M>(conditions: readonly Condition<M>[]): Condition<M> {
  const [first] = conditions
  const one = first && conditions.length === 1 ? first : anyOf([conditions])
  return { ...one, key: `!${one.key}`, negated: !one.negated }
}

/** Returns whether a folder meets the conditions that depend on it only. */
export const isOfFolder = (conditions: readonly Condition[], folder: Folder): boolean =>
  conditions.every(({ ofFolder, negated }) => !ofFolder || ofFolder(folder) !== negated)

/** Returns the conditions that a store can test. */
export const storedTests = (conditions: readonly Condition[]): EntryTest[] =>
  conditions.flatMap(({ stored, negated }) =>
    stored ? { ...stored, negated: (stored.negated ?? false) !== negated } : [],
  )

/** Returns conditions of a store that all messages meet which meet some conditions. */
export const hintsOf = (conditions: readonly Condition[]): EntryTest[] =>
  conditions.flatMap(({ hint, negated }) => (hint && !negated ? hint : []))

type Test = Omit<Condition, 'negated' | 'key'>

/** Returns the test of a header field, with a hint: no form of a header takes apart letters and digits of ASCII unseen. */
const withHeaderHint =
  (testOf: (value: string) => Test) =>
  (value: string): Test => {
    const runs = searchable(value).match(/[a-z0-9]+/g) ?? []
    const [longest] = runs.sort((a, b) => b.length - a.length)
    return { ...testOf(value), ...(longest !== undefined && { hint: { headerMayContain: longest } }) }
  }

const textsTest =
  (test: (texts: SearchTexts, value: string) => boolean) =>
  (value: string): Test => {
    const wanted = searchable(value)
    return { ofFacts: ({ facts }) => test(facts.search, wanted) }
  }

const addressesTest = (...names: readonly AddressField[]) =>
  withHeaderHint(
    textsTest(({ addresses }, value) => names.some((name) => addresses[name].some((one) => one.includes(value)))),
  )

const entryTest =
  (test: (message: IndexedMessage, value: string) => boolean) =>
  (value: string): Test => ({ ofEntry: (message) => test(message, value.toLowerCase()) })

const folderTest = (test: (folder: Folder) => boolean): Test => ({
  ofFolder: test,
  ofEntry: ({ folder }) => test(folder),
})

/** Also finds recipients of the envelope, such as those of Bcc. */
const addressesOrEnvelopeTest = (...names: readonly AddressField[]) => orOfRecipients(addressesTest(...names))

const orOfRecipients =
  (testOf: (value: string) => Test) =>
  (value: string): Test => {
    const { ofFacts, ...test } = testOf(value)
    const wanted = searchable(value)
    return { ...test, ofFacts: (known) => ofFacts?.(known) || hasRecipient(known, wanted) }
  }

const hasRecipient = ({ recipients }: KnownFacts, wanted: string): boolean =>
  recipients().some((address) => searchable(address).includes(wanted))

/** The words before a colon. The first group is Mailpit's syntax (https://mailpit.axllent.org/docs/usage/search-filters/). */
const fields: Readonly<Record<string, (value: string, timeZone: string) => Test>> = {
  from: addressesTest('from'),
  to: addressesTest('to'),
  cc: addressesTest('cc'),
  bcc: withHeaderHint((value) => {
    const isAddressed = addressesTest('to', 'cc')(value)
    const isBcc = addressesTest('bcc')(value)
    const wanted = searchable(value)
    return {
      // Recipients of the envelope that no field names.
      ofFacts: (known) => isBcc.ofFacts?.(known) || (!isAddressed.ofFacts?.(known) && hasRecipient(known, wanted)),
    }
  }),
  'reply-to': addressesTest('replyTo'),
  addressed: addressesOrEnvelopeTest('from', 'to', 'cc', 'bcc', 'replyTo'),
  subject: withHeaderHint(textsTest(({ subject }, value) => subject.includes(value))),
  'message-id': withHeaderHint(textsTest(({ messageId }, value) => messageId.includes(value))),
  tag: entryTest((message, value) => tagsOf(message.entry).some((tag) => tag.toLowerCase() === value)),
  is: (value) => choice('is', value, { read: isRead, unread: not(isRead), tagged: isTagged, flagged: isFlagged }),
  has: (value) =>
    choice('has', value, {
      attachment: hasAttachment,
      attachments: hasAttachment,
      inline: hasInline,
      inlines: hasInline,
    }),
  before: (value, zone) =>
    dateTest(
      'before',
      value,
      zone,
      (at, limit) => at < limit,
      (limit) => ({ below: Math.ceil(limit) }),
    ),
  after: (value, zone) =>
    dateTest(
      'after',
      value,
      zone,
      (at, limit) => at >= limit,
      (limit) => ({ from: Math.ceil(limit) }),
    ),
  on: (value, zone) =>
    dateTest(
      'on',
      value,
      zone,
      (at, limit) => at >= limit && at < limit + DAY_MS,
      (limit) => ({ from: Math.ceil(limit), below: Math.ceil(limit + DAY_MS) }),
    ),
  larger: (value) =>
    sizeTest(
      'larger',
      value,
      (size, limit) => size > limit,
      (limit) => ({ from: Math.floor(limit) + 1 }),
    ),
  smaller: (value) =>
    sizeTest(
      'smaller',
      value,
      (size, limit) => size < limit,
      (limit) => ({ below: Math.ceil(limit) }),
    ),

  folder: (value) => folderTest(({ name }) => name.toLowerCase() === value.toLowerCase()),
  account: (value) => folderTest((folder) => accountOf(folder)?.toLowerCase() === value.toLowerCase()),
  newsgroup: (value) =>
    folderTest(({ owner, name }) => owner === PUBLIC_OWNER && name.toLowerCase() === value.toLowerCase()),
  captured: (value) => choice('captured', value, { yes: isCaptured, no: not(isCaptured) }),
  articles: (value) => choice('articles', value, { yes: isArticle, no: not(isArticle) }),
  header: headerTest,
  'sent-by': (value) => ({ ofFacts: ({ facts }) => facts.sentBy?.provider === value.toLowerCase() }),
}

const hasFlag = (flag: string): Test => ({ ofEntry: ({ entry }) => entry.flags.includes(flag), stored: { flag } })
const isRead = hasFlag('\\Seen')
const isFlagged = hasFlag('\\Flagged')
const isTagged: Test = { ofEntry: ({ entry }) => tagsOf(entry).length > 0, stored: { has: 'keyword' } }
const isCaptured = folderTest(({ owner }) => owner === CAPTURED_OWNER)
const isArticle = folderTest(({ owner }) => owner === PUBLIC_OWNER)
const hasAttachment: Test = { ofFacts: ({ facts }) => facts.attachments > 0 }
const hasInline: Test = { ofFacts: ({ facts }) => facts.hasInline }

function not({ ofEntry: test, ofFolder: ofIts, stored }: Test): Test {
  return {
    ofEntry: (message) => !test?.(message),
    ...(ofIts && { ofFolder: (folder) => !ofIts(folder) }),
    ...(stored && { stored: { ...stored, negated: !stored.negated } }),
  }
}

function choice(field: string, value: string, choices: Readonly<Record<string, Test>>): Test {
  const found = Object.hasOwn(choices, value.toLowerCase()) ? choices[value.toLowerCase()] : undefined
  if (found) return found
  throw new ApiProblem(
    'bad-request',
    `query: ${field}:${value} is not known; write one of ${Object.keys(choices)
      .map((name) => `${field}:${name}`)
      .join(', ')}`,
  )
}

const DAY_MS = 86_400_000

type Compare = (value: number, limit: number) => boolean
/** Returns which whole numbers a comparison with a limit finds. */
type RangeOf = (limit: number) => { readonly from?: number; readonly below?: number }

/** Compares the date that a message has in its mailbox: an import keeps that of the file. */
function dateTest(field: string, value: string, zone: string, test: Compare, range: RangeOf): Test {
  const limit = parseSearchDate(value, zone)
  if (limit === undefined) {
    throw new ApiProblem('bad-request', `query: ${field}:${value} is not a date; write it as ${field}:2026-11-25`)
  }
  return {
    ofEntry: ({ entry }) => test(entry.internalDate, limit),
    stored: { number: 'internalDate', ...range(limit) },
  }
}

/**
 * Returns the condition that the lab received a message at or after a time, whatever date an import gave the message.
 * @throws ApiProblem `bad-request`
 */
export function receivedSince(since: string): Condition {
  const limit = parseSince(since)
  return withKey(
    'since',
    since,
    {},
    {
      ofEntry: ({ entry }) => entry.savedAt >= limit,
      stored: { number: 'savedAt', from: Math.ceil(limit) },
    },
  )
}

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1024, kb: 1024, m: 1024 ** 2, mb: 1024 ** 2 }

function sizeTest(field: string, value: string, test: Compare, range: RangeOf): Test {
  const match = /^(\d+(?:\.\d+)?)(|b|k|kb|m|mb)$/i.exec(value)
  if (!match) throw new ApiProblem('bad-request', `query: ${field}:${value} is not a size; write it as ${field}:100k`)
  const limit = Number(match[1]) * (UNITS[(match[2] ?? '').toLowerCase()] ?? 1)
  return { ofEntry: ({ entry }) => test(entry.sizeOctets, limit), stored: { number: 'sizeOctets', ...range(limit) } }
}

/** `header:NAME:value`, or `header:NAME` for a message that has the field. */
function headerTest(value: string): Test {
  const [name = '', ...rest] = value.split(':')
  const text = rest.join(':')
  const wanted = searchable(text)
  return {
    ofMessage: ({ read }) => {
      const found = read.headers.get(name.toLowerCase())
      // Punctuation alone is compared as it is.
      return found !== undefined && (wanted === '' ? found.includes(text) : searchable(found).includes(wanted))
    },
  }
}

/** Conditions of one search. Each is tested with every message. */
const MAX_CONDITIONS = 100

/** A word, with an optional `-` or `!` before it, and an optional field. Quotes hold words together. */
const TERM = /([-!]?)(?:([a-z-]+):)?(?:"((?:[^"\\]|\\.)*)"?|(\S+))/giy

/**
 * Parses a search: all conditions must hold. Words without a field are searched in subject, addresses, recipients, file
 * names, text and link targets.
 * @param timeZone that of dates without one, such as `Pacific/Auckland`
 * @param isLenient whether mistakes are tolerated as Mailpit does: conditions with a date of an unknown form are left out, and
 * a misspelt field is a word
 * @throws ApiProblem `bad-request`
 */
export function parseQuery(query: string, timeZone = 'UTC', isLenient = false): Condition[] {
  const conditions: Condition[] = []
  for (let at = skipSpace(query, 0); at < query.length; at = skipSpace(query, at)) {
    TERM.lastIndex = at
    const match = TERM.exec(query)
    if (!match) break
    at = TERM.lastIndex
    const [, , field = '', quoted, plain = ''] = match
    const isDate = /^(?:before|after|on)$/i.test(field)
    if (isLenient && isDate && parseSearchDate(quoted ?? plain, timeZone) === undefined) continue
    if (!isLenient) assertSpelling(field, match[0])
    conditions.push(conditionOfTerm(match, timeZone))
    if (conditions.length > MAX_CONDITIONS) {
      throw new ApiProblem('bad-request', `query: has more than ${MAX_CONDITIONS} conditions`)
    }
  }
  return conditions
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && /\s/.test(text[at] as string)) at++
  return at
}

function conditionOfTerm([, sign, field = '', quoted, plain = '']: RegExpExecArray, timeZone: string): Condition {
  const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain
  const how = { negated: sign !== '', timeZone }
  // A word such as https://… or Re: has no field.
  return isField(field)
    ? conditionOn(field, value, how)
    : wordsCondition(field === '' ? value : `${field}:${value}`, how)
}

/** Refuses a word before a colon that is almost a field. Others are text, such as https://… or localhost:8025. */
function assertSpelling(name: string, term: string): void {
  const known = Object.keys(fields)
  // A drive such as C:\ has one letter.
  const near = name.length > 1 && !isField(name) ? nearestWord(name, known) : undefined
  if (near === undefined) return
  const names = known.map((one) => `${one}:`).join(' ')
  const literally = `"${term.replaceAll('"', '')}"`
  throw new ApiProblem(
    'bad-request',
    `query: ${name}: is not a field; did you mean ${near}:? Fields are ${names}; quote the words to search for them: ${literally}`,
  )
}

/** How a condition is read. `timeZone` is that of dates without one. */
interface Reading {
  readonly negated?: boolean
  readonly timeZone?: string
}

const isField = (name: string): boolean => Object.hasOwn(fields, name.toLowerCase())

/**
 * Returns the condition that a field of a message has a value, which may be any text.
 * @param field one of `searchFields`, in any case
 * @throws ApiProblem `bad-request` for a value that the field cannot have
 */
export function conditionOn(field: string, value: string, how: Reading = {}): Condition {
  const name = field.toLowerCase()
  const testOf = fields[name] as (typeof fields)[string]
  return withKey(name, value, how, testOf(value, how.timeZone ?? 'UTC'))
}

/** Returns the condition that some words occur together in subject, addresses, file names or text. */
export const wordsCondition = (words: string, how: Reading = {}): Condition =>
  withKey('', words, how, orOfRecipients(textsTest(({ all }, wanted) => all.includes(wanted)))(words))

/** Returns a condition with its key. A value of punctuation only matches no message, even if it is negated. */
function withKey(name: string, value: string, { negated = false, timeZone = 'UTC' }: Reading, test: Test): Condition {
  const key = JSON.stringify([negated, name, value, timeZone])
  const isNowhere = test.ofFacts !== undefined && searchable(value) === ''
  return isNowhere ? { key, negated: false, ...folderTest(() => false) } : { key, negated, ...test }
}
