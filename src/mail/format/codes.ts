import { runToEnd, type Steps } from '../../core/time/time-slice.ts'
import { announcing, hinting, labels, moneyBefore, otherCodes, otherCodesAfter, unitAfter } from './code-words.ts'

/** A likely one-time code in a message. */
export interface CodeCandidate {
  /** As a person types it: `123456` for `123 456`, `12 34 56` and `G-123456`; groups with letters keep their hyphens. */
  readonly code: string
  /** As the message shows it. */
  readonly written: string
  /** The text around it, in one line. */
  readonly context: string
  /** From 0 to 1: how sure it is that this is a code. */
  readonly likelihood: number
}

/** A place in the text that looks like a code. */
interface Found {
  readonly code: string
  readonly written: string
  readonly start: number
  readonly end: number
  readonly looksLike?: Lookalike | undefined
}

/**
 * Other texts that look like the code. A word, such as `GNOME2`: a code only directly after its announcement. A name, such as
 * `rc4-sha`: a code only directly beside it, or alone on its line.
 */
type Lookalike = 'word' | 'name'

/** A word that announces a code, or hints at one. */
interface Word {
  readonly start: number
  readonly end: number
  readonly weight: number
}

/** Do not match within a larger number, address or amount. Scripts that write no spaces may touch a code. */
const LETTER = '\\p{Script=Latin}\\p{Script=Cyrillic}\\p{Script=Greek}'
const BEFORE = `(?<![${LETTER}\\d_/@%+&=#$€£¥]|\\d[.,:-]|[${LETTER}\\d]-|\\+\\d{1,3} )`
const AFTER = `(?![${LETTER}\\d_/@=]|[.,:-]\\d|-[${LETTER}\\d])`

/** A shape of codes, and how a person types them. */
interface Shape {
  readonly pattern: RegExp
  readonly typed: (written: string) => string
  readonly looksLike?: Lookalike
}

/** hk3j-92ls: groups of one length, in lower case, of which one has letters and digits. */
const LOWER_GROUPS = [3, 4, 5].map((length) => `[a-z0-9]{${length}}(?:-[a-z0-9]{${length}}){1,3}`).join('|')

/** Returns the shapes. A text that several match is what the first makes of it. */
const createShapes = (): readonly Shape[] => [
  // G-123456, FB-12345
  { pattern: shape('\\p{Lu}{1,2}-\\d{4,8}'), typed: digitsOnly },
  // 123 456, 123-456, 1234 5678, 12 34 56
  { pattern: shape('\\d{2}(?: \\d{2}){2,3}|\\d{3}[ -]\\d{3}|\\d{4}[ -]\\d{4}'), typed: digitsOnly },
  // 1 2 3 4 5 6: digits in boxes of their own
  { pattern: shape('\\d(?: \\d){3,7}'), typed: digitsOnly },
  { pattern: shape('\\d{4,8}'), typed: String },
  // 7F3K-9QZP, ABC-123, WDJB-MJHT
  { pattern: shape('(?:[A-Z0-9]{3,5}-){1,3}[A-Z0-9]{3,5}'), typed: String },
  { pattern: shape('(?=[A-Z]*\\d)(?=\\d*[A-Z])[A-Z0-9]{5,10}'), typed: String },
  { pattern: shape(`(?=[a-z0-9-]*(?:[a-z]\\d|\\d[a-z]))(?:${LOWER_GROUPS})`), typed: String, looksLike: 'name' },
  // k3v9q2, and words in capitals
  {
    pattern: shape('(?=[A-Za-z]*\\d)(?=\\d*[A-Za-z])[A-Za-z0-9]{5,10}|[A-Z]{5,8}'),
    typed: String,
    looksLike: 'word',
  },
]

interface Patterns {
  readonly shapes: readonly Shape[]
  readonly announcing: RegExp
  readonly hinting: RegExp
  /** The end of a word in a script that separates words. */
  readonly glued: RegExp
}

let created: Patterns | undefined

/** Returns the patterns. They are created at the first use, because that takes longer than loading this file. */
function patterns(): Patterns {
  created ??= {
    shapes: createShapes(),
    announcing: announcing(),
    hinting: hinting(),
    glued: new RegExp(`[${LETTER}]$`, 'u'),
  }
  return created
}

function shape(pattern: string): RegExp {
  return new RegExp(`${BEFORE}(?:${pattern})${AFTER}`, 'gu')
}

function digitsOnly(written: string): string {
  return written.replace(/\D/g, '')
}

/** Longest distance in characters between a word and a code after it. A distance before the word counts twice. */
const NEAR_CHARS = 80
/** Places examined between two pauses. */
const LOOKS = 200
/** More are not returned: a message with so many is no message with a code. */
const MAX_CANDIDATES = 1_000
/** Less likely codes are not returned. */
const LEAST = 0.2
const ANNOUNCES = 0.8
const HINTS = 0.45
/** Characters that a label or a unit, and the shown context, take at most. */
const LABEL_CHARS = 40
const CONTEXT_CHARS = 50

/** Weights that make a code more or less likely, besides words near it. */
const DIRECT = 0.3
const ALONE = 0.25
const SIX_DIGITS = 0.05
const REPEATED = 0.05
const YEAR = -0.5
const WORD = -0.2

/**
 * Returns the likely one-time codes in a text, the most likely first. A code is near a word such as "code", or alone on its
 * line. Numbers with a label of their own (orders, phones), amounts, dates and parts of links are left out.
 */
export const codeCandidates = (text: string): CodeCandidate[] => runToEnd(codeCandidateSteps(text))

/** Does the same as `codeCandidates`, in steps. */
export function* codeCandidateSteps(text: string): Steps<CodeCandidate[]> {
  const digits = withPlainDigits(text)
  yield
  const plain = withoutLinks(digits)
  yield
  const words = yield* wordsIn(plain)
  const best = new Map<string, CodeCandidate>()
  let looks = 0
  for (const found of foundIn(plain)) {
    if (++looks % LOOKS === 0) yield
    if (isOther(plain, found)) continue
    const likelihood = likelihoodOf(plain, found, words)
    const known = best.get(found.code)
    const total = Math.min(1, known ? Math.max(known.likelihood, likelihood) + REPEATED : likelihood)
    if (total < LEAST) continue
    const { code, written } = found
    if (known && known.likelihood >= likelihood) best.set(code, { ...known, likelihood: total })
    else best.set(code, { code, written, context: contextOf(text, found), likelihood: total })
  }
  return [...best.values()]
    .map((candidate) => ({ ...candidate, likelihood: Math.round(candidate.likelihood * 100) / 100 }))
    .sort((a, b) => b.likelihood - a.likelihood)
    .slice(0, MAX_CANDIDATES)
}

/** Replaces digits of other scripts, such as full-width and Arabic ones, and unusual spaces and hyphens. Keeps positions. */
const withPlainDigits = (text: string): string =>
  text
    .replace(/[\uff10-\uff19\u0660-\u0669\u06f0-\u06f9\u0966-\u096f]/g, (digit) =>
      String((digit.charCodeAt(0) & 15) - offset(digit)),
    )
    .replace(/[\u00a0\u2000-\u200a\u202f\u3000\t]/g, ' ')
    .replace(/[\u2010-\u2015]/g, '-')

/** Devanagari digits begin at 6 of their row of sixteen, the others at 0. */
const offset = (digit: string): number => (/[\u0966-\u096f]/.test(digit) ? 6 : 0)

const withoutLinks = (text: string): string =>
  text.replace(/\b\w+:\/\/\S+|\bwww\.\S+|[\w.+-]{1,64}@[\w-]+\.[\w.-]+/g, (link) => ' '.repeat(link.length))

/** Returns the places that look like a code, without overlaps. */
function* foundIn(text: string): Generator<Found> {
  const taken = new Uint8Array(text.length)
  for (const { pattern, typed, looksLike } of patterns().shapes) {
    for (const { 0: written, index } of text.matchAll(pattern)) {
      const end = index + written.length
      if (taken.subarray(index, end).includes(1)) continue
      taken.fill(1, index, end)
      yield { code: typed(written), written, start: index, end, looksLike }
    }
  }
}

function* wordsIn(text: string): Steps<Word[]> {
  const { announcing: announces, hinting: hints } = patterns()
  const found: Word[] = []
  let looks = 0
  for (const pattern of [announces, hints]) {
    for (const { 0: word, index } of text.matchAll(pattern)) {
      const weight = pattern === announces ? announcingWeight(text, index, word) : HINTS
      if (weight > 0) found.push({ start: index, end: index + word.length, weight })
      if (++looks % LOOKS === 0) yield
    }
  }
  return found.sort((a, b) => a.start - b.start)
}

/** Returns 0 for words that announce something else, such as `promo code` and `barcode`. */
function announcingWeight(text: string, start: number, word: string): number {
  const before = /[\p{L}]*[- ]?$/u.exec(text.slice(Math.max(0, start - LABEL_CHARS), start))?.[0] ?? ''
  const after = text.slice(start + word.length, start + word.length + LABEL_CHARS)
  if (otherCodes.test(before) || otherCodesAfter.test(after)) return 0
  const isGluedShort = /\p{L}$/u.test(before) && /^(?:pins?|otps?|codi)$/i.test(word)
  // `TAN` but not `tan`; `mobileTAN`, but not `Spinat`.
  if (/^tans?$/i.test(word)) return /TAN/.test(word) ? ANNOUNCES : 0
  return isGluedShort ? 0 : ANNOUNCES
}

/** Returns whether a number has a label of its own, is money, or has a unit. */
function isOther(text: string, { start, end, written }: Found): boolean {
  const before = text.slice(Math.max(0, start - LABEL_CHARS), start)
  const after = text.slice(end, end + LABEL_CHARS)
  const label = labels.exec(before)
  const isLabel = label !== null && !patterns().glued.test(before.slice(0, label.index))
  return (
    isLabel || YEARS.test(written) || moneyBefore.test(before) || unitAfter.test(after) || isPhone(text, start, end)
  )
}

const YEARS = /^(?:19|20)\d\d[ -](?:19|20)\d\d$/

/** Returns whether digits continue beyond the place, as in `555 123 4567` and `(0800) 123456`. */
const isPhone = (text: string, start: number, end: number): boolean =>
  /\d[ )(./-]{1,2}$/.test(text.slice(Math.max(0, start - 3), start)) ||
  /^[ )(./-]{1,2}\d/.test(text.slice(end, end + 3))

function likelihoodOf(text: string, found: Found, words: readonly Word[]): number {
  const { start, end, code, written, looksLike } = found
  const near = nearest(words, start, end)
  const alone = isAlone(text, start, end)
  const isYear = /^(?:19|20)\d\d$/.test(written)
  const isNumber = /^\d+$/.test(code)
  // Without any word: a number alone on its line may be a code in a language that is not listed.
  if (near.weight === 0) return alone && isNumber && !isYear ? LEAST : 0
  const direct = isDirect(text, found, near)
  if (looksLike && !direct && !(looksLike === 'name' && alone && near.before < NEAR_CHARS)) return 0
  if (!direct && !alone && isPostalCode(text, found)) return 0
  return (
    near.weight +
    (direct ? DIRECT : 0) +
    (alone ? ALONE : 0) +
    (/^\d{6}$/.test(code) ? SIX_DIGITS : 0) +
    (isYear ? YEAR : 0) +
    (looksLike === 'word' ? WORD : 0)
  )
}

/** `CA 94107` and `10117 Berlin`. */
const isPostalCode = (text: string, { written, start, end }: Found): boolean =>
  /^\d{5}$/.test(written) &&
  (/(?<!\p{L})[A-Z]{2} $/u.test(text.slice(Math.max(0, start - 4), start)) ||
    /^ \p{Lu}\p{Ll}/u.test(text.slice(end, end + 3)))

/** `code: 123456`, `code is 123456`; `123456 is your code`. */
const DIRECTLY_AFTER =
  /(?:[:：=>]|(?<!\p{L})(?:is|ist|lautet|est|es|è|é|er|är|on|to|là|adalah)|は|是|为|為|는|은|:)["'“”«»„‘’「【[(*_\s]*$/iu
const DIRECTLY_BEFORE = /^["'“”«»„‘’」】\])*_]*(?: (?:is|ist|est|es|è|é|er|är|on)(?!\p{L})|[はが이])/iu

/** Longest distance from an announcing word to a code that it introduces. */
const DIRECT_CHARS = 40

function isDirect(text: string, { start, end, looksLike }: Found, { before, after }: Nearest): boolean {
  const isWord = looksLike === 'word'
  if (before <= 1 && !isWord) return true
  if (before <= DIRECT_CHARS && DIRECTLY_AFTER.test(text.slice(Math.max(0, start - DIRECT_CHARS), start))) return true
  return !isWord && after <= DIRECT_CHARS && DIRECTLY_BEFORE.test(text.slice(end, end + DIRECT_CHARS))
}

/** Returns whether nothing else is on the line. */
const isAlone = (text: string, start: number, end: number): boolean =>
  /(?:^|\n)[^\p{L}\d\n]*$/u.test(text.slice(Math.max(0, start - CONTEXT_CHARS), start)) &&
  /^[^\p{L}\d\n]*(?:\n|$)/u.test(text.slice(end, end + CONTEXT_CHARS))

/** The words near a code. */
interface Nearest {
  /** The greatest weight of a word, which shrinks with its distance; 0 without a word. */
  readonly weight: number
  /** Distances of the nearest announcing words before and after the code. */
  readonly before: number
  readonly after: number
}

function nearest(words: readonly Word[], start: number, end: number): Nearest {
  let [most, before, after] = [0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let i = firstAfter(words, start - NEAR_CHARS - LABEL_CHARS); i < words.length; i++) {
    const word = words[i] as Word
    if (word.start > end + NEAR_CHARS) break
    const isBefore = word.end <= start
    const gap = isBefore ? start - word.end : Math.max(0, word.start - end)
    const distance = isBefore ? gap : 2 * gap
    if (distance <= NEAR_CHARS) most = Math.max(most, word.weight * (1 - distance / (NEAR_CHARS + 20)))
    if (isBefore) before = Math.min(before, gap)
    else after = Math.min(after, gap)
  }
  return { weight: most, before, after }
}

/** Returns the index of the first word that starts at a position or later. */
function firstAfter(words: readonly Word[], position: number): number {
  let [low, high] = [0, words.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((words[middle] as Word).start < position) low = middle + 1
    else high = middle
  }
  return low
}

function contextOf(text: string, { start, end }: Found): string {
  const from = Math.max(0, start - CONTEXT_CHARS)
  const to = Math.min(text.length, end + CONTEXT_CHARS)
  const shown = text.slice(from, to).replace(/\s+/g, ' ').trim()
  return `${from > 0 ? '…' : ''}${shown}${to < text.length ? '…' : ''}`
}
