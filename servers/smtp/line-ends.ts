const LF = 0x0a
const CR = 0x0d
const CRLF = Buffer.from('\r\n', 'latin1')

/**
 * Octets with every bare LF made a CRLF; the same Buffer where there is none. A bare LF ends neither a command's data nor
 * a line of it (RFC 5321 section 2.3.8), so it is content; but handed on as it came, readers that do end lines at it could
 * be made to see a message's end, or another message, inside (SMTP smuggling, CVE-2023-51764 and its siblings).
 */
export function normalizeLineEnds(block: Buffer): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (let at = block.indexOf(LF); at !== -1; at = block.indexOf(LF, at + 1)) {
    if (at > 0 && block[at - 1] === CR) continue
    parts.push(block.subarray(from, at), CRLF)
    from = at + 1
  }
  return parts.length === 0 ? block : Buffer.concat([...parts, block.subarray(from)])
}
