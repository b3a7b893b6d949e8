const LF = 0x0a
const CR = 0x0d
const NEAR_OCTETS = 8

/**
 * Octets with every bare LF made a CRLF; the same Buffer where there is none. A bare LF ends neither a command's data nor
 * a line of it (RFC 5321 section 2.3.8), so it is content; but handed on as it came, readers that do end lines at it could
 * be made to see a message's end, or another message, inside (SMTP smuggling, CVE-2023-51764 and its siblings).
 */
export function normalizeLineEnds(block: Buffer): Buffer {
  const bare = countBareLineFeeds(block)
  if (bare === 0) return block
  const out = Buffer.allocUnsafe(block.length + bare)
  let written = 0
  for (let at = 0, before = 0; at < block.length; at++) {
    const octet = block[at] as number
    if (octet === LF && before !== CR) out[written++] = CR
    out[written++] = octet
    before = octet
  }
  return out
}

function countBareLineFeeds(block: Buffer): number {
  let count = 0
  for (let at = nextLineFeed(block, 0); at !== -1; at = nextLineFeed(block, at + 1)) {
    if (at === 0 || block[at - 1] !== CR) count++
  }
  return count
}

/** Lines may be so short that a call for each would cost more than a look at their octets. */
function nextLineFeed(block: Buffer, from: number): number {
  const near = Math.min(from + NEAR_OCTETS, block.length)
  for (let at = from; at < near; at++) if (block[at] === LF) return at
  return block.indexOf(LF, near)
}
