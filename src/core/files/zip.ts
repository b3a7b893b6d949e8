import { promisify } from 'node:util'
import { crc32, deflateRaw } from 'node:zlib'

const deflate = promisify(deflateRaw)

/** A file of an archive. */
export interface ZipEntry {
  readonly name: string
  readonly octets: Buffer
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number
}

const LOCAL_FILE = 0x04034b50
const CENTRAL_FILE = 0x02014b50
const END = 0x06054b50
/** Version 2.0, for DEFLATE. */
const VERSION = 20
const DEFLATED = 8
/** The name is in UTF-8. */
const UTF8 = 0x0800
/** The highest count that the headers can hold without the extensions for large archives. */
export const MAX_ZIP_ENTRIES = 0xffff

/** Returns an archive of files. https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT section 4.3 */
export async function zipOf(entries: AsyncIterable<ZipEntry>): Promise<Buffer> {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  let count = 0
  for await (const { name, octets, modifiedAt } of entries) {
    const packed = await deflate(octets)
    const common = commonHeader({ octets, packed, modifiedAt, name: Buffer.from(name) })
    parts.push(numbers([LOCAL_FILE, 4]), common, Buffer.from(name), packed)
    // The version that made it, and after the common fields: comment, disk, attributes, and the place of the file.
    const more = numbers([0, 2], [0, 2], [0, 2], [0, 4], [offset, 4])
    directory.push(numbers([CENTRAL_FILE, 4], [VERSION, 2]), common, more, Buffer.from(name))
    offset += 4 + common.length + Buffer.byteLength(name) + packed.length
    count++
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0)
  const end = numbers([END, 4], [0, 2], [0, 2], [count, 2], [count, 2], [size, 4], [offset, 4], [0, 2])
  return Buffer.concat([...parts, ...directory, end])
}

interface Content {
  readonly octets: Buffer
  readonly packed: Buffer
  readonly modifiedAt: number
  readonly name: Buffer
}

/** Returns the fields that the header of a file and its entry in the directory share. */
function commonHeader({ octets, packed, modifiedAt, name }: Content): Buffer {
  const { time, date } = dosTime(new Date(modifiedAt))
  return numbers(
    ...([
      [VERSION, 2],
      [UTF8, 2],
      [DEFLATED, 2],
      [time, 2],
      [date, 2],
      [crc32(octets), 4],
      [packed.length, 4],
      [octets.length, 4],
      [name.length, 2],
      [0, 2],
    ] as const),
  )
}

/** Returns a time in the form of MS-DOS, in UTC. It begins in 1980 and counts in steps of two seconds. */
function dosTime(at: Date): { time: number; date: number } {
  const year = Math.min(Math.max(at.getUTCFullYear(), 1980), 2107) - 1980
  return {
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
    date: (year << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
  }
}

/** Returns numbers in little-endian order, each with its length in octets. */
function numbers(...list: readonly (readonly [value: number, octets: 2 | 4])[]): Buffer {
  const buffer = Buffer.alloc(list.reduce((sum, [, octets]) => sum + octets, 0))
  let at = 0
  for (const [value, octets] of list) at = buffer.writeUIntLE(value, at, octets)
  return buffer
}
