import { isMapping } from '../../../src/core/values/mapping.ts'
import { formatDate } from '../../../src/mail/format/dates.ts'
import { isStrings } from './checks.ts'
import type { EmailAddress, HeaderForm, HeaderProperty } from './header-forms.ts'

/** Longest line that is written if it can be folded, and longest that a message may have. RFC 5322 section 2.1.1. */
const LINE_CHARS = 76
const MAX_LINE_OCTETS = 998

/** Longest name that is written without encoded words, which some readers do not join. */
const MAX_PHRASE_CHARS = 200
/** Octets of text in one encoded word, which has 75 characters at most. RFC 2047 section 2. */
const WORD_OCTETS = 45

/**
 * Returns the lines of the header fields that a property stands for; none for null.
 * @throws TypeError if the value has a wrong type or cannot be written in its form
 */
export function headerLinesOf({ field, form, isAll }: HeaderProperty, value: unknown): string[] {
  if (value === null) return []
  if (isAll && !Array.isArray(value)) throw new TypeError('is not a list')
  return (isAll ? (value as unknown[]) : [value]).flatMap((one) => {
    const line = one === null ? undefined : WRITERS[form](field, one)
    if (line !== undefined && line.split('\r\n').some((part) => Buffer.byteLength(part) > MAX_LINE_OCTETS))
      throw new TypeError(`has a line of more than ${MAX_LINE_OCTETS} octets`)
    return line ?? []
  })
}

/** Each returns a field without its line end; undefined for an empty list. */
const WRITERS: Readonly<Record<HeaderForm, (field: string, value: unknown) => string | undefined>> = {
  Raw(field, value) {
    // A line that does not begin with white space would begin another field, or the body. RFC 5322 section 2.2.3
    if (typeof value !== 'string' || /\0|\r(?!\n)|(?<!\r)\n|\r\n(?![ \t]+[^ \t\r\n])/.test(value))
      throw new TypeError('is not the value of a header field')
    return `${field}:${value}`
  },
  Text(field, value) {
    if (typeof value !== 'string') throw new TypeError('is not a string')
    return folded(field, textWords(value), ' ')
  },
  Addresses: (field, value) => listed(field, addressesIn(value).map(writtenAddress), ', '),
  GroupedAddresses(field, value) {
    if (!isList(value)) throw new TypeError('is not a list of groups')
    const groups = value.map(({ name = null, addresses }) => {
      const members = addressesIn(addresses).map(writtenAddress).join(', ')
      if (name !== null && typeof name !== 'string') throw new TypeError('has a group whose name is not a string')
      // An encoded word needs white space after it. RFC 2047 section 5 (3)
      return name === null ? members : `${phrase(name).replace(/[?]=$/, '?= ')}:${members && ` ${members}`};`
    })
    return listed(field, groups, ', ')
  },
  MessageIds: (field, value) => listed(field, bracketed(value, 'Message-IDs'), ' '),
  Date(field, value) {
    const [matched, sign, hours = '0', minutes = '0'] = DATE.exec(typeof value === 'string' ? value : '') ?? []
    const ms = matched === undefined ? Number.NaN : Date.parse(matched)
    if (Number.isNaN(ms)) throw new TypeError('is not a date of RFC 3339')
    const zone = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
    const text = formatDate(ms + zone * 60_000)
    return `${field}: ${text.replace('+0000', `${sign ?? '+'}${hours.padStart(2, '0')}${minutes.padStart(2, '0')}`)}`
  },
  URLs: (field, value) => listed(field, bracketed(value, 'URLs'), ', '),
}

/** RFC 8620 section 1.4 */
const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/

const listed = (field: string, items: readonly string[], separator: string): string | undefined =>
  items.length > 0 ? folded(field, items, separator) : undefined

/** Returns a field whose items are folded between each other. RFC 5322 section 2.2.3. */
function folded(field: string, items: readonly string[], separator: string): string {
  let out = `${field}:`
  let line = out.length
  for (const [index, item] of items.entries()) {
    const isLast = index === items.length - 1
    const text = isLast ? item : item + separator.trimEnd()
    const isFolded = index > 0 && line + 1 + text.length > LINE_CHARS
    out += `${isFolded ? '\r\n ' : ' '}${text}`
    const end = text.lastIndexOf('\n')
    line = end < 0 && !isFolded ? line + 1 + text.length : text.length - end
  }
  return out
}

function bracketed(value: unknown, kind: string): string[] {
  if (isStrings(value) && value.every((one) => /^[^\x00-\x20\x7f<>]+$/.test(one))) return value.map((one) => `<${one}>`)
  throw new TypeError(`is not a list of ${kind} without angle brackets and spaces`)
}

const isList = (value: unknown): value is Record<string, unknown>[] => Array.isArray(value) && value.every(isMapping)

function addressesIn(value: unknown): EmailAddress[] {
  const isRight = ({ name = null, email }: Record<string, unknown>): boolean =>
    (name === null || typeof name === 'string') && typeof email === 'string' && !/[\x00-\x1f\x7f]/.test(email)
  // A longer one cannot be written, and `ADDRESS` keeps its way through a quoted one.
  const isLong = ({ email }: Record<string, unknown>): boolean => (email as string).length > MAX_LINE_OCTETS
  if (isList(value) && value.every(isRight) && !value.some(isLong))
    return value.map(({ name = null, email }) => ({ name, email }) as EmailAddress)
  throw new TypeError(`is not a list of addresses with name and email, of at most ${MAX_LINE_OCTETS} octets each`)
}

const ATOMS = String.raw`[^\x00-\x20\x7f()<>[\]:;@\\,."]+(?:\.[^\x00-\x20\x7f()<>[\]:;@\\,."]+)*`
/** RFC 5322 section 3.4.1, and a local part alone, as drafts have it. */
const ADDRESS = new RegExp(String.raw`^(?:${ATOMS}|"(?:[^"\\\r\n]|\\.)*")(?:@(?:${ATOMS}|\[[^[\]\\\s]*\]))?$`)

/** Returns an address of a field. What a draft has in place of one stays a word. RFC 8621 section 4.1.2.3. */
function writtenAddress({ name, email }: EmailAddress): string {
  const address = ADDRESS.test(email) ? email : quoted(email)
  return name === null || name === '' ? address : `${phrase(name)} <${address}>`
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`

/** Returns a name as a phrase. RFC 5322 section 3.2.5, RFC 2047 section 5 (3). */
function phrase(name: string): string {
  const text = spaced(name)
  if (/[^ -~]/.test(text) || text.includes('=?') || text.length > MAX_PHRASE_CHARS || text !== text.trim())
    return encodedWords(text).join('\r\n ')
  return /^[\w!#$%&'*+/=?^`{|}~-]+(?: [\w!#$%&'*+/=?^`{|}~-]+)*$/.test(text) ? text : quoted(text)
}

/** Line breaks and other control characters have no place in a field. */
const spaced = (text: string): string => text.replaceAll(/[\x00-\x1f\x7f]+/g, ' ').normalize('NFC')

/** Returns text as words of a field: from the first word that cannot stand as it is up to the last, all are encoded. */
function textWords(given: string): string[] {
  const words = spaced(given).split(' ')
  const isPlain = (word: string): boolean => /^[!-~]{1,900}$/.test(word) && !word.includes('=?')
  const [first, last] = [words.findIndex((word) => !isPlain(word)), words.findLastIndex((word) => !isPlain(word))]
  if (first < 0 || given === '') return words
  // Several spaces, and those at an end, are parts of the encoded text.
  const [from, to] = [words[first] === '' ? Math.max(0, first - 1) : first, words[last] === '' ? last + 2 : last + 1]
  return [...words.slice(0, from), ...encodedWords(words.slice(from, to).join(' ')), ...words.slice(to)]
}

/** Returns text as encoded words in UTF-8, which readers join again. RFC 2047 sections 2 and 6.2. */
function encodedWords(text: string): string[] {
  const words: string[] = []
  let pending = ''
  for (const character of text) {
    if (Buffer.byteLength(pending + character) > WORD_OCTETS) {
      words.push(pending)
      pending = ''
    }
    pending += character
  }
  return [...words, pending].map((one) => `=?utf-8?B?${Buffer.from(one).toString('base64')}?=`)
}

/** Returns a parameter as it follows the value of a field. RFC 2045 section 5.1, RFC 2231 sections 3 and 4. */
export function parameterLines(name: string, value: string): string {
  const text = Buffer.from(spaced(value)).toString()
  if (/^[ -~]{0,60}$/.test(text) && !text.includes('=?')) return `;\r\n ${name}=${quoted(text)}`
  const encoded = encodeURIComponent(text).replaceAll(/['()*]/g, (one) => `%${one.charCodeAt(0).toString(16)}`)
  const pieces = encoded.match(/(?:%..|[^%]){1,50}/g) ?? []
  return pieces.map((piece, at) => `;\r\n ${name}*${at}*=${at === 0 ? "utf-8''" : ''}${piece}`).join('')
}
