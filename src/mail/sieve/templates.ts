/** Strings with `${…}`: encoded characters and variables. */

/** A variable in a string: a name, a name in a namespace, or the number of a match variable. RFC 5229 section 3 */
export type Reference = { readonly namespace: '' | 'global'; readonly name: string } | { readonly match: number }

/** A string without variables, or its pieces. */
export type Template = string | readonly (string | Reference)[]

/** RFC 5228 section 2.4.2.4 */
const ENCODED = /\$\{(hex|unicode):([\s\da-f]*)\}/gi

/**
 * Decodes `${hex:…}` and `${unicode:…}`. RFC 5228 section 2.4.2.4.
 * @throws RangeError if a number is no character
 */
export function decodeCharacters(text: string): string {
  return text.replace(ENCODED, (whole: string, kind: string, digits: string) => {
    const numbers = digits.trim().split(/\s+/).filter(Boolean)
    if (kind.toLowerCase() === 'hex') {
      if (numbers.length === 0 || numbers.some((one) => one.length > 2)) return whole
      return Buffer.from(numbers.map((one) => Number.parseInt(one, 16))).toString('utf8')
    }
    const points = numbers.map((one) => Number.parseInt(one, 16))
    const wrong = points.findIndex((point) => point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
    if (wrong >= 0) throw new RangeError(`${numbers[wrong]} is not a character; use 0 to D7FF or E000 to 10FFFF`)
    return points.length === 0 ? whole : String.fromCodePoint(...points)
  })
}

/** RFC 5229 section 3. Other forms are text. */
const VARIABLE = /\$\{((?:[a-z_]\w*\.)*)(?:([a-z_]\w*)|(\d+))\}/gi

/**
 * Finds the variables in a string.
 * @param hasGlobals whether the namespace `global` exists (RFC 6609 section 3.4.2)
 * @throws RangeError if a namespace is unknown
 */
export function templateOf(text: string, hasGlobals: boolean): Template {
  const pieces: (string | Reference)[] = []
  let at = 0
  for (const { 0: whole, 1: space = '', 2: name, 3: number, index } of text.matchAll(VARIABLE)) {
    if (index > at) pieces.push(text.slice(at, index))
    at = index + whole.length
    const isGlobal = space.toLowerCase() === 'global.' && hasGlobals && name !== undefined
    if (space !== '' && !isGlobal)
      throw new RangeError(`unknown variable ${whole}; only \${global.name} has a dot, with require "include"`)
    pieces.push(
      name === undefined
        ? { match: Number(number) }
        : { namespace: isGlobal ? 'global' : '', name: name.toLowerCase() },
    )
  }
  if (pieces.length === 0) return text
  return at < text.length ? [...pieces, text.slice(at)] : pieces
}

/** A name that `set` and `global` may define. RFC 5229 section 3 */
export const isVariableName = (name: string): boolean => /^[a-z_]\w*$/i.test(name)
