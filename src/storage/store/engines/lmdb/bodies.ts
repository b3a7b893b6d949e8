import { largeBuffer } from '../../../../core/octets/large-buffer.ts'
import { StoreError } from '../../errors.ts'
import type { StoredBlob } from '../plan.ts'
import type { Committed, ReadOptions } from './committed.ts'
import { readInto } from './sealed-tables.ts'
import { PIECE_OCTETS, type Tables } from './tables.ts'

/** A blob that was written while its message arrived. No entry refers to it yet. */
export interface StreamedBlob {
  readonly blob: number
  readonly sizeOctets: number
  /** Its last two octets. */
  readonly ending: Buffer
}

const NOTHING = Buffer.alloc(0)

/** Key of the piece that comes before the octets of a streamed blob. */
const PREFIX_PIECE = -1

/** The octets of messages, stored in pieces so that a part of a large message is read without the rest. */
export class Bodies {
  readonly #tables: Tables
  readonly #committed: Committed
  #tag = ''
  /** Number of streams, in or out, per blob. */
  readonly #streams = new Map<number, number>()
  /** Blobs removed by a transaction that is not flushed yet. Readers still see the state before it. */
  readonly #removedUnflushed = new Set<number>()

  constructor(tables: Tables, committed: Committed) {
    this.#tables = tables
    this.#committed = committed
    this.useTag(String(tables.meta.get('tag') ?? ''))
  }

  /** Names blobs after the tag of the store. */
  useTag(tag: string): void {
    this.#tag = `L${tag}-`
  }

  /** Returns the name by which entries refer to a blob. It starts with the store's tag, so it differs from other stores'. */
  readonly nameOf = (blob: number): string => this.#tag + blob.toString(36)

  numberOf(name: string): number {
    return Number.parseInt(name.slice(this.#tag.length), 36)
  }

  /** Writes a blob for `holders` entries. Call it within a transaction. */
  put(blob: number, octets: Buffer, holders: number): void {
    this.putPieces(blob, 0, octets)
    if (holders > 1) this.#tables.writes.put(this.#tables.holders, blob, holders)
  }

  /** Writes pieces of a blob. All but its last piece must be full. Call it within a transaction. */
  putPieces(blob: number, firstPiece: number, octets: Buffer): void {
    for (let at = 0, piece = firstPiece; at < octets.length; at += PIECE_OCTETS, piece++) {
      this.#tables.writes.put(this.#tables.bodies, [blob, piece], octets.subarray(at, at + PIECE_OCTETS))
    }
  }

  /** Makes a streamed blob the body of a message. Returns the message's octets. Call it within a transaction. */
  adopt({ blob, sizeOctets }: Omit<StreamedBlob, 'ending'>, prefix: Buffer | undefined, holders: number): number {
    this.#tables.doomed.removeSync(blob)
    if (prefix?.length) this.#tables.bodies.putSync([blob, PREFIX_PIECE], prefix)
    if (holders > 1) this.#tables.holders.putSync(blob, holders)
    return sizeOctets + (prefix?.length ?? 0)
  }

  /** Notes one more entry of a blob. Call it within a transaction. */
  hold(blob: number): void {
    this.#tables.holders.putSync(blob, (this.#tables.holders.get(blob) ?? 1) + 1)
  }

  /**
   * Notes that an entry of a blob was deleted. Removes the blob with the last one, or marks it as doomed while a session
   * streams it. Call it within a transaction.
   */
  release(blob: number): void {
    const left = (this.#tables.holders.get(blob) ?? 1) - 1
    if (left > 1) this.#tables.holders.putSync(blob, left)
    else if (left === 1) this.#tables.holders.removeSync(blob)
    else if (this.#streams.has(blob)) this.#tables.doomed.putSync(blob, true)
    else this.remove(blob)
  }

  /** Removes a blob. Call it within a transaction. */
  remove(blob: number): void {
    const { bodies, doomed, overviews } = this.#tables
    for (const key of [...bodies.getKeys(piecesOf(blob))]) bodies.removeSync(key)
    doomed.removeSync(blob)
    overviews.removeSync(blob)
    this.#removedUnflushed.add(blob)
  }

  /** Forgets which blobs were removed by transactions. Call it when all transactions are flushed. */
  flushed(): void {
    this.#removedUnflushed.clear()
  }

  /** Removes doomed blobs that no session streams: deleted and incomplete messages. Call it within a transaction. */
  removeDoomed(): void {
    for (const blob of [...this.#tables.doomed.getKeys({})]) if (!this.#streams.has(blob)) this.remove(blob)
  }

  /** Keeps a blob from being removed while it is streamed. Returns a function that ends this. */
  use(blob: number): () => void {
    this.#streams.set(blob, (this.#streams.get(blob) ?? 0) + 1)
    return () => {
      const left = (this.#streams.get(blob) ?? 1) - 1
      if (left > 0) this.#streams.set(blob, left)
      else this.#streams.delete(blob)
    }
  }

  /** Returns a message's octets from `start` to `end`, or undefined if its blob was removed. */
  read({ blob, sizeOctets }: StoredBlob, start = 0, end = sizeOctets, options?: ReadOptions): Buffer | undefined {
    return this.#read(
      this.numberOf(blob),
      sizeOctets,
      Math.min(start, sizeOctets),
      Math.min(end, sizeOctets),
      options ?? this.#committed.now,
    )
  }

  #read(blob: number, sizeOctets: number, start: number, end: number, state: ReadOptions): Buffer | undefined {
    // Only streamed blobs have a prefix piece, and a message of one piece was not streamed.
    const prefix = sizeOctets > PIECE_OCTETS ? this.#tables.bodies.get([blob, PREFIX_PIECE], state) : undefined
    if (!prefix) return this.#readPieces(blob, start, end, state)
    const after = this.#readPieces(blob, Math.max(0, start - prefix.length), Math.max(0, end - prefix.length), state)
    return after && Buffer.concat([prefix.subarray(start, end), after])
  }

  #readPieces(blob: number, start: number, end: number, state: ReadOptions): Buffer | undefined {
    const { bodies } = this.#tables
    const first = Math.floor(start / PIECE_OCTETS)
    const from = first * PIECE_OCTETS
    if (end <= from) return NOTHING
    if (end - from <= PIECE_OCTETS) return bodies.get([blob, first], state)?.subarray(start - from, end - from)
    // One buffer: a large message in pieces and as a whole would take twice its memory.
    const joined = largeBuffer(end - from)
    for (let at = 0, piece = first; at < joined.length; at += PIECE_OCTETS, piece++) {
      const rest = joined.subarray(at)
      const octets = readInto(bodies, [blob, piece], rest, state)
      if (!octets || octets.length < Math.min(PIECE_OCTETS, rest.length)) return undefined
      if (octets.length > rest.length) octets.copy(rest)
    }
    return joined.subarray(start - from)
  }

  /**
   * Yields a message's octets piece by piece. If the message is expunged during this, its octets stay until the stream
   * ends. Then `doomedEnded` is called, so that they can be removed.
   */
  async *stream(
    { blob: name, sizeOctets }: StoredBlob,
    start = 0,
    end = sizeOctets,
    doomedEnded: () => void = () => {},
  ): AsyncGenerator<Buffer, void, void> {
    const blob = this.numberOf(name)
    const last = Math.min(end, sizeOctets)
    const release = this.use(blob)
    try {
      using before = this.#removedUnflushed.has(blob) ? this.#committed.hold() : undefined
      for (let at = Math.min(start, sizeOctets); at < last; ) {
        const next = Math.min(last, (Math.floor(at / PIECE_OCTETS) + 1) * PIECE_OCTETS)
        before?.check()
        const octets = this.#read(blob, sizeOctets, at, next, before ?? this.#committed.now)
        if (!octets) throw new StoreError('not-found', `the octets of a message from ${at} on are missing`)
        yield octets
        at = next
      }
    } finally {
      release()
      if (!this.#streams.has(blob) && !this.#committed.isClosed && this.#tables.doomed.get(blob)) doomedEnded()
    }
  }
}

/** Returns the range of keys of a blob's pieces. */
export const piecesOf = (blob: number): { start: [number, number]; end: [number, number] } => ({
  start: [blob, PREFIX_PIECE],
  end: [blob, Number.MAX_SAFE_INTEGER],
})

/** Returns all octets of a blob. */
export const blobOctets = ({ bodies }: Pick<Tables, 'bodies'>, blob: number): Buffer =>
  Buffer.concat(Array.from(bodies.getRange(piecesOf(blob)), ({ value }) => value))
