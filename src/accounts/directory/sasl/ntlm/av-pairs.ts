/** The attributes that this server reads or writes. MS-NLMP section 2.2.2.1. */
const ids = {
  endOfList: 0,
  netBiosComputer: 1,
  netBiosDomain: 2,
  dnsComputer: 3,
  dnsDomain: 4,
  flags: 6,
  timestamp: 7,
  channelBindings: 10,
} as const

type Attribute = Exclude<keyof typeof ids, 'endOfList'>

/** Encodes a list of attributes and its end. */
export function encodeAvPairs(pairs: readonly (readonly [Attribute, Buffer])[]): Buffer {
  const encoded = pairs.flatMap(([attribute, value]) => [header(ids[attribute], value.length), value])
  return Buffer.concat([...encoded, header(ids.endOfList, 0)])
}

function header(id: number, length: number): Buffer {
  const octets = Buffer.alloc(4)
  octets.writeUInt16LE(id, 0)
  octets.writeUInt16LE(length, 2)
  return octets
}

/**
 * Parses a list of attributes. The first of each kind counts. Windows adds octets after the end of the list, and some clients
 * send no end. Returns undefined if an attribute is longer than the list.
 */
export function parseAvPairs(list: Buffer): ReadonlyMap<number, Buffer> | undefined {
  const found = new Map<number, Buffer>()
  let at = 0
  while (at + 4 <= list.length) {
    const id = list.readUInt16LE(at)
    const length = list.readUInt16LE(at + 2)
    at += 4
    if (id === ids.endOfList) return found
    if (length > list.length - at) return undefined
    if (!found.has(id)) found.set(id, list.subarray(at, at + length))
    at += length
  }
  return found
}

/** Returns the value of an attribute. */
export const avValue = (pairs: ReadonlyMap<number, Buffer>, attribute: Attribute): Buffer | undefined =>
  pairs.get(ids[attribute])

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
export const fileTimeMs = (octets: Buffer): number => Number(octets.readBigInt64LE() / TICKS_PER_MS - EPOCH_OFFSET_MS)
