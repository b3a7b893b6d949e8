import { joinPieces } from '../../../../core/octets/pieces.ts'
import type { Database, Octets, Queries } from '../../../database/database-types.ts'
import { StoreError } from '../../errors.ts'
import type { NewMessage } from '../../types.ts'
import { endingOf, takeOctets } from '../take-octets.ts'
import type { BlobNumbers } from './numbers.ts'
import { OBJECT_OCTETS, type ObjectPieces, type ObjectRow, startOf } from './object-pieces.ts'
import { queryOctets } from './octets.ts'
import { PIECE_OCTETS, PREFIX_PIECE } from './records.ts'

/** A blob that was written while its message arrived. No entry refers to it yet. */
export interface StreamedBlob {
  readonly blob: number
  readonly sizeOctets: number
  /** Its last two octets. */
  readonly ending: Buffer
}

/** Pieces that are read with one query while a message is streamed. */
const PIECES_PER_QUERY = 4

/** Where a message is. */
export interface MessagePlace {
  readonly folder: number
  readonly uid: number
}

/** Where the octets of a message are. */
export interface BlobPlace {
  readonly blob: number
  readonly size: number
}

const PREFIX = `(select coalesce(max(length(octets)), 0) from pieces where blob = e.blob and piece = ${PREFIX_PIECE})`

/** The pieces of a message with its octets from $3 to $4, each without the others. Only large messages have a prefix. */
const READ = `
  select substring(p.octets from part.first + 1 for greatest(part.last - part.first, 0)) as octets
  from entries e
  cross join lateral (select case when e.size > ${PIECE_OCTETS} then ${PREFIX} else 0 end as octets) prefix
  left join pieces p on p.blob = e.blob
    and p.piece >= case when $3::bigint < prefix.octets then ${PREFIX_PIECE}
      else ($3::bigint - prefix.octets) / ${PIECE_OCTETS} end
    and p.piece <= case when $4::bigint <= prefix.octets then ${PREFIX_PIECE}
      else ($4::bigint - 1 - prefix.octets) / ${PIECE_OCTETS} end
  cross join lateral (
    select case when p.piece < 0 then 0 else prefix.octets + p.piece::bigint * ${PIECE_OCTETS} end as octets
  ) before
  cross join lateral (
    select least(greatest($3::bigint - before.octets, 0), length(p.octets))::integer as first,
      least($4::bigint - before.octets, length(p.octets))::integer as last
  ) part
  where e.folder = $1 and e.uid = $2 order by p.piece`

/** The first octets of messages, $3 of each piece at most. `n` is the position of the message in the question, from 1. */
const READ_STARTS = `
  select c.n::text,
    case when length(p.octets) > $3::integer then substring(p.octets from 1 for $3) else p.octets end as octets
  from unnest($1::bigint[], $2::bigint[]) with ordinality c (folder, uid, n)
  join entries e on e.folder = c.folder and e.uid = c.uid
  left join pieces p on p.blob = e.blob and p.piece <= 0
  order by c.n, p.piece`

const PIECES = 'select octets from pieces where blob = $1 and piece between $2 and $3 order by piece'

interface StartRow {
  readonly n: string
  readonly octets: Buffer | null
}

const startValues = (places: readonly MessagePlace[], most: number): readonly unknown[] => [
  places.map(({ folder }) => folder),
  places.map(({ uid }) => uid),
  most,
]

/** More octets than any message has. */
const MAX_OCTETS = 2 ** 45
const EMPTY = Buffer.alloc(0)

/** SQL: whether a blob has a piece. They are committed in their order, so one that exists follows all that precede it. */
export const hasPiece = (blob: string, piece: string): string =>
  `(exists (select from pieces p where p.blob = ${blob} and p.piece = ${piece})
    or exists (select from objects o where o.blob = ${blob} and o.piece = ${piece}))`
const ARRIVED = `select from incoming where blob = $1 and ${hasPiece('$1', '$2')}`

const INSERT_OBJECT = 'insert into objects (blob, piece, octets, name, sha256) values ($1, $2, $3, $4, $5)'
const ADDS = { adds: true }

/** Returns the number of the last piece of a blob. */
export const lastPieceOf = ({ sizeOctets }: Pick<StreamedBlob, 'sizeOctets'>): number =>
  Math.ceil(sizeOctets / PIECE_OCTETS) - 1

/** The error of a message that lacks octets: the server crashed while it arrived, or it took longer than they are kept. */
export const notComplete = (): StoreError =>
  new StoreError('failed', 'octets of the message were lost while it arrived. Send it again')

/** The octets of messages, in pieces. */
export class Bodies {
  readonly #database: Database
  readonly #numbers: BlobNumbers
  readonly #objects: ObjectPieces | undefined
  /** Number of streams of a blob. */
  readonly #streams = new Map<number, number>()

  /** @param objects where the pieces of large messages are, from the second on. By default, all are in the database */
  constructor(database: Database, numbers: BlobNumbers, objects?: ObjectPieces) {
    this.#database = database
    this.#numbers = numbers
    this.#objects = objects
  }

  /** The blobs that are streamed now. */
  get streamed(): readonly number[] {
    return [...this.#streams.keys()]
  }

  /** Returns a message's octets from `start` to `end`; undefined if there is no such message. @throws DatabaseError */
  async read(place: MessagePlace, start = 0, end = MAX_OCTETS): Promise<Buffer | undefined> {
    const values = [place.folder, place.uid, start, Math.max(end, start)]
    const found = await queryOctets(this.#database, READ, values)
    if (found.length === 0) return undefined
    const pieces = found.flatMap((octets) => octets ?? [])
    const at = pieces.reduce((sum, { length }) => sum + length, start)
    // The first piece of every message is in the database.
    const isWhole = !this.#objects || at >= end || at < PIECE_OCTETS
    const blob = isWhole ? undefined : await this.find(place)
    if (blob) for await (const octets of this.stream(blob, at, end)) pieces.push(octets)
    return joinPieces(pieces)
  }

  /**
   * Returns the first octets of messages, in their order; undefined for those that do not exist.
   * @param most octets of each message, at most one piece
   * @throws DatabaseError
   */
  async readStarts(places: readonly MessagePlace[], most: number): Promise<(Buffer | undefined)[]> {
    const found: (Buffer | undefined)[] = new Array(places.length)
    const add = (i: number, octets: Buffer): void => {
      const before = found[i]
      const all = before ? Buffer.concat([before, octets]) : octets
      found[i] = all.length > most ? all.subarray(0, most) : all
    }
    const unread = new Set<number>()
    const rows = await this.#database.queryBinary<[string, Octets]>(READ_STARTS, startValues(places, most))
    for (const [n, octets] of rows) {
      if (octets === undefined) unread.add(Number(n) - 1)
      else add(Number(n) - 1, octets ?? EMPTY)
    }
    if (unread.size === 0) return found
    const again = [...unread]
    for (const i of again) found[i] = undefined
    const values = startValues(
      again.map((i) => places[i] as MessagePlace),
      most,
    )
    for (const { n, octets } of await this.#database.query<StartRow>(READ_STARTS, values)) {
      add(again[Number(n) - 1] as number, octets ?? EMPTY)
    }
    return found
  }

  /**
   * Yields a message's octets in pieces. If the message is expunged during this, its octets stay until the stream ends.
   * @throws DatabaseError, and StoreError if the object storage fails, mostly before the first octets
   */
  async *stream({ blob, size }: BlobPlace, start = 0, to = size): AsyncGenerator<Buffer, void, void> {
    const last = Math.min(to, size)
    this.#streams.set(blob, (this.#streams.get(blob) ?? 0) + 1)
    try {
      let at = Math.min(start, size)
      const [before = EMPTY] = size > PIECE_OCTETS ? await this.#pieces(blob, PREFIX_PIECE, PREFIX_PIECE) : []
      const prefix = before.length
      const rows = this.#objects && size > PIECE_OCTETS ? await this.#objects.of(this.#database, blob) : []
      const objectsAt = rows[0] ? prefix + startOf(rows[0]) : last
      const inObjects = this.#objects?.stream(rows, at - prefix, last - prefix)
      const firstObject = await inObjects?.next()
      const end = Math.min(last, objectsAt)
      if (at < Math.min(prefix, last)) {
        const head = before.subarray(at, last)
        yield head
        at += head.length
      }
      while (at < end) {
        const first = Math.floor((at - prefix) / PIECE_OCTETS)
        const final = Math.floor((end - 1 - prefix) / PIECE_OCTETS)
        const pieces = await this.#pieces(blob, first, Math.min(first + PIECES_PER_QUERY - 1, final))
        if (pieces.length === 0) throw missingOctets(at)
        for (const [i, octets] of pieces.entries()) {
          const from = prefix + (first + i) * PIECE_OCTETS
          const part = octets.subarray(Math.max(0, at - from), end - from)
          if (part.length === 0) throw missingOctets(at)
          yield part
          at += part.length
        }
      }
      if (firstObject?.value) yield firstObject.value
      if (inObjects) yield* inObjects
    } finally {
      const left = (this.#streams.get(blob) ?? 1) - 1
      if (left > 0) this.#streams.set(blob, left)
      else this.#streams.delete(blob)
    }
  }

  /** Returns the blob of a message, for `stream`. @throws DatabaseError */
  async find({ folder, uid }: MessagePlace): Promise<BlobPlace | undefined> {
    const text = 'select blob, size from entries where folder = $1 and uid = $2'
    const [place] = await this.#database.query<BlobPlace>(text, [folder, uid])
    return place
  }

  /**
   * Reads a message to its end. Writes a large one as it arrives, to a blob that is removed unless an entry adopts it.
   * @throws DatabaseError, what the message's iterable throws, and StoreError if the object storage fails
   */
  async take(message: NewMessage['raw']): Promise<Buffer | StreamedBlob> {
    const write = (octets: Buffer, before?: StreamedBlob): Promise<StreamedBlob> => this.#write(octets, before)
    if (!this.#objects) return takeOctets<StreamedBlob>(message, PIECE_OCTETS, write)
    const taken = await takeOctets<StreamedBlob>(message, PIECE_OCTETS, write, OBJECT_OCTETS / PIECE_OCTETS)
    if (!Buffer.isBuffer(taken) || taken.length <= PIECE_OCTETS) return taken
    let written: StreamedBlob | undefined
    for (let at = 0; at < taken.length; at += OBJECT_OCTETS) {
      written = await write(taken.subarray(at, at + OBJECT_OCTETS), written)
    }
    return written as StreamedBlob
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
    const sizeOctets = (before?.sizeOctets ?? 0) + octets.length
    const first = (before?.sizeOctets ?? 0) / PIECE_OCTETS
    const object = await this.#writeObject(octets, first)
    const inTable = octets.subarray(0, octets.length - (object?.octets ?? 0))
    await this.#database.transaction(async (transaction) => {
      const arrived = before && transaction.query(ARRIVED, [blob, first - 1])
      // The commit of the entry flushes this as well. Until then, a crash of the server can take it.
      transaction.send('set local synchronous_commit = off')
      transaction.send('insert into incoming (blob) values ($1) on conflict (blob) do update set touched_at = now()', [
        blob,
      ])
      for (let at = 0, piece = first; at < inTable.length; at += PIECE_OCTETS, piece++) {
        transaction.send('insert into pieces (blob, piece, octets) values ($1, $2, $3)', [
          blob,
          piece,
          inTable.subarray(at, at + PIECE_OCTETS),
        ])
      }
      if (object) {
        const { piece, octets, name, sha256 } = object
        transaction.send(INSERT_OBJECT, [blob, piece, octets, name, sha256])
      }
      if (arrived && (await arrived).length === 0) throw notComplete()
    }, ADDS)
    const ending = endingOf(before ? [before.ending, octets] : [octets])
    return { blob, sizeOctets, ending }
  }

  /** Writes octets to an object, except the first piece of a message. Before their row: a row never lacks its object. */
  async #writeObject(octets: Buffer, firstPiece: number): Promise<ObjectRow | undefined> {
    const rest = firstPiece === 0 ? octets.subarray(PIECE_OCTETS) : octets
    if (!this.#objects || rest.length === 0) return undefined
    const sizeOctets = firstPiece * PIECE_OCTETS + octets.length
    return this.#objects.put(rest, lastPieceOf({ sizeOctets }))
  }

  async #pieces(blob: number, first: number, last: number): Promise<Buffer[]> {
    const found = await queryOctets(this.#database, PIECES, [blob, first, last])
    return found.map((octets) => octets ?? EMPTY)
  }
}

const missingOctets = (at: number): StoreError =>
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
  removed as (delete from pieces where blob in (select blob from both_kinds)),
  unnamed as (delete from objects where blob in (select blob from both_kinds))
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
