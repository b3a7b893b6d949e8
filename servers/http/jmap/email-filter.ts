import type { MessageFacts } from '../../../src/api/messages/message-facts.ts'
import type { IndexedMessage } from '../../../src/api/messages/message-index.ts'
import { type Condition, conditionOn } from '../../../src/api/messages/search.ts'
import { runToEnd } from '../../../src/core/time/time-slice.ts'
import { htmlTextSteps } from '../../../src/mail/format/html-text.ts'
import { type ReadableMessage, VIEW_CHARS } from '../../../src/mail/format/readable.ts'
import { searchable } from '../../../src/mail/format/search-text.ts'
import type { Mail } from '../../../src/storage/store/views/account-history.ts'
import { isBoolean, isInteger, isString, isStrings, isUtcDate, rowOf } from './checks.ts'
import { filterConditions, propertiesOf, unsupportedFilter, whenever } from './filters.ts'
import { hasKeyword, isIn } from './mails.ts'
import type { SmimeFound } from './smime.ts'
import { invalid, type JsonObject } from './types.ts'

/** The Emails that a filter is tested with. */
export interface Searched {
  readonly mails: ReadonlyMap<string, Mail>
  /** By their threads; empty unless the query needs them. */
  readonly threads: ReadonlyMap<string, readonly Mail[]>
  /** Undefined unless the query needs it. */
  readonly smime?: SmimeFound | undefined
}

type Conditions = readonly Condition<IndexedMessage>[]
type Compile = (value: unknown, searched: Searched) => Conditions

/** Facts besides the message itself: the keywords of an Email, the Emails of its thread, the verification of its signatures. */
export type Need = 'keywords' | 'threads' | 'smime'

interface Row {
  readonly needs: readonly Need[]
  readonly compile: Compile
}

/** Returns the conditions of a filter. RFC 8621 section 4.4.1. @throws MethodError `unsupportedFilter`, `invalidArguments` */
export const emailConditions = (filter: JsonObject | null, searched: Searched): Conditions =>
  filterConditions(filter, (name, value) => rowOf(table, name)?.compile(value, searched))

/** Returns what a filter and a sort need. */
export const needsOf = (filter: JsonObject | null, sort: readonly JsonObject[]): ReadonlySet<Need> =>
  new Set(
    [...propertiesOf(filter), ...sort.map(({ property }) => property)].flatMap(
      (name) => rowOf(table, name)?.needs ?? [],
    ),
  )

/** Returns a row whose value has a type. */
const row = <T>(
  isRight: (value: unknown) => value is T,
  compile: (value: T, searched: Searched) => Conditions,
  needs: readonly Need[] = [],
): Row => ({
  needs,
  compile(value, searched) {
    if (isRight(value)) return compile(value, searched)
    throw invalid('a value of the filter has a wrong type')
  },
})

const ofMail = (isOne: (mail: Mail, searched: Searched) => boolean, searched: Searched): Conditions =>
  whenever(({ id }: IndexedMessage) => {
    const mail = searched.mails.get(id)
    return mail !== undefined && isOne(mail, searched)
  })

const isSize = (value: unknown): value is number => isInteger(value) && value >= 0

const keyword = (isWanted: boolean): Row =>
  row(isString, (name, searched) => ofMail((mail) => hasKeyword(mail, name.toLowerCase()) === isWanted, searched), [
    'keywords',
  ])

/** The ways in which the Emails of a thread may have a keyword. */
export const inThread = {
  allInThreadHaveKeyword: (mails: readonly Mail[], name: string) => mails.every((mail) => hasKeyword(mail, name)),
  someInThreadHaveKeyword: (mails: readonly Mail[], name: string) => mails.some((mail) => hasKeyword(mail, name)),
  noneInThreadHaveKeyword: (mails: readonly Mail[], name: string) => !mails.some((mail) => hasKeyword(mail, name)),
} as const

const threadKeyword = (test: (mails: readonly Mail[], name: string) => boolean): Row =>
  row(
    isString,
    (name, searched) =>
      ofMail(
        (mail, { threads }) => test(threads.get(mail.threadId ?? mail.id) ?? [mail], name.toLowerCase()),
        searched,
      ),
    ['keywords', 'threads'],
  )

/** Words at most that a text is searched for, and characters of the text: the pattern keeps its way through a phrase. */
const MAX_WORDS = 100
const MAX_TEXT_CHARS = 100_000

/** Returns the phrases in quotes and the words of a text. RFC 8621 section 4.4.1. */
export const phrasesIn = (text: string): string[] =>
  Array.from(text.matchAll(/"((?:[^"\\]|\\.)*)"|(?<!\S)'((?:[^'\\]|\\.)*)'(?!\S)|(\S+)/g), (match) =>
    (match[1] ?? match[2] ?? match[3] ?? '').replaceAll(/\\(.)/g, '$1'),
  )

/** Returns a row that finds all words in a text. A text without words is in no Email. */
const words = (has: (word: string) => Conditions): Row =>
  row(isString, (text) => {
    if (text.length > MAX_TEXT_CHARS)
      throw unsupportedFilter(`a text of the filter has more than ${MAX_TEXT_CHARS} characters`)
    const found = phrasesIn(text)
      .map(searchable)
      .filter((word) => word !== '')
    if (found.length > MAX_WORDS) throw unsupportedFilter(`a text of the filter has more than ${MAX_WORDS} words`)
    return found.length === 0 ? whenever(() => false) : found.flatMap(has)
  })

const ofFacts = (test: (facts: MessageFacts) => boolean): Conditions => [
  { key: '', negated: false, ofFacts: ({ facts }) => test(facts) },
]
/** RFC 9219 section 4.2. */
const smime = (name: keyof SmimeFound): Row =>
  row(isBoolean, (wanted, { smime: found }) => whenever(({ id }) => (found?.[name].has(id) ?? false) === wanted), [
    'smime',
  ])
const addresses = (name: 'from' | 'to' | 'cc' | 'bcc'): Row =>
  words((word) => ofFacts(({ search }) => search.addresses[name].some((one) => one.includes(word))))

/** Returns the texts of a message: what it shows in plain text, and in HTML. */
export function textsOf(read: ReadableMessage): string[] {
  const html = read.textParts.length > 0 ? (read.html ?? '') : ''
  return [read.text, runToEnd(htmlTextSteps(html.slice(0, VIEW_CHARS)))]
}

const table: Readonly<Record<string, Row>> = {
  inMailbox: row(isString, (wanted, searched) => ofMail((mail) => isIn(mail, (id) => id === wanted), searched)),
  inMailboxOtherThan: row(isStrings, (others, searched) => {
    const ids = new Set(others)
    return ofMail((mail) => isIn(mail, (id) => !ids.has(id)), searched)
  }),
  before: row(isUtcDate, (date) => whenever(({ entry }) => entry.internalDate < Date.parse(date))),
  after: row(isUtcDate, (date) => whenever(({ entry }) => entry.internalDate >= Date.parse(date))),
  minSize: row(isSize, (size) => whenever(({ entry }) => entry.sizeOctets >= size)),
  maxSize: row(isSize, (size) => whenever(({ entry }) => entry.sizeOctets < size)),
  allInThreadHaveKeyword: threadKeyword(inThread.allInThreadHaveKeyword),
  someInThreadHaveKeyword: threadKeyword(inThread.someInThreadHaveKeyword),
  noneInThreadHaveKeyword: threadKeyword(inThread.noneInThreadHaveKeyword),
  hasKeyword: keyword(true),
  notKeyword: keyword(false),
  hasSmime: smime('hasSmime'),
  hasVerifiedSmime: smime('hasVerifiedSmime'),
  hasVerifiedSmimeAtDelivery: smime('hasVerifiedSmimeAtDelivery'),
  hasAttachment: row(isBoolean, (wanted) => ofFacts(({ hasDownload }) => hasDownload === wanted)),
  text: words((word) => ofFacts(({ search }) => search.all.includes(word))),
  from: addresses('from'),
  to: addresses('to'),
  cc: addresses('cc'),
  bcc: addresses('bcc'),
  subject: words((word) => ofFacts(({ search }) => search.subject.includes(word))),
  // The facts leave out most messages, so that few are read.
  body: words((word) => [
    ...ofFacts(({ search }) => search.all.includes(word)),
    { key: '', negated: false, ofMessage: ({ read }) => textsOf(read).some((text) => searchable(text).includes(word)) },
  ]),
  header: row(isStrings, ([name = '', text = '', ...more]) => {
    if (name === '' || name.includes(':') || more.length > 0) throw invalid('header is not [name] or [name, text]')
    return [conditionOn('header', `${name}:${text}`)]
  }),
}
