import type { Pieces } from '../common/pieces.ts'
import { StoreError } from './errors.ts'
import type { NewMessage } from './types.ts'

/**
 * A message in pieces: at once where it is there already, read to its end where it is not.
 * @throws StoreError `no-space` as soon as it is larger than `maxOctets`
 */
export function inPieces(raw: NewMessage['raw'], maxOctets: number): Pieces | Promise<Pieces> {
  if (Buffer.isBuffer(raw)) return [raw]
  return Symbol.asyncIterator in raw ? gather(raw, maxOctets) : raw
}

async function gather(coming: AsyncIterable<Buffer>, maxOctets: number): Promise<Pieces> {
  const gathered: Buffer[] = []
  let octets = 0
  for await (const piece of coming) {
    octets += piece.length
    if (octets > maxOctets) throw noSpace(maxOctets)
    gathered.push(piece)
  }
  return gathered
}

export const noSpace = (maxOctets: number): StoreError =>
  new StoreError('no-space', `the store is full: ${maxOctets} octets are free`)
