/** Milliseconds from 1601, where FILETIME begins, to 1970. MS-DTYP section 2.3.3. */
const EPOCH_OFFSET_MS = 11_644_473_600_000n
const TICKS_PER_MS = 10_000n

/** Encodes a time as FILETIME: steps of 100 nanoseconds since 1601, in 8 octets. @param timeMs milliseconds since 1970 */
export function fileTime(timeMs: number): Buffer {
  const octets = Buffer.alloc(8)
  octets.writeBigInt64LE((BigInt(Math.round(timeMs)) + EPOCH_OFFSET_MS) * TICKS_PER_MS)
  return octets
}

/** Decodes a FILETIME to milliseconds since 1970. */
export const timeOf = (octets: Buffer): number => Number(octets.readBigInt64LE() / TICKS_PER_MS - EPOCH_OFFSET_MS)
