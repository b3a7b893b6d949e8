import { CR, LF } from '../../../mail/format/octets.ts'

const CRLF = Buffer.from('\r\n')

/** Yields a message with CRLF in place of each bare CR and LF, as the client of SMTP sends it. RFC 5321 section 2.3.8. */
export async function* withLineEnds(
  pieces: AsyncIterable<Buffer> | Iterable<Buffer>,
): AsyncGenerator<Buffer, void, void> {
  let last = 0
  for await (const piece of pieces) {
    const parts: Buffer[] = []
    let from = 0
    for (let at = 0; at < piece.length; at++) {
      const octet = piece[at] as number
      if (last === CR && octet !== LF) {
        // The CR is in the previous part, or in the previous piece.
        parts.push(piece.subarray(from, at), CRLF.subarray(1))
        from = at
      } else if (octet === LF && last !== CR) {
        parts.push(piece.subarray(from, at), CRLF.subarray(0, 1))
        from = at
      }
      last = octet
    }
    yield parts.length === 0 ? piece : Buffer.concat([...parts, piece.subarray(from)])
  }
  if (last === CR) yield CRLF.subarray(1)
}
