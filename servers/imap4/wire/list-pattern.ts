/**
 * Whether a mailbox name matches a LIST pattern: `*` stands for anything, `%` for anything within one level.
 * RFC 9051 section 6.3.9. Every place the pattern can be at is followed at once, so no pattern is slow.
 */
export function matchesPattern(name: string, text: string): boolean {
  // Wildcards in a row are one.
  const pattern = text.replace(/[*%]{2,}/g, (run) => (run.includes('*') ? '*' : '%'))
  let places = opened(pattern, new Set([0]))
  for (const char of name) {
    const next = new Set<number>()
    for (const place of places) {
      const wanted = pattern[place]
      if (wanted === '*' || (wanted === '%' && char !== '/')) next.add(place)
      else if (wanted === char) next.add(place + 1)
    }
    if (next.size === 0) return false
    places = opened(pattern, next)
  }
  return places.has(pattern.length)
}

/** A wildcard may stand for nothing: what can be behind it can be here. */
function opened(pattern: string, places: Set<number>): Set<number> {
  for (const place of places) if (pattern[place] === '*' || pattern[place] === '%') places.add(place + 1)
  return places
}
