import type { Database } from '../../../database/database-types.ts'
import { OUTGOING_OWNER, type Owner } from '../../folder.ts'
import type { FolderStatus, OldestMessage, Totals } from '../../types.ts'
import type { PostgresFolder } from './postgres-folder.ts'

/** Folders that one query asks for. */
const STEP = 1_000

/** The counts of folders, which are columns of their rows. Every method @throws DatabaseError */
export class Counts {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /** Returns the octets of all messages together. */
  async usedOctets(): Promise<number> {
    const [row] = await this.#database.query<{ octets: number }>(
      'select coalesce(sum(octets), 0)::bigint as octets from folders',
    )
    return row?.octets ?? 0
  }

  totals(apart: readonly Owner[]): Promise<readonly Totals[]> {
    return this.#database.query<Totals>(TOTALS, [apart, OUTGOING_OWNER])
  }

  /** Returns the status of a folder; undefined if it does not exist. */
  async status({ key }: PostgresFolder): Promise<FolderStatus | undefined> {
    const [row] = await this.#database.query<FolderStatus>(STATUS, [key])
    return row
  }

  /** Returns the oldest message of each folder that has one, by the id of the folder. */
  async oldest(folders: readonly PostgresFolder[]): Promise<ReadonlyMap<string, OldestMessage>> {
    const found = new Map<string, OldestMessage>()
    const ids = new Map(folders.map(({ key, folder }) => [key, folder.id]))
    for (let at = 0; at < folders.length; at += STEP) {
      const keys = folders.slice(at, at + STEP).map(({ key }) => key)
      const rows = await this.#database.query<OldestMessage & { readonly id: number }>(OLDEST, [keys])
      for (const { id, ...oldest } of rows) found.set(ids.get(id) as string, oldest)
    }
    return found
  }
}

const OLDEST = `
  select f.id, f.messages as "exists", f.octets as "sizeOctets", e.saved_at as "savedAt"
  from unnest($1::bigint[]) c (id) join folders f on f.id = c.id and f.messages > 0
  cross join lateral (select saved_at from entries where folder = f.id order by uid limit 1) e`

const TOTALS = `
  select case when owner = any($1::text[]) then owner end as owner, sum(messages)::bigint as "exists",
    sum(octets)::bigint as "sizeOctets"
  from folders where id > 0 and owner <> $2 group by 1`

const STATUS = `
  select messages as "exists", uid_next as "uidNext", mod_seq as "highestModSeq", octets as "sizeOctets", unseen, deleted,
    deleted_octets as "deletedOctets",
    coalesce((select min(uid) from entries where folder = f.id), 0) as "lowestUid",
    coalesce((select max(uid) from entries where folder = f.id), 0) as "highestUid"
  from folders f where id = $1`
