import { runInSlices } from '../../core/time/time-slice.ts'
import { SieveFailure, type Tags } from './language.ts'
import { Regex } from './regex.ts'
import type { Call } from './run.ts'

interface Comparator {
  /** Returns the form of a text whose equality and parts are compared. */
  readonly fold: (text: string) => string
  /** Returns a negative number, 0 or a positive number. */
  readonly order: (a: string, b: string) => number
  /** Whether parts of a text can be found. RFC 4790 section 4.2 */
  readonly hasParts: boolean
}

/** Compares as octets of UTF-8 are compared. */
const octetOrder = (a: string, b: string): number => (a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b)))

const folding = (fold: (text: string) => string): Comparator => ({
  fold,
  order: (a, b) => octetOrder(fold(a), fold(b)),
  hasParts: true,
})

/** The capital of a letter; `ß`, which would become two, stays. RFC 5051 section 2 */
function simpleUpper(letter: string): string {
  const upper = letter.toUpperCase()
  return upper.length === letter.length ? upper : letter
}

/** RFC 4790 section 9, RFC 5051 */
export const COMPARATORS: ReadonlyMap<string, Comparator> = new Map([
  ['i;octet', folding((text) => text)],
  ['i;ascii-casemap', folding((text) => text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase()))],
  ['i;unicode-casemap', folding((text) => text.replaceAll(/\p{Ll}/gu, simpleUpper).normalize('NFKD'))],
  ['i;ascii-numeric', { fold: numberIn, order: numericOrder, hasParts: false }],
])

/** Returns the digits at the beginning without zeros before them; empty if there are none. */
function numberIn(text: string): string {
  const [digits] = /^\d+/.exec(text) ?? []
  return digits === undefined ? '' : digits.replace(/^0+(?=\d)/, '')
}

/** A text without a number is greater than every number. RFC 4790 section 9.1.1 */
function numericOrder(a: string, b: string): number {
  const [one, other] = [numberIn(a), numberIn(b)]
  if (one === '' || other === '') return Number(one === '') - Number(other === '')
  return one.length - other.length || octetOrder(one, other)
}

/** RFC 5231 section 4.1 */
const RELATIONS: Readonly<Record<string, (order: number) => boolean>> = {
  gt: (order) => order > 0,
  ge: (order) => order >= 0,
  lt: (order) => order < 0,
  le: (order) => order <= 0,
  eq: (order) => order === 0,
  ne: (order) => order !== 0,
}

const oneOf = (known: Iterable<string>) => {
  const names = [...known]
  return (text: string): string | undefined => (names.includes(text) ? undefined : `use ${names.join(', ')}`)
}

const relational = {
  extension: 'relational',
  group: 'match type',
  value: { type: 'string', constant: true, check: oneOf(Object.keys(RELATIONS)) },
} as const

/** The tags of tests that compare. RFC 5228 sections 2.7.1 and 2.7.3. */
export const MATCHING: Tags = {
  is: { group: 'match type' },
  contains: { group: 'match type' },
  matches: { group: 'match type' },
  regex: { group: 'match type', extension: 'regex' },
  count: relational,
  value: relational,
  comparator: { value: { type: 'string', constant: true, check: oneOf(COMPARATORS.keys()) } },
}

type Compare = (value: string, key: string) => string[] | undefined | Promise<string[] | undefined>

/** Returns whether one of the values matches one of the keys, as the tags of the test say. Sets the match variables. */
export async function anyMatch(call: Call, values: readonly string[], keys: readonly string[]): Promise<boolean> {
  const name = call.optional('comparator') ?? 'i;ascii-casemap' // RFC 5228 section 2.7.3
  const comparator = COMPARATORS.get(name) as Comparator
  const count = call.optional('count')
  // RFC 5231 section 4.2
  if (count !== undefined) return keys.some((key) => RELATIONS[count]?.(comparator.order(String(values.length), key)))
  const relation = call.optional('value')
  const compare = comparison(call, comparator, name)
  for (const value of values) {
    for (const key of keys) {
      call.run.work(1 + (value.length >> 3))
      if (relation !== undefined) {
        if (RELATIONS[relation]?.(comparator.order(value, key))) return true
        continue
      }
      const found = await compare(value, key)
      if (!found) continue
      if (call.has('matches') || call.has('regex')) call.run.scope.matched = found // RFC 5229 section 3.2
      return true
    }
  }
  return false
}

/** @throws SieveFailure */
function comparison(call: Call, { fold, order, hasParts }: Comparator, name: string): Compare {
  const tag = ['contains', 'matches', 'regex'].find((one) => call.has(one))
  // RFC 5228 section 2.7.1
  if (tag !== undefined && !hasParts)
    throw new SieveFailure(`:${tag} does not work with the comparator ${name}; use :is or :value`)
  if (tag === 'contains') return (value, key) => (fold(value).includes(fold(key)) ? [] : undefined)
  if (tag === 'matches') return (value, key) => globMatch(value, key, fold, (steps) => call.run.work(steps))
  if (tag !== 'regex') return (value, key) => (order(value, key) === 0 ? [] : undefined)
  const compiled = new Map<string, Regex>()
  return (value, key) => {
    const regex = compiled.get(key) ?? regexOf(key, fold)
    compiled.set(key, regex)
    return runInSlices(regex.match(value, (steps) => call.run.work(steps)))
  }
}

/** @throws SieveFailure */
function regexOf(source: string, fold: (text: string) => string): Regex {
  try {
    return new Regex(source, fold)
  } catch (error) {
    if (error instanceof RangeError) throw new SieveFailure(`invalid regular expression: ${error.message}`)
    throw error
  }
}

/** A pattern's pieces between its stars: characters, and `?` as undefined. RFC 5228 section 2.7.1 */
function piecesOf(pattern: string): (string | undefined)[][] {
  const pieces: (string | undefined)[][] = [[]]
  const chars = [...pattern]
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i] as string
    if (char === '*') pieces.push([])
    else pieces.at(-1)?.push(char === '?' ? undefined : char === '\\' && i + 1 < chars.length ? chars[++i] : char)
  }
  return pieces
}

/**
 * Matches a text with `*` and `?`. Returns the whole text and what each wildcard stands for, as few characters as possible
 * from the left (RFC 5229 section 3.2).
 */
function globMatch(
  text: string,
  pattern: string,
  fold: (text: string) => string,
  work: (steps: number) => void,
): string[] | undefined {
  const chars = [...text]
  const folded = chars.map(fold)
  const pieces = piecesOf(pattern).map((piece) => piece.map((char) => (char === undefined ? undefined : fold(char))))
  const fitsAt = (piece: readonly (string | undefined)[], at: number): boolean => {
    work(1)
    return at + piece.length <= chars.length && piece.every((char, i) => char === undefined || char === folded[at + i])
  }
  const found = [text]
  const take = (piece: readonly (string | undefined)[], at: number): void =>
    piece.forEach((char, i) => {
      if (char === undefined) found.push(chars[at + i] as string)
    })
  const [first = [], ...others] = pieces
  if (!fitsAt(first, 0) || (others.length === 0 && first.length !== chars.length)) return undefined
  take(first, 0)
  let at = first.length
  for (const [i, piece] of others.entries()) {
    let start = i === others.length - 1 ? chars.length - piece.length : at
    if (i < others.length - 1) while (start + piece.length <= chars.length && !fitsAt(piece, start)) start++
    if (start < at || !fitsAt(piece, start)) return undefined
    found.push(chars.slice(at, start).join(''))
    take(piece, start)
    at = start + piece.length
  }
  return found
}
