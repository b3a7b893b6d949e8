/** Digits, or two groups with a hyphen or space between them, with an optional prefix as in `G-123456`. */
const DIGITS =
  /(?<![\w.,/:@#%$€£¥+-]|\d )(?:[A-Z]-)?(\d{3}[- ]\d{3}|\d{4}[- ]\d{4}|\d{4,8})(?![\w/:@%€]|[.,-]\d| \d\d)/g
/** Capital letters mixed with digits, as in `7F3K-9QZP`. */
const MIXED = /(?<![\w.,/:@#-])(?=[A-Z-]*\d)(?=[\d-]*[A-Z])([A-Z0-9]{5,10}|[A-Z0-9]{3,5}-[A-Z0-9]{3,5})(?![\w/:@-])/g
/** Words that announce a code. */
const WORDS =
  /\b(?:code|codes|otp|pin|passcode|password|token|one[- ]time|verification|verify|confirm|einmal\w*|kennwort|bestätigung\w*)\b|コード|番号|验证码|驗證碼|인증/giu

/** Longest distance in characters between such a word and a code after it. A distance before the word counts twice. */
const NEAR_CHARS = 80

/**
 * Returns the likely one-time passwords in a text, most likely first: numbers of four to eight digits and mixed codes near
 * a word such as "code", then other numbers. Spaces and hyphens inside numbers are removed.
 */
export function codes(text: string): string[] {
  const plain = text.replace(/\b\w+:\/\/\S+/g, (link) => ' '.repeat(link.length))
  const words = Array.from(plain.matchAll(WORDS), ({ index }) => index)
  const distance = (at: number): number =>
    Math.min(...words.map((word) => (at >= word ? at - word : 2 * (word - at))), Number.POSITIVE_INFINITY)
  const found = (pattern: RegExp): Found[] =>
    Array.from(plain.matchAll(pattern), ({ index, 1: code = '' }) => ({ code, distance: distance(index) }))
  const digits = found(DIGITS).map(({ code, ...rest }) => ({ code: code.replace(/[- ]/g, ''), ...rest }))
  const near = [...digits, ...found(MIXED)]
    .filter((one) => one.distance <= NEAR_CHARS)
    .sort((a, b) => a.distance - b.distance)
  const far = digits.filter((one) => one.distance > NEAR_CHARS && !/^(?:19|20)\d\d$/.test(one.code))
  return [...new Set([...near, ...far].map(({ code }) => code))]
}

interface Found {
  readonly code: string
  readonly distance: number
}

/** Returns the URLs in plain text, in order and without duplicates or the punctuation around them. RFC 3986 appendix C. */
export function textLinks(text: string): string[] {
  const found = text.match(/\b(?:https?|ftp):\/\/[^\s<>"]+|\bmailto:[^\s<>"]+/gi) ?? []
  return [...new Set(found.map(withoutPunctuation))]
}

function withoutPunctuation(link: string): string {
  const opened = link.split('(').length
  let closed = link.split(')').length
  let end = link.length
  for (;;) {
    const unopened = link[end - 1] === ')' && closed > opened
    if (unopened) closed--
    else if (!/[.,;:!?'\]}*]/.test(link[end - 1] ?? '')) return link.slice(0, end)
    end--
  }
}
