import { type Pieces, viewsOf } from '../../core/octets/pieces.ts'
import { type Field, splitFields } from './signed-fields.ts'

/** The octets of a message: in pieces, or read again at each call. */
export type MessageOctets = Pieces | (() => AsyncIterable<Buffer>)

/** A message with its header read. */
export interface SplitMessage {
  readonly header: Buffer
  readonly fields: readonly Field[]
  /** Yields the body in small pieces. */
  body(): AsyncIterable<Buffer>
}

/** The largest header that is authenticated or signed, OpenDKIM's default (MaximumHeaders). */
export const MAX_HEADER_OCTETS = 64 * 1024

/** Octets of a body that are hashed in one go. */
const VIEW_OCTETS = 64 * 1024

const HEADER_ENDS = [Buffer.from('\r\n\r\n'), Buffer.from('\n\n')]

/** Reads the header of a message. Returns undefined if the header is too large. */
export async function splitMessage(octets: MessageOctets): Promise<SplitMessage | undefined> {
  let start: Buffer = Buffer.alloc(0)
  for await (const piece of piecesOf(octets)) {
    start = start.length === 0 ? piece : Buffer.concat([start, piece])
    if (start.length > MAX_HEADER_OCTETS || headerEnd(start) !== undefined) break
  }
  const end = headerEnd(start) ?? start.length
  if (end > MAX_HEADER_OCTETS) return undefined
  const header = start.subarray(0, end)
  return {
    header,
    fields: splitFields(header),
    async *body() {
      let at = 0
      for await (const piece of piecesOf(octets)) {
        const rest = piece.subarray(Math.max(0, end - at))
        at += piece.length
        yield* viewsOf(rest, VIEW_OCTETS)
      }
    },
  }
}

async function* piecesOf(octets: MessageOctets): AsyncGenerator<Buffer, void, void> {
  yield* typeof octets === 'function' ? octets() : octets
}

/** Returns the start of the body; undefined if no empty line is there. */
function headerEnd(start: Buffer): number | undefined {
  if (start[0] === 0x0a) return 1
  if (start[0] === 0x0d && start[1] === 0x0a) return 2
  const ends = HEADER_ENDS.flatMap((end) => {
    const at = start.indexOf(end)
    return at === -1 ? [] : [at + end.length]
  })
  return ends.length === 0 ? undefined : Math.min(...ends)
}
