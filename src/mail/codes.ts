/** Digits alone, or two groups with a hyphen or space between, maybe behind a prefix as in `G-123456`. */
const DIGITS = /(?<![\w.,/:@#%$€£¥+-])(?:[A-Z]-)?(\d{3}[- ]\d{3}|\d{4}[- ]\d{4}|\d{4,8})(?![\w/:@%€]|[.,-]\d)/g
/** Capitals and digits mixed, as in `7F3K-9QZP`. */
const MIXED = /(?<![\w.,/:@#-])(?=[A-Z-]*\d)(?=[\d-]*[A-Z])([A-Z0-9]{5,10}|[A-Z0-9]{3,5}-[A-Z0-9]{3,5})(?![\w/:@-])/g
const WORDS =
  /\b(?:code|codes|otp|pin|passcode|password|token|one[- ]time|verification|verify|confirm|einmal\w*|kennwort|bestätigung\w*)\b|コード|番号|验证码|驗證碼|인증/giu

/** How far a word that announces a code may be from it, in characters. */
const NEAR = 80

/**
 * What looks like a one-time password in a text, most likely first: numbers of four to eight digits and mixed codes, near
 * a word such as "code" before others; mixed ones count only there. Spaces and hyphens inside numbers are removed.
 */
export function codes(text: string): string[] {
  const plain = text.replace(/\b\w+:\/\/\S+/g, (link) => ' '.repeat(link.length))
  const words = Array.from(plain.matchAll(WORDS), ({ index }) => index)
  const near = (at: number): boolean => words.some((word) => at >= word - NEAR / 2 && at <= word + NEAR)
  const digits = Array.from(plain.matchAll(DIGITS), ({ index, 1: code = '' }) => ({
    index,
    code: code.replace(/[- ]/g, ''),
  }))
  const mixed = Array.from(plain.matchAll(MIXED), ({ index, 1: code = '' }) => ({ index, code }))
  const likely = [...digits, ...mixed].filter(({ index }) => near(index)).sort((a, b) => a.index - b.index)
  const rest = digits.filter(({ index, code }) => !near(index) && !/^(?:19|20)\d\d$/.test(code))
  return [...new Set([...likely, ...rest].map(({ code }) => code))]
}
