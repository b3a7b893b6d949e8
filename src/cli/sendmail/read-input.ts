/** A line with a single dot, after the end of the line before it. */
const DOT_LINE = /\n\.\r?\n/
/** Octets in which the beginning of such a line fits. */
const OVERLAP = 3
const DOT = 0x2e
const LF = 0x0a

/**
 * Reads a message from standard input.
 * @param dotEnds whether a line with a single dot ends it, as where `-i` is not given
 */
export async function readInput(stream: AsyncIterable<Buffer>, dotEnds: boolean): Promise<Buffer> {
  const chunks: Buffer[] = []
  let octets = 0
  let before = '\n'
  for await (const chunk of stream) {
    chunks.push(chunk)
    const text = dotEnds ? before + chunk.toString('latin1') : ''
    const found = DOT_LINE.exec(text)
    // `before` begins one octet before the message as long as it is the whole message.
    if (found) return Buffer.concat(chunks).subarray(0, octets - before.length + found.index + 1)
    octets += chunk.length
    before = text.slice(-OVERLAP)
  }
  const all = Buffer.concat(chunks)
  // The last line may have no line end.
  const endsInDot = all.at(-1) === DOT && (all.length === 1 || all.at(-2) === LF)
  return dotEnds && endsInDot ? all.subarray(0, -1) : all
}
