/** Octets in pieces, as they came: a large message is never copied into one buffer for the sake of it. */
export type Pieces = readonly Buffer[]

/** How many octets they are together. */
export function octetsOf(pieces: Pieces): number {
  let octets = 0
  for (const { length } of pieces) octets += length
  return octets
}

/** In one buffer: the piece itself where there is one only. */
export const joined = (pieces: Pieces): Buffer => (pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces))
