import { PIECE_OCTETS, type Tables } from './tables.ts'

/** The octets of messages, in pieces: a small part of a large message is read without the rest. */
export class Bodies {
  readonly #tables: Tables
  readonly #tag: string
  /** Blobs that are being streamed, and to how many. */
  readonly #readers = new Map<number, number>()

  constructor(tables: Tables) {
    this.#tables = tables
    this.#tag = `L${tables.meta.get('tag') ?? ''}-`
  }

  /** The name under which entries show a blob: unlike that of any other store's. */
  readonly nameOf = (blob: number): string => this.#tag + blob.toString(36)

  numberOf(name: string): number {
    return Number.parseInt(name.slice(this.#tag.length), 36)
  }

  /** Within a transaction. */
  put(blob: number, octets: Buffer, holders: number): void {
    for (let at = 0, piece = 0; at < octets.length; at += PIECE_OCTETS, piece++) {
      this.#tables.bodies.putSync([blob, piece], octets.subarray(at, at + PIECE_OCTETS))
    }
    if (holders > 1) this.#tables.holders.putSync(blob, holders)
  }

  /** Within a transaction. */
  hold(blob: number): void {
    this.#tables.holders.putSync(blob, (this.#tables.holders.get(blob) ?? 1) + 1)
  }

  /** Within a transaction. What someone is still reading stays for the while. */
  release(blob: number, sizeOctets: number): void {
    const left = (this.#tables.holders.get(blob) ?? 1) - 1
    if (left > 1) this.#tables.holders.putSync(blob, left)
    else if (left === 1) this.#tables.holders.removeSync(blob)
    else if (this.#readers.has(blob)) this.#tables.doomed.putSync(blob, sizeOctets)
    else this.remove(blob, sizeOctets)
  }

  /** Within a transaction. */
  remove(blob: number, sizeOctets: number): void {
    for (let piece = 0; piece * PIECE_OCTETS < sizeOctets; piece++) this.#tables.bodies.removeSync([blob, piece])
    this.#tables.doomed.removeSync(blob)
  }

  /** Whether someone streams it now. */
  isRead(blob: number): boolean {
    return this.#readers.has(blob)
  }

  /** The octets from `start` to `end`, both within the message; undefined where the message has gone. */
  read(blob: number, start: number, end: number): Buffer | undefined {
    const first = Math.floor(start / PIECE_OCTETS)
    const pieces: Buffer[] = []
    for (let piece = first; piece * PIECE_OCTETS < end; piece++) {
      const octets = this.#tables.bodies.getBinary([blob, piece])
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
  async *stream(blob: number, start: number, end: number, ended: () => void): AsyncGenerator<Buffer, void, void> {
    this.#readers.set(blob, (this.#readers.get(blob) ?? 0) + 1)
    try {
      for (let at = start; at < end; ) {
        const next = Math.min(end, (Math.floor(at / PIECE_OCTETS) + 1) * PIECE_OCTETS)
        const octets = this.read(blob, at, next)
        if (!octets) return
        yield octets
        at = next
      }
    } finally {
      const left = (this.#readers.get(blob) ?? 1) - 1
      if (left > 0) this.#readers.set(blob, left)
      else this.#readers.delete(blob)
      if (left === 0 && this.#tables.doomed.get(blob) !== undefined) ended()
    }
  }
}
