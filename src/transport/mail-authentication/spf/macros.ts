/** Returns the value of a macro letter in lower case; undefined for an unknown letter. RFC 7208 section 7.2. */
type MacroValue = (letter: string) => string | undefined

const MACRO = /%(?:\{([a-z])(\d*)(r?)([.+,/_=-]*)\}|([%_-])|)/gi

const ESCAPES: Readonly<Record<string, string>> = { '%': '%', _: ' ', '-': '%20' }

/** Expands the macros of a text. Returns undefined for a syntax error. RFC 7208 section 7.3. */
export function expandMacros(text: string, valueOf: MacroValue): string | undefined {
  let isValid = true
  const expanded = text.replace(
    MACRO,
    (_, letter?: string, digits = '', reverse = '', delimiters = '', escape = '') => {
      const value = letter === undefined ? ESCAPES[escape] : valueOf(letter.toLowerCase())
      // The number of labels must not be zero. RFC 7208 section 7.1
      if (value === undefined || /^0+$/.test(digits)) {
        isValid = false
        return ''
      }
      if (letter === undefined) return value
      const parts = partsOf(value, delimiters)
      if (reverse !== '') parts.reverse()
      const kept = parts.slice(digits === '' ? 0 : -Number(digits)).join('.')
      return letter === letter.toLowerCase() ? kept : urlEscaped(kept)
    },
  )
  return isValid ? expanded : undefined
}

/** Splits a value at each of the delimiters; without delimiters, at periods. RFC 7208 section 7.3. */
function partsOf(value: string, delimiters: string): string[] {
  const [first = '.', ...others] = new Set(delimiters)
  return others.reduce((text, one) => text.replaceAll(one, first), value).split(first)
}

/** Escapes what is not `unreserved` in RFC 3986. RFC 7208 section 7.3. */
const urlEscaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
