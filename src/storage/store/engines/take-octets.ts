import { joinPieces, type Pieces } from '../../../core/octets/pieces.ts'
import type { NewMessage } from '../types.ts'

/** Returns the end of a message, at least its last two octets if it has as many. */
function tailOf(pieces: Pieces): Buffer {
  let at = pieces.length - 1
  let tail = pieces[at] ?? NOTHING
  while (tail.length < 2 && at > 0) tail = Buffer.concat([pieces[--at] as Buffer, tail])
  return tail
}

/** Returns a copy of the last two octets of a message: a view would keep all of its octets in memory. */
export const endingOf = (pieces: Pieces): Buffer => Buffer.from(tailOf(pieces).subarray(-2))

/** Returns whether a message has octets, but does not end with CRLF. */
export function lacksLineEnd(pieces: Pieces): boolean {
  const tail = tailOf(pieces)
  return tail.length > 0 && (tail.at(-1) !== LF || tail.at(-2) !== CR)
}

const NOTHING = Buffer.alloc(0)
const [CR, LF] = [0x0d, 0x0a]

/**
 * Reads a message to its end. A large one is written as it arrives.
 * @param pieceOctets each write but the last has a multiple of it
 * @param bufferedPieces as many pieces are gathered before they are written
 * @param write writes the next octets; `before` is what it returned for those before them
 * @returns the octets, or what the last `write` returned
 * @throws what the message's iterable and `write` throw
 */
export async function takeOctets<Written>(
  message: NewMessage['raw'],
  pieceOctets: number,
  write: (octets: Buffer, before: Written | undefined) => Promise<Written>,
  bufferedPieces = 4,
): Promise<Buffer | Written> {
  if (Buffer.isBuffer(message)) return message
  if (!(Symbol.asyncIterator in message)) return joinPieces(message)
  let buffered: Buffer[] = []
  let octets = 0
  let written: Written | undefined
  for await (const piece of message) {
    buffered.push(piece)
    octets += piece.length
    if (octets < bufferedPieces * pieceOctets) continue
    const all = Buffer.concat(buffered, octets)
    const whole = octets - (octets % pieceOctets)
    written = await write(all.subarray(0, whole), written)
    // A copy, because a view would keep all of the written octets in memory.
    buffered = [Buffer.from(all.subarray(whole))]
    octets -= whole
  }
  const rest = buffered.length === 1 ? (buffered[0] as Buffer) : Buffer.concat(buffered, octets)
  return written === undefined ? rest : write(rest, written)
}
