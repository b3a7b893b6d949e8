import { joinPieces } from '../../common/pieces.ts'
import type { Database, Queries } from '../../postgres/database.ts'
import { takeOctets } from '../take-octets.ts'
import { type NewMessage, StoreError } from '../types.ts'
import type { BlobNumbers } from './numbers.ts'
import { PIECE_OCTETS } from './records.ts'

/** A blob that was written while its message arrived. No entry refers to it yet. */
export interface StreamedBlob {
  readonly blob: number
  readonly sizeOctets: number
}

/** Pieces that are read with one query while a message is streamed. */
const PIECES_PER_QUERY = 4
const LAST_PIECE = 2 ** 31 - 1

interface PieceRow {
  readonly size: number
  /** Null: the message has no such piece. */
  readonly piece: number | null
  readonly octets: Buffer | null
}

interface BlobRow {
  readonly blob: number
  readonly size: number
  readonly prefix: number
}

const READ = `
  select e.size, p.piece, p.octets from entries e
  left join pieces p on p.blob = e.blob and (p.piece = -1 or p.piece between $3 and $4)
  where e.folder = $1 and e.uid = $2 order by p.piece`

/** Pieces are committed in their order, so one that exists follows all that precede it. */
const ARRIVED = 'select from incoming join pieces using (blob) where blob = $1 and piece = $2'

/** Returns the number of the last piece of a blob. */
export const lastPieceOf = ({ sizeOctets }: StreamedBlob): number => Math.ceil(sizeOctets / PIECE_OCTETS) - 1

/** The error of a message that lacks octets: the server crashed while it arrived, or it took longer than they are kept. */
export const notComplete = (): StoreError =>
  new StoreError('failed', 'octets of the message were lost while it arrived. Send it again')

/** The octets of messages, in pieces. */
export class Bodies {
  readonly #database: Database
  readonly #numbers: BlobNumbers
  /** Number of streams of a blob. */
  readonly #streams = new Map<number, number>()

  constructor(database: Database, numbers: BlobNumbers) {
    this.#database = database
    this.#numbers = numbers
  }

  /** The blobs that are streamed now. */
  get streamed(): readonly number[] {
    return [...this.#streams.keys()]
  }

  /** Returns a message's octets from `start` to `end`; undefined if there is no such message. @throws DatabaseError */
  async read(folder: number, uid: number, start = 0, end?: number): Promise<Buffer | undefined> {
    // A prefix of less than a piece may precede the pieces.
    const first = Math.max(0, Math.floor(start / PIECE_OCTETS) - 1)
    const last = end === undefined ? LAST_PIECE : Math.min(LAST_PIECE, Math.floor(end / PIECE_OCTETS))
    const rows = await this.#database.query<PieceRow>(READ, [folder, uid, first, last])
    const [row] = rows
    if (!row) return undefined
    const stop = Math.min(end ?? row.size, row.size)
    if (start >= stop) return Buffer.alloc(0)
    const pieces = rows.flatMap(({ piece, octets }) => (octets && piece !== null ? [{ piece, octets }] : []))
    const prefix = pieces[0]?.piece === -1 ? pieces.shift()?.octets : undefined
    const skipped = (pieces[0]?.piece ?? 0) * PIECE_OCTETS
    const shift = prefix?.length ?? 0
    const isWhole = skipped === 0
    const joined = joinPieces([...(prefix && isWhole ? [prefix] : []), ...pieces.map(({ octets }) => octets)])
    const offset = isWhole ? 0 : skipped + shift
    return joined.subarray(Math.max(0, start - offset), stop - offset)
  }

  /**
   * Yields a message's octets in pieces. If the message is expunged during this, its octets stay until the stream ends.
   * @throws DatabaseError
   */
  async *stream(found: BlobRow, start = 0, end = found.size): AsyncGenerator<Buffer, void, void> {
    const { blob, size, prefix } = found
    const last = Math.min(end, size)
    this.#streams.set(blob, (this.#streams.get(blob) ?? 0) + 1)
    try {
      let at = Math.min(start, size)
      if (at < Math.min(prefix, last)) {
        const [octets] = await this.#pieces(blob, -1, -1)
        const head = octets?.subarray(at, Math.min(prefix, last))
        if (!head?.length) throw missing(at)
        yield head
        at += head.length
      }
      while (at < last) {
        const first = Math.floor((at - prefix) / PIECE_OCTETS)
        const pieces = await this.#pieces(blob, first, Math.min(first + PIECES_PER_QUERY - 1, LAST_PIECE))
        if (pieces.length === 0) throw missing(at)
        for (const [i, octets] of pieces.entries()) {
          const from = prefix + (first + i) * PIECE_OCTETS
          const part = octets.subarray(Math.max(0, at - from), last - from)
          if (part.length === 0) break
          yield part
          at += part.length
        }
      }
    } finally {
      const left = (this.#streams.get(blob) ?? 1) - 1
      if (left > 0) this.#streams.set(blob, left)
      else this.#streams.delete(blob)
    }
  }

  /** Returns the blob of a message, for `stream`. @throws DatabaseError */
  async find(folder: number, uid: number): Promise<BlobRow | undefined> {
    const [row] = await this.#database.query<BlobRow>(
      `select e.blob, e.size, coalesce(length(p.octets), 0) as prefix from entries e
       left join pieces p on p.blob = e.blob and p.piece = -1 where e.folder = $1 and e.uid = $2`,
      [folder, uid],
    )
    return row
  }

  /**
   * Reads a message to its end. Writes a large one as it arrives, to a blob that is removed unless an entry adopts it.
   * @throws DatabaseError, and what the message's iterable throws
   */
  async take(message: NewMessage['raw']): Promise<Buffer | StreamedBlob> {
    return takeOctets<StreamedBlob>(message, PIECE_OCTETS, (octets, before) => this.#write(octets, before))
  }

  /** Makes the octets of blobs removable that no entry adopted. @throws DatabaseError */
  async abandon(raws: readonly (Buffer | StreamedBlob)[]): Promise<void> {
    const blobs = raws.flatMap((raw) => (Buffer.isBuffer(raw) ? [] : [raw.blob]))
    if (blobs.length === 0) return
    await this.#database.query(
      `with gone as (delete from incoming where blob = any($1::bigint[]) returning blob)
       insert into doomed (blob) select blob from gone on conflict do nothing`,
      [blobs],
    )
  }

  async #write(octets: Buffer, before: StreamedBlob | undefined): Promise<StreamedBlob> {
    const blob = before?.blob ?? ((await this.#numbers.take(1))[0] as number)
    const first = (before?.sizeOctets ?? 0) / PIECE_OCTETS
    await this.#database.transaction(async (transaction) => {
      const arrived = before && transaction.query(ARRIVED, [blob, first - 1])
      // The commit of the entry flushes this as well. Until then, a crash of the server can take it.
      transaction.send('set local synchronous_commit = off')
      transaction.send('insert into incoming (blob) values ($1) on conflict (blob) do update set touched_at = now()', [
        blob,
      ])
      for (let at = 0, piece = first; at < octets.length; at += PIECE_OCTETS, piece++) {
        transaction.send('insert into pieces (blob, piece, octets) values ($1, $2, $3)', [
          blob,
          piece,
          octets.subarray(at, at + PIECE_OCTETS),
        ])
      }
      if (arrived && (await arrived).length === 0) throw notComplete()
    })
    return { blob, sizeOctets: (before?.sizeOctets ?? 0) + octets.length }
  }

  async #pieces(blob: number, first: number, last: number): Promise<Buffer[]> {
    const rows = await this.#database.query<{ octets: Buffer }>(
      'select octets from pieces where blob = $1 and piece between $2 and $3 order by piece',
      [blob, first, last],
    )
    return rows.map(({ octets }) => octets)
  }
}

const missing = (at: number): StoreError =>
  new StoreError('not-found', `the octets of a message from ${at} on are missing`)

/** Removes the octets of messages that were deleted more than a minute ago, and of incomplete messages that were abandoned. */
const REMOVE = `
  with gone as (
    delete from doomed where blob in (
      select blob from doomed where at < now() - interval '1 minute' order by blob limit 500 for update skip locked
    ) returning blob
  ), late as (
    delete from incoming where blob in (
      select blob from incoming where touched_at < now() - interval '2 hours' order by blob limit 500
      for update skip locked
    ) returning blob
  ), both_kinds as (select blob from gone union select blob from late),
  held as (delete from holders where blob in (select blob from both_kinds)),
  listed as (delete from overviews where blob in (select blob from both_kinds)),
  removed as (delete from pieces where blob in (select blob from both_kinds))
  select count(*) as blobs from both_kinds`

/** Removes octets that nobody needs. Blobs in `streamed` stay for another minute. @throws DatabaseError */
export async function removeDoomed(database: Queries, streamed: readonly number[]): Promise<void> {
  if (streamed.length > 0)
    await database.query('update doomed set at = now() where blob = any($1::bigint[])', [streamed])
  for (;;) {
    const [row] = await database.query<{ blobs: number }>(REMOVE)
    if (!row?.blobs) break
  }
  await database.query("delete from value_changes where at < now() - interval '15 minutes'")
}
