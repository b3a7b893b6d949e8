import { type Overview, overview } from '../../mail/overview.ts'
import type { Database } from '../../postgres/database.ts'
import type { MessageEntry } from '../types.ts'
import type { Bodies } from './bodies.ts'
import { BodyCache } from './body-cache.ts'
import type { PostgresFolder } from './postgres-folder.ts'
import { columnsOf, ENTRY_COLUMNS, type EntryRow, entryOf, type Names } from './records.ts'

/** Entries whose octets `stream` still finds after they were deleted. */
const RECENT_ENTRIES = 256

/** Where the octets of a message are. */
interface Place {
  readonly blob: number
  readonly size: number
  readonly prefix: number
}

/** Reads messages of a folder: their entries, octets and overviews. Every method @throws DatabaseError */
export class Reader {
  readonly #database: Database
  readonly #names: Names
  readonly #bodies: Bodies
  readonly #cache = new BodyCache()
  readonly #recent = new Map<string, Place>()

  constructor(database: Database, names: Names, bodies: Bodies) {
    this.#database = database
    this.#names = names
    this.#bodies = bodies
  }

  /** Returns entries in uid order. @param where a condition on the entry `e`, with parameters from `$2` on */
  async entries(state: PostgresFolder, where: string, values: readonly unknown[]): Promise<MessageEntry[]> {
    const text = `select ${ENTRY_COLUMNS} from entries e where e.folder = $1 and ${where} order by e.uid`
    const rows = await this.#database.query<EntryRow>(text, [state.key, ...values])
    return rows.map((row) => entryOf(columnsOf(row), this.#names, state.flagsOf))
  }

  async entry(state: PostgresFolder, uid: number): Promise<MessageEntry | undefined> {
    const [entry] = await this.entries(state, 'e.uid = $2', [uid])
    const key = keyOf(state, uid)
    this.#recent.delete(key)
    if (entry) this.#remember(key, entry)
    return entry
  }

  /** Returns octets of a message. The buffer may be a view of the cache. */
  async read(state: PostgresFolder, uid: number, start?: number, end?: number): Promise<Buffer | undefined> {
    // Only of folders that a session has opened: the others are asked whether they still have the message.
    const blob = state.index?.find(uid)?.blob
    const kept = blob === undefined ? undefined : this.#cache.get(blob)
    if (kept) return start === undefined && end === undefined ? kept : kept.subarray(start, end)
    const octets = await this.#bodies.read(state.key, uid, start, end)
    if (blob !== undefined && octets && start === undefined && end === undefined) this.#cache.put(blob, octets)
    return octets
  }

  async *stream(state: PostgresFolder, uid: number, start?: number, end?: number): AsyncGenerator<Buffer, void, void> {
    const found = (await this.#bodies.find(state.key, uid)) ?? this.#recent.get(keyOf(state, uid))
    if (found) yield* this.#bodies.stream(found, start, end)
  }

  async overview(state: PostgresFolder, uid: number): Promise<Overview | undefined> {
    const [row] = await this.#database.query<{ overview: string | null }>(
      `select o.overview from entries e left join overviews o on o.blob = e.blob where e.folder = $1 and e.uid = $2`,
      [state.key, uid],
    )
    if (!row) return undefined
    if (row.overview !== null) return JSON.parse(row.overview) as Overview
    const raw = await this.read(state, uid)
    return raw && overview(raw)
  }

  #remember(key: string, { blob, sizeOctets: size }: MessageEntry): void {
    this.#recent.set(key, { blob: this.#names.blobNumber(blob), size, prefix: 0 })
    if (this.#recent.size <= RECENT_ENTRIES) return
    const [oldest = key] = this.#recent.keys()
    this.#recent.delete(oldest)
  }
}

const keyOf = (state: PostgresFolder, uid: number): string => `${state.folder.id}/${uid}`
