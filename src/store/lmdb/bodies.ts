import { StoreError } from '../types.ts'
import type { Committed, ReadOptions } from './committed.ts'
import { PIECE_OCTETS, type Tables } from './tables.ts'

/** A message whose octets came in pieces and are in the store already, for no entry to find yet. */
export interface StreamedBlob {
  readonly blob: number
  readonly sizeOctets: number
}

/** What is put in front of the octets of a blob that was streamed. */
const PREFIX_PIECE = -1

/** The octets of messages, in pieces: a small part of a large message is read without the rest. */
export class Bodies {
  readonly #tables: Tables
  readonly #committed: Committed
  readonly #tag: string
  /** Blobs that are being streamed, out or in, and to how many. */
  readonly #users = new Map<number, number>()
  /** Blobs that a transaction removed which is not on disk yet: whoever finds them now is told of what was before it. */
  readonly #leaving = new Set<number>()

  constructor(tables: Tables, committed: Committed) {
    this.#tables = tables
    this.#committed = committed
    this.#tag = `L${tables.meta.get('tag') ?? ''}-`
  }

  /** The name under which entries show a blob: unlike that of any other store's. */
  readonly nameOf = (blob: number): string => this.#tag + blob.toString(36)

  numberOf(name: string): number {
    return Number.parseInt(name.slice(this.#tag.length), 36)
  }

  /** Within a transaction. */
  put(blob: number, octets: Buffer, holders: number): void {
    this.putPieces(blob, 0, octets)
    if (holders > 1) this.#tables.holders.putSync(blob, holders)
  }

  /** Within a transaction. All but the last piece of a blob are whole. */
  putPieces(blob: number, firstPiece: number, octets: Buffer): void {
    for (let at = 0, piece = firstPiece; at < octets.length; at += PIECE_OCTETS, piece++) {
      this.#tables.bodies.putSync([blob, piece], octets.subarray(at, at + PIECE_OCTETS))
    }
  }

  /** Within a transaction: what was streamed is a message now. Returns its octets. */
  adopt({ blob, sizeOctets }: StreamedBlob, prefix: Buffer | undefined, holders: number): number {
    this.#tables.doomed.removeSync(blob)
    if (prefix?.length) this.#tables.bodies.putSync([blob, PREFIX_PIECE], prefix)
    if (holders > 1) this.#tables.holders.putSync(blob, holders)
    return sizeOctets + (prefix?.length ?? 0)
  }

  /** Within a transaction. */
  hold(blob: number): void {
    this.#tables.holders.putSync(blob, (this.#tables.holders.get(blob) ?? 1) + 1)
  }

  /** Within a transaction. What someone is still reading stays for the while. */
  release(blob: number): void {
    const left = (this.#tables.holders.get(blob) ?? 1) - 1
    if (left > 1) this.#tables.holders.putSync(blob, left)
    else if (left === 1) this.#tables.holders.removeSync(blob)
    else if (this.#users.has(blob)) this.#tables.doomed.putSync(blob, true)
    else this.remove(blob)
  }

  /** Within a transaction. */
  remove(blob: number): void {
    const { bodies, doomed, overviews } = this.#tables
    for (const key of [...bodies.getKeys(piecesOf(blob))]) bodies.removeSync(key)
    doomed.removeSync(blob)
    overviews.removeSync(blob)
    this.#leaving.add(blob)
  }

  /** What was removed is gone for everyone. */
  durable(): void {
    this.#leaving.clear()
  }

  /** Within a transaction. Octets that were kept for a reader only, and what never came to its end. */
  removeDoomed(): void {
    for (const blob of [...this.#tables.doomed.getKeys({})]) if (!this.#users.has(blob)) this.remove(blob)
  }

  /** Someone streams it now, in or out: it is not removed until what is returned is called. */
  use(blob: number): () => void {
    this.#users.set(blob, (this.#users.get(blob) ?? 0) + 1)
    return () => {
      const left = (this.#users.get(blob) ?? 1) - 1
      if (left > 0) this.#users.set(blob, left)
      else this.#users.delete(blob)
    }
  }

  /** The octets from `start` to `end` of a message of `sizeOctets`, both within it; undefined where it has gone. */
  read(blob: number, sizeOctets: number, start: number, end: number, options?: ReadOptions): Buffer | undefined {
    const state = options ?? this.#committed.now
    // A message of one piece was never streamed.
    const prefix = sizeOctets > PIECE_OCTETS ? this.#tables.bodies.get([blob, PREFIX_PIECE], state) : undefined
    if (!prefix) return this.#readPieces(blob, start, end, state)
    const after = this.#readPieces(blob, Math.max(0, start - prefix.length), Math.max(0, end - prefix.length), state)
    return after && Buffer.concat([prefix.subarray(start, end), after])
  }

  #readPieces(blob: number, start: number, end: number, state: ReadOptions): Buffer | undefined {
    const first = Math.floor(start / PIECE_OCTETS)
    const pieces: Buffer[] = []
    for (let piece = first; piece * PIECE_OCTETS < end; piece++) {
      const octets = this.#tables.bodies.get([blob, piece], state)
      if (!octets) return undefined
      pieces.push(octets)
    }
    const joined = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
    return joined.subarray(start - first * PIECE_OCTETS, end - first * PIECE_OCTETS)
  }

  /**
   * The same piece by piece. The message may be expunged meanwhile, its octets stay until the end; then `ended` is
   * called where they are to go now.
   */
  async *stream(
    blob: number,
    sizeOctets: number,
    [start, end]: readonly [number, number],
    ended: () => void,
  ): AsyncGenerator<Buffer, void, void> {
    const release = this.use(blob)
    try {
      using before = this.#leaving.has(blob) ? this.#committed.hold() : undefined
      for (let at = start; at < end; ) {
        const next = Math.min(end, (Math.floor(at / PIECE_OCTETS) + 1) * PIECE_OCTETS)
        before?.check()
        const octets = this.read(blob, sizeOctets, at, next, before)
        if (!octets) throw new StoreError('not-found', `octets from ${at} on of a message are not there`)
        yield octets
        at = next
      }
    } finally {
      release()
      if (!this.#users.has(blob) && !this.#committed.isClosed && this.#tables.doomed.get(blob)) ended()
    }
  }
}

/** The keys of a blob's pieces. */
export const piecesOf = (blob: number): { start: [number, number]; end: [number, number] } => ({
  start: [blob, PREFIX_PIECE],
  end: [blob, Number.MAX_SAFE_INTEGER],
})

/** All octets of a blob. */
export const blobOctets = ({ bodies }: Pick<Tables, 'bodies'>, blob: number): Buffer =>
  Buffer.concat(Array.from(bodies.getRange(piecesOf(blob)), ({ value }) => value))
