const CRLF = Buffer.from('\r\n', 'latin1')
const BLANK_LINE = Buffer.from('\r\n\r\n', 'latin1')

/**
 * The header, the blank line and the first lines of the body of a message, or of its beginning. Undefined where the
 * beginning is too short to hold them. A message without body gets its blank line all the same. RFC 1939 section 7, TOP.
 */
export function topOf(beginning: Buffer, lines: number, isWhole: boolean): Buffer | undefined {
  const body = bodyOffset(beginning)
  if (body === -1) return isWhole ? withBlankLine(beginning) : undefined
  let end = body
  for (let line = 0; line < lines; line++) {
    const at = beginning.indexOf(CRLF, end)
    if (at === -1) return isWhole ? beginning : undefined
    end = at + CRLF.length
  }
  return beginning.subarray(0, end)
}

function bodyOffset(message: Buffer): number {
  if (message.subarray(0, 2).equals(CRLF)) return CRLF.length
  const at = message.indexOf(BLANK_LINE)
  return at === -1 ? -1 : at + BLANK_LINE.length
}

function withBlankLine(header: Buffer): Buffer {
  return Buffer.concat(header.subarray(-2).equals(CRLF) || header.length === 0 ? [header, CRLF] : [header, BLANK_LINE])
}
