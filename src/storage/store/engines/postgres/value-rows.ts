import type { Database, Queries } from '../../../database/database-types.ts'
import { type Folder, PUBLIC_OWNER } from '../../folder.ts'
import type { ValueKind, ValueSpace, Values } from '../../value-types.ts'
import { textKey } from '../text-key.ts'
import { PostgresFolder } from './postgres-folder.ts'

/** The kinds of values that belong to no folder have a row of their own to lock, with an id below 0. */
export const kinds: Readonly<Record<ValueKind, number>> = {
  metadata: -1,
  urlauth: -2,
  acl: -3,
  seen: -4,
  recent: -5,
  thread: -6,
  outgoing: -7,
  report: -8,
  answered: -9,
  webhook: -10,
  'all-mail': -11,
  unsubscribed: -12,
  configuration: -13,
  gmail: -14,
  sieve: -15,
  'sieve-memory': -16,
  history: -17,
  identity: -18,
  submission: -19,
}

/** Returns the id of the folder that stands for values of no folder. */
export const valueRowId = (kind: ValueKind): string => `values:${kind}`

/** The rows of table `folders` that stand for the values of no folder. Changes of such values lock them. */
export class ValueRows {
  readonly #rows = new Map<number, PostgresFolder>()

  /** Creates the rows that are missing. @throws DatabaseError */
  async create(database: Database): Promise<void> {
    await database.query(
      `insert into folders (id, owner, name, uid_validity, settings, version)
       select id, '', '', 0, '{}', 0 from unnest($1::bigint[]) id on conflict do nothing`,
      [Object.values(kinds)],
    )
  }

  of(kind: ValueKind): PostgresFolder {
    const key = kinds[kind]
    let row = this.#rows.get(key)
    if (!row) {
      const folder: Folder = { id: valueRowId(kind), owner: PUBLIC_OWNER, name: kind, uidValidity: 0 }
      row = new PostgresFolder(key, folder, { uidNext: 1, modSeq: 1, valueSeq: 0 })
      this.#rows.set(key, row)
    }
    return row
  }
}

const READ = 'select name, content from "values" where folder = $1 and kind = $2 and reader = $3'
const READ_NAMED = `${READ} and name_key = any($4::text[])`
const IN_ORDER = ' order by name_key'

/** Returns the values of a space in the table. @param folder the key of their folder @throws DatabaseError */
export async function valuesIn(queries: Queries, folder: number, { kind, reader, names }: ValueSpace): Promise<Values> {
  const parameters = [folder, kind, textKey(reader ?? ''), ...(names ? [names.map(textKey)] : [])]
  const text = (names ? READ_NAMED : READ) + IN_ORDER
  const rows = await queries.query<{ name: string; content: Buffer }>(text, parameters)
  return new Map(rows.map(({ name, content }) => [name, content]))
}
