import {
  leftToRightCharacters,
  nonAsciiSpaces,
  prohibitedCharacters,
  removedCharacters,
  rightToLeftCharacters,
  unassignedCodePoints,
} from './tables.ts'

/** Whether a text is a query, such as a name at log-on, or is stored, such as a password. RFC 3454 section 7. */
type PreparedFor = 'query' | 'storage'

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/

/** The tables as regular expressions, made for the first text that is not ASCII. */
let expressions: ReturnType<typeof makeExpressions> | undefined

/**
 * Prepares a name or password for comparison. Returns undefined if it has prohibited characters, breaks the rules for
 * right-to-left text, or has code points that Unicode 3.2 does not assign, which only queries may have. RFC 4013.
 */
export function saslprep(text: string, preparedFor: PreparedFor = 'query'): string | undefined {
  if (PRINTABLE_ASCII.test(text)) return text
  expressions ??= makeExpressions()
  const is = expressions
  const prepared = text.replace(is.space, ' ').replace(is.removed, '').normalize('NFKC')
  if (is.prohibited.test(prepared) || !isBidirectional(prepared, is)) return undefined
  return preparedFor === 'storage' && is.unassigned.test(prepared) ? undefined : prepared
}

/** Prepares a name or password that a client sends. Returns one that RFC 4013 does not allow as it is: it will match nothing. */
export const prepareInput = (text: string): string => saslprep(text) ?? text

/** Prepares a password that the server knows. Keeps one that RFC 4013 does not allow as it is. */
export const prepareSecret = (password: string): string => saslprep(password, 'storage') ?? password

/** Right-to-left text has no left-to-right characters, and begins and ends with a right-to-left one. RFC 3454 section 6. */
function isBidirectional(text: string, is: NonNullable<typeof expressions>): boolean {
  if (!is.rightToLeft.test(text)) return true
  return !is.leftToRight.test(text) && is.rightToLeftEnds.test(text)
}

function makeExpressions() {
  const [right, left] = [classOf(rightToLeftCharacters), classOf(leftToRightCharacters)]
  return {
    space: new RegExp(classOf(nonAsciiSpaces), 'gu'),
    removed: new RegExp(classOf(removedCharacters), 'gu'),
    prohibited: new RegExp(classOf(prohibitedCharacters), 'u'),
    unassigned: new RegExp(classOf(unassignedCodePoints), 'u'),
    rightToLeft: new RegExp(right, 'u'),
    leftToRight: new RegExp(left, 'u'),
    rightToLeftEnds: new RegExp(`^${right}(?:.*${right})?$`, 'su'),
  }
}

/** Returns a character class for ranges such as `00AD 180B-180D`. */
const classOf = (ranges: string): string =>
  `[${ranges
    .trim()
    .replace(/[0-9A-F]+/g, '\\u{$&}')
    .replace(/\s+/g, '')}]`
