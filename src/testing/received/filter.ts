import { isRegExp } from 'node:util/types'
import { addressKey } from '../../accounts/directory/names.ts'
import type { ProviderName } from '../../core/config/schema/providers.ts'
import { comparable, unicodeForm } from '../../mail/format/search-text.ts'
import { recipientNames } from './arrivals.ts'
import type { LabMessage } from './message.ts'

/**
 * Conditions that all must hold. A string matches anywhere in the field, in any case. `filter` in `calls/arguments.ts` checks
 * the values.
 */
export interface MessageFilter {
  /** A recipient, whole but in any case: an address of the envelope, the part before its `@`, or a user name; or a pattern. */
  readonly to?: string | RegExp
  /** MAIL FROM or the From field. */
  readonly from?: string | RegExp
  /** The decoded subject. */
  readonly subject?: string | RegExp
  /** The text or the HTML. */
  readonly text?: string | RegExp
  /** The name of the mailbox that holds the message now. */
  readonly folder?: string
  /** The provider by whose API it was sent, such as `sendgrid`. */
  readonly sentBy?: ProviderName
  /** Any other condition. */
  readonly matches?: (message: LabMessage) => boolean
}

/** A condition of a filter: whether a message meets it, and what the message has instead. */
interface Condition<Wanted> {
  isMet(message: LabMessage, wanted: Wanted): boolean
  actual(message: LabMessage): string
}

const quoteShort = (value: string): string => JSON.stringify(value.length > 80 ? `${value.slice(0, 79)}…` : value)

const conditions: { readonly [K in keyof MessageFilter]-?: Condition<NonNullable<MessageFilter[K]>> } = {
  to: {
    isMet: isTo,
    actual: ({ recipients, user }) => (recipients.length > 0 ? `<${recipients.join('>, <')}>` : (user ?? 'nobody')),
  },
  from: {
    isMet: ({ envelope, headers }, from) => has(from, envelope.from) || has(from, headers.get('from') ?? ''),
    actual: ({ envelope, headers }) => `<${envelope.from}>, in the From field ${quoteShort(headers.get('from') ?? '')}`,
  },
  subject: { isMet: ({ subject }, wanted) => has(wanted, subject), actual: ({ subject }) => quoteShort(subject) },
  text: {
    isMet: ({ text, html }, wanted) => has(wanted, text) || has(wanted, html ?? ''),
    actual: ({ text }) => quoteShort(text.trim().replace(/\s+/g, ' ')),
  },
  folder: { isMet: ({ folder }, wanted) => folder === wanted, actual: ({ folder }) => quoteShort(folder) },
  sentBy: {
    isMet: ({ sentBy }, wanted) => sentBy?.provider === wanted,
    actual: ({ sentBy }) => (sentBy ? quoteShort(sentBy.provider) : 'no provider'),
  },
  matches: { isMet: (message, isMatch) => checkedAnswer(isMatch(message)), actual: () => 'false' },
}

/** Returns the answer of a `matches` function. @throws TypeError for a promise, which would count as true */
export function checkedAnswer(answer: unknown): boolean {
  if (typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function')
    throw new TypeError('filter.matches returned a promise; must return true or false')
  return Boolean(answer)
}

const keys = Object.keys(conditions) as readonly (keyof MessageFilter)[]

/** Whether a message meets one condition of a filter. A condition that the filter does not have is met. */
function meets<K extends keyof MessageFilter>(key: K, message: LabMessage, filter: MessageFilter): boolean {
  const wanted = filter[key]
  return wanted === undefined || conditions[key].isMet(message, wanted as never)
}

/** Returns whether a message satisfies a filter. */
export const matchesFilter = (message: LabMessage, filter: MessageFilter): boolean =>
  keys.every((key) => meets(key, message, filter))

/** Returns a text for each condition that a message does not meet: `subject is "Welcom"`. */
export const differences = (message: LabMessage, filter: MessageFilter): string[] =>
  keys.filter((key) => !meets(key, message, filter)).map((key) => `${key} is ${conditions[key].actual(message)}`)

/** Describes a filter: `to "bob", subject /welcome/`. */
export function describeFilter(filter: MessageFilter): string {
  const wanted = keys.flatMap((key) => {
    const value = filter[key]
    if (value === undefined) return []
    return typeof value === 'function' ? ['a `matches` function'] : [`${key} ${patternText(value)}`]
  })
  return wanted.length === 0 ? 'any content' : wanted.join(', ')
}

/** Returns a string in quotes, or the source of a pattern. */
export const patternText = (value: string | RegExp): string =>
  typeof value === 'string' ? JSON.stringify(value) : String(value)

/** Compares with the names of the recipients of this copy: a string as a whole, in any case and form of Unicode. */
function isTo(message: LabMessage, to: string | RegExp): boolean {
  const names = recipientNames(message)
  if (isRegExp(to)) return names.some((name) => has(to, name))
  const key = addressKey(to)
  return names.some((name) => addressKey(name) === key)
}

/** Returns whether a text contains a string, in any case and form of Unicode, or matches a pattern. */
export const has = (pattern: string | RegExp, value: string): boolean =>
  isRegExp(pattern)
    ? test(pattern, value) || test(pattern, unicodeForm(value))
    : comparable(value).includes(comparable(pattern))

/** Returns whether a pattern matches. Resets it first, because a pattern with the `g` or `y` flag keeps its last position. */
function test(pattern: RegExp, value: string): boolean {
  pattern.lastIndex = 0
  return pattern.test(value)
}
