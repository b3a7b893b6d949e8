import type { Pieces } from '../pieces.ts'
import { StoreError } from './errors.ts'

/** Reads a message to its end. @throws StoreError `no-space` as soon as it is larger than `maxOctets` */
export async function gather(
  pieces: Pieces | AsyncIterable<Buffer>,
  maxOctets = Number.POSITIVE_INFINITY,
): Promise<Buffer> {
  const gathered: Buffer[] = []
  let octets = 0
  for await (const piece of pieces) {
    octets += piece.length
    if (octets > maxOctets) throw noSpace(maxOctets)
    gathered.push(piece)
  }
  return gathered.length === 1 ? (gathered[0] as Buffer) : Buffer.concat(gathered, octets)
}

export const noSpace = (maxOctets: number): StoreError =>
  new StoreError('no-space', `the store is full: ${maxOctets} octets are free`)
