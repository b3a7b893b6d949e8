import type { MemoryBudget } from '../../../../core/octets/memory-budget.ts'
import { type Overview, overview } from '../../../../mail/format/overview.ts'
import type { Database } from '../../../database/database-types.ts'
import type { MessageEntry } from '../../message-entry.ts'
import type { ExpectedMessage, MessageReads, ReadPart } from '../../types.ts'
import type { BlobPlace, Bodies, MessagePlace } from './bodies.ts'
import { BodyCache, LARGEST_OCTETS } from './body-cache.ts'
import type { PostgresFolder } from './postgres-folder.ts'
import { type Held, ReadAhead, ReadAheadMemory, type ReadAheadQueries } from './read-ahead.ts'
import { columnsOf, ENTRY_COLUMNS, type EntryRow, entryOf, type Names } from './records.ts'

/** Entries whose octets `stream` still finds after they were deleted. */
const RECENT_ENTRIES = 256

interface OverviewRow {
  /** The position of the message in the question, from 1. */
  readonly n: number
  /** Null: it has no overview in the table. */
  readonly overview: string | null
}

const OVERVIEWS = `
  select c.n, o.overview
  from unnest($1::bigint[], $2::bigint[]) with ordinality c (folder, uid, n)
  join entries e on e.folder = c.folder and e.uid = c.uid
  left join overviews o on o.blob = e.blob`

/** Reads messages of a folder: their entries, octets and overviews. Every method @throws DatabaseError */
export class Reader {
  readonly #database: Database
  readonly #names: Names
  readonly #bodies: Bodies
  readonly #cache: BodyCache
  readonly #recent = new Map<string, BlobPlace>()
  readonly #readAhead: ReadAheadMemory

  /** @param memory counts messages that are kept or read ahead */
  constructor(database: Database, names: Names, bodies: Bodies, memory: MemoryBudget) {
    this.#cache = new BodyCache(memory)
    this.#readAhead = new ReadAheadMemory(memory)
    this.#database = database
    this.#names = names
    this.#bodies = bodies
  }

  /** Returns entries in uid order. @param where a condition on the entry `e`, with parameters from `$2` on */
  async entries(state: PostgresFolder, where: string, values: readonly unknown[]): Promise<MessageEntry[]> {
    const text = `select ${ENTRY_COLUMNS} from entries e where e.folder = $1 and ${where} order by e.uid`
    const rows = await this.#database.query<EntryRow>(text, [state.key, ...values])
    return rows.map((row) => entryOf(columnsOf(row), this.#names, state))
  }

  async entry(state: PostgresFolder, uid: number): Promise<MessageEntry | undefined> {
    const [entry] = await this.entries(state, 'e.uid = $2', [uid])
    const key = messageKey(state, uid)
    this.#recent.delete(key)
    if (entry) this.#remember(key, entry)
    return entry
  }

  /** Returns the uids expunged after a modSeq, in ascending order. */
  async vanishedSince({ key }: PostgresFolder, modSeq: number): Promise<readonly number[]> {
    const rows = await this.#database.query<{ uid: number }>(
      'select distinct unnest(uids) as uid from vanished where folder = $1 and mod_seq > $2 order by uid',
      [key, modSeq],
    )
    return rows.map(({ uid }) => uid)
  }

  /** Returns octets of a message. The buffer may be a view of the cache. */
  async read(state: PostgresFolder, uid: number, start = 0, end?: number): Promise<Buffer | undefined> {
    // Only of folders that a session has opened: the others are asked whether they still have the message.
    const entry = state.index?.find(uid)
    const kept = entry && this.#cache.get(entry.blob)
    if (kept) return start === 0 && end === undefined ? kept : kept.subarray(start, end)
    const isWhole = start === 0 && (end ?? Number.POSITIVE_INFINITY) >= (entry?.sizeOctets ?? Number.POSITIVE_INFINITY)
    return entry && isWhole ? this.#readNext(state, entry) : this.#bodies.read({ folder: state.key, uid }, start, end)
  }

  async *stream(state: PostgresFolder, uid: number, start?: number, end?: number): AsyncGenerator<Buffer, void, void> {
    const found = (await this.#bodies.find({ folder: state.key, uid })) ?? this.#recent.get(messageKey(state, uid))
    if (found) yield* this.#bodies.stream(found, start, end)
  }

  async overview(state: PostgresFolder, uid: number): Promise<Overview | undefined> {
    const [row] = await this.#overviews([{ folder: state.key, uid }])
    if (row !== null) return row
    const raw = await this.read(state, uid)
    return raw && overview(raw)
  }

  /** Returns a source for expected messages. @param folderOf returns a folder that is known */
  ahead(expected: Iterable<ExpectedMessage>, part: ReadPart, { folderOf, alone, run }: ReaderStore): ReadAhead {
    const reads: ReadAheadQueries = {
      alone,
      kept: ({ folder: { id }, entry: { uid } }) => {
        const blob = folderOf(id)?.index?.find(uid)?.blob
        return blob === undefined ? undefined : this.#cache.get(blob)
      },
      together: (messages) => run(() => this.#readTogether(messages, part, folderOf)),
    }
    return new ReadAhead(reads, expected, part, this.#readAhead)
  }

  /** Reads a whole message, and with it those that are probably needed next. */
  async #readNext(state: PostgresFolder, entry: MessageEntry): Promise<Buffer | undefined> {
    const { index, prefetch, key: folder } = state
    const isKept = ({ blob }: MessageEntry): boolean => this.#cache.has(blob)
    const next = index ? prefetch.next(index, entry, isKept) : [entry]
    if (next.length === 1) {
      const octets = await this.#bodies.read({ folder, uid: entry.uid })
      if (octets) this.#cache.put(entry.blob, octets)
      return octets
    }
    const places = next.map(({ uid }) => ({ folder, uid }))
    const all = await this.#bodies.readStarts(places, LARGEST_OCTETS)
    for (const [i, { blob, sizeOctets }] of next.entries()) {
      const octets = all[i]
      if (octets?.length === sizeOctets) this.#cache.put(blob, octets)
    }
    return all[0]
  }

  async #readTogether(
    messages: readonly ExpectedMessage[],
    part: ReadPart,
    folderOf: ReaderStore['folderOf'],
  ): Promise<Held[]> {
    const folders = messages.map(({ folder }) => folderOf(folder.id))
    const places = messages.map(({ entry: { uid } }, i) => ({ folder: folders[i]?.key ?? 0, uid }))
    if (part === 'overview') {
      const overviews = await this.#overviews(places)
      return folders.map((folder, i) => (folder && overviews[i] !== null ? (overviews[i] as Held) : 'alone'))
    }
    const starts = await this.#bodies.readStarts(places, part === 'message' ? LARGEST_OCTETS : part)
    return messages.map(({ entry: { uid, sizeOctets } }, i): Held => {
      const [folder, octets] = [folders[i], starts[i]]
      // A folder that is not known may be new.
      if (!folder) return 'alone'
      if (!octets) return undefined
      const isWhole = octets.length === sizeOctets
      const blob = isWhole ? folder.index?.find(uid)?.blob : undefined
      if (blob !== undefined) this.#cache.put(blob, octets)
      return { octets, isWhole }
    })
  }

  /** Returns overviews in the order of the messages. Undefined: there is no such message. Null: it has none in the table. */
  async #overviews(places: readonly MessagePlace[]): Promise<(Overview | null | undefined)[]> {
    const found: (Overview | null | undefined)[] = new Array(places.length)
    const columns = [places.map(({ folder }) => folder), places.map(({ uid }) => uid)]
    for (const { n, overview } of await this.#database.query<OverviewRow>(OVERVIEWS, columns)) {
      found[n - 1] = overview === null ? null : (JSON.parse(overview) as Overview)
    }
    return found
  }

  #remember(key: string, { blob, sizeOctets: size }: MessageEntry): void {
    this.#recent.set(key, { blob: this.#names.blobNumber(blob), size })
    if (this.#recent.size <= RECENT_ENTRIES) return
    const [oldest = key] = this.#recent.keys()
    this.#recent.delete(oldest)
  }
}

/** The parts of the store that a source needs. */
interface ReaderStore {
  /** Returns a folder that is known. */
  readonly folderOf: (folderId: string) => PostgresFolder | undefined
  /** Reads one message. */
  readonly alone: MessageReads
  /** Runs a query. @throws StoreError */
  readonly run: <T>(work: () => Promise<T>) => Promise<T>
}

const messageKey = (state: PostgresFolder, uid: number): string => `${state.folder.id}/${uid}`
