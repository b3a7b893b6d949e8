import { codePoints, type Glob, globMatches, parseGlob } from '../../core/text/glob.ts'

/** Returns whether a wildmat selects a name. */
export type Wildmat = (name: string) => boolean

/** Selects every name. */
export const everything: Wildmat = () => true

/** A pattern is not empty and has none of these characters. RFC 3977 section 4.1. */
const PATTERN = /^[^\s,!\\[\]\p{Cc}]+$/u

/** Parses a wildmat such as `lab.*,!lab.private.*`. Returns undefined if it is invalid. RFC 3977 section 4. */
export function parseWildmat(text: string): Wildmat | undefined {
  const patterns: { readonly negated: boolean; readonly glob: Glob }[] = []
  for (const part of text.split(',')) {
    const negated = part.startsWith('!')
    const pattern = negated ? part.slice(1) : part
    const glob = PATTERN.test(pattern) ? parseGlob(pattern, 'wildmat') : undefined
    if (!glob) return undefined
    patterns.push({ negated, glob })
  }
  patterns.reverse() // RFC 3977 section 4.2: the rightmost matching pattern decides
  return (name) => {
    const codes = codePoints(name)
    const found = patterns.find(({ glob }) => globMatches(glob, codes))
    return found !== undefined && !found.negated
  }
}
