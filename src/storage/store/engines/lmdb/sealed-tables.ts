import { crc32 } from 'node:zlib'
import type { Database, DatabaseOptions, GetOptions, Key, RootDatabase } from 'lmdb'
import { countShortLived } from '../../../../core/octets/short-lived.ts'
import { StoreError } from '../../errors.ts'

/** Octets behind each value: the checksum of the value, and that of the value and its key. */
const SEAL_OCTETS = 8

/** The codec of a table. The package's encoders have these two functions. */
interface Codec {
  encode(value: unknown): Buffer
  decode(octets: Buffer, length?: number): unknown
}

/** Gets the next binary value that is read. Undefined: it gets a buffer of its own. */
let target: Buffer | undefined

const binary: Codec = {
  encode: (value) => value as Buffer,
  // The package reuses the memory that it reads into.
  decode: (octets, length = octets.length) => {
    if (!target || length > target.length) {
      countShortLived(length)
      return Buffer.from(octets.subarray(0, length))
    }
    octets.copy(target, 0, 0, length)
    return target.subarray(0, length)
  },
}

/** Reads a binary value into a buffer, and returns its view of it. A longer value is returned in a buffer of its own. */
export function readInto<K extends Key>(
  table: Database<Buffer, K>,
  key: K,
  into: Buffer,
  options?: GetOptions,
): Buffer | undefined {
  target = into
  try {
    return table.get(key, options)
  } finally {
    target = undefined
  }
}

/**
 * Adds checksums to the values of a table: LMDB has none, so a disk that changes octets would change messages. Reading
 * checks the value. `isSealOf` also checks that the value belongs to its key.
 */
class Seal implements Codec {
  /** Whether the package may reuse the memory of a value after `decode`. */
  readonly needsStableBuffer = false
  /** The key of the next value to encode. */
  key: Key = ''
  readonly #name: string
  readonly #codec: Codec
  /** The second checksum of the value that was decoded last. */
  #last = 0
  #lastValue = 0

  constructor(name: string, codec: Codec) {
    this.#name = name
    this.#codec = codec
  }

  encode(value: unknown): Buffer {
    const content = this.#codec.encode(value)
    const sealed = Buffer.allocUnsafe(content.length + SEAL_OCTETS)
    countShortLived(sealed.length)
    content.copy(sealed)
    const sum = crc32(content)
    sealed.writeUInt32LE(sum, content.length)
    sealed.writeUInt32LE(sumOf(this.key, sum), content.length + 4)
    return sealed
  }

  /** @throws StoreError `failed` if the octets are not those that were written */
  decode(octets: Buffer, length: unknown): unknown {
    const end = (typeof length === 'number' ? length : octets.length) - SEAL_OCTETS
    if (end < 0 || crc32(octets.subarray(0, end)) !== octets.readUInt32LE(end)) throw this.#damage()
    this.#lastValue = octets.readUInt32LE(end)
    this.#last = octets.readUInt32LE(end + 4)
    return this.#codec.decode(octets, end)
  }

  /** Returns whether the value that was decoded last was written with a key. */
  isOf(key: Key): boolean {
    return this.#last === sumOf(key, this.#lastValue)
  }

  #damage(): StoreError {
    return new StoreError(
      'failed',
      `the table ${this.#name} of the message store is damaged; run \`sealpost store check\`, and restore a backup`,
    )
  }
}

const sumOf = (key: Key, sum: number): number => crc32(JSON.stringify(key), sum)

const seals = new WeakMap<object, Seal>()

/** Opens a table whose values have checksums. */
export function openSealed<V, K extends Key>(env: RootDatabase, name: string, isBinary = false): Database<V, K> {
  const codec = isBinary ? binary : (env as unknown as { encoder: Codec }).encoder
  const seal = new Seal(name, codec)
  const table = env.openDB({ name, encoder: seal } as unknown as DatabaseOptions & { name: string }) as Database<V, K>
  // A read-only environment returns undefined for a table that does not exist.
  if (!table) return table
  // The package gives the encoder no key.
  for (const put of ['put', 'putSync'] as const) {
    const original = table[put]?.bind(table) as ((key: K, value: V, ...rest: unknown[]) => never) | undefined
    // A read-only environment has neither.
    if (!original) continue
    table[put] = (key: K, value: V, ...rest: unknown[]) => {
      seal.key = key
      return original(key, value, ...rest)
    }
  }
  seals.set(table, seal)
  return table
}

export const isSealed = (value: unknown): value is Database<unknown, Key> =>
  typeof value === 'object' && value !== null && seals.has(value)

/** Yields the keys of rows that are damaged or belong to another key. */
export function* damagedKeys(table: Database<unknown, Key>): Generator<Key> {
  for (const key of table.getKeys({})) {
    try {
      table.get(key)
      if (seals.get(table)?.isOf(key) === false) yield key
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      yield key
    }
  }
}
