const SEPARATOR = 0x2f
const STAR = 0x2a
const PERCENT = 0x25

/**
 * Compiles a LIST pattern: `*` matches anything, `%` anything within one level. The returned function takes time in
 * proportion to the pattern times the name at most. RFC 9051 section 6.3.9.
 */
export function listPattern(text: string): (name: string) => boolean {
  // Adjacent wildcards match the same as one.
  const pattern = text.replace(/[*%]{2,}/g, (run) => (run.includes('*') ? '*' : '%'))
  const literals = pattern.replace(/[*%]/g, '').length
  const prefix = /^[^*%]*/.exec(pattern)?.[0] ?? ''
  if (literals === pattern.length) return (name) => name === pattern
  return (name) => literals <= name.length && name.startsWith(prefix) && matchesRest(name, pattern, prefix.length)
}

/**
 * Returns what all names begin with that match a pattern, as far as names have it in every encoding, and whether that is
 * the whole pattern.
 */
export function literalStart(pattern: string): { readonly prefix: string; readonly isWhole: boolean } {
  // In modified UTF-7, `&` begins characters that are not ASCII. RFC 3501 section 5.1.3
  const [prefix = ''] = /^[ -~]*?(?=[%&*]|[^ -~]|$)/.exec(pattern) ?? []
  return { prefix, isWhole: prefix.length === pattern.length }
}

/** Matches the rest after the first `done` characters, which are equal. */
function matchesRest(name: string, pattern: string, done: number): boolean {
  // For each number of characters: whether the pattern so far matches that many characters of the name.
  const reached = new Uint8Array(name.length + 1)
  reached[done] = 1
  for (let i = done; i < pattern.length; i++) {
    const wanted = pattern.charCodeAt(i)
    if (wanted === STAR) reached.fill(1, reached.indexOf(1))
    else if (wanted === PERCENT) extendWithinLevel(reached, name)
    else advance(reached, name, wanted)
    if (!reached.includes(1)) return false
  }
  return reached[name.length] === 1
}

function extendWithinLevel(reached: Uint8Array, name: string): void {
  for (let at = 0; at < name.length; at++) {
    if (reached[at] === 1 && name.charCodeAt(at) !== SEPARATOR) reached[at + 1] = 1
  }
}

function advance(reached: Uint8Array, name: string, wanted: number): void {
  for (let at = name.length; at > 0; at--) {
    reached[at] = reached[at - 1] === 1 && name.charCodeAt(at - 1) === wanted ? 1 : 0
  }
  reached[0] = 0
}
