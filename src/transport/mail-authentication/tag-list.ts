/** The tags of a DKIM signature or of a record, in order. */
export type Tags = ReadonlyMap<string, string>

const WHITE_SPACE = /[ \t\r\n]+/g

/**
 * Parses a tag=value list. Values keep inner white space; `withoutSpace` removes it. RFC 6376 section 3.2.
 * @returns undefined for a syntax error, such as a tag that occurs twice
 */
export function parseTags(text: string): Tags | undefined {
  const tags = new Map<string, string>()
  const parts = text.split(';')
  for (const [index, part] of parts.entries()) {
    const equals = part.indexOf('=')
    const isLast = index === parts.length - 1
    if (equals === -1) {
      if (isLast && part.trim() === '') break
      return undefined
    }
    const name = part.slice(0, equals).trim()
    if (!/^[a-z][a-z0-9_]*$/i.test(name) || tags.has(name)) return undefined
    tags.set(name, part.slice(equals + 1).trim())
  }
  return tags
}

/** Returns a value without white space. */
export const withoutSpace = (value: string): string => value.replace(WHITE_SPACE, '')

/** Returns the items of a list with colons between them. */
export const listOf = (value: string): string[] => value.split(':').map((item) => item.trim())
