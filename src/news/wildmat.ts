import { codePoints, type Glob, globMatches, parseGlob } from './glob.ts'

/** Whether a name is one of those that a wildmat chooses. */
export type Wildmat = (name: string) => boolean

/** Every name. */
export const everything: Wildmat = () => true

// RFC 3977 section 4.1: a pattern is not empty, and has none of these.
const PATTERN = /^[^\s,!\\[\]\p{Cc}]+$/u

/** A wildmat in its text form, `lab.*,!lab.private.*`; undefined where it is none. RFC 3977 section 4. */
export function parseWildmat(text: string): Wildmat | undefined {
  const patterns: { readonly negated: boolean; readonly glob: Glob }[] = []
  for (const part of text.split(',')) {
    const negated = part.startsWith('!')
    const pattern = negated ? part.slice(1) : part
    const glob = PATTERN.test(pattern) ? parseGlob(pattern) : undefined
    if (!glob) return undefined
    patterns.push({ negated, glob })
  }
  // RFC 3977 section 4.2: the rightmost pattern that matches decides.
  patterns.reverse()
  return (name) => {
    const codes = codePoints(name)
    const found = patterns.find(({ glob }) => globMatches(glob, codes))
    return found !== undefined && !found.negated
  }
}
