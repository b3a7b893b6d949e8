import type { NewRecord, Records, StoredRecord } from '../../tls/pki/certificate-store/records.ts'
import type { Database } from './database-types.ts'

const FOUND = 'text, (extract(epoch FROM now() - created) * 1000)::float8 AS "ageMs"'
const PUT = `INSERT INTO shared_records (kind, id, text, keys, expires)
  VALUES ($1, $2, $3, $4, now() + $5::float8 * interval '1 millisecond') ON CONFLICT (kind, id)
  DO UPDATE SET text = EXCLUDED.text, keys = EXCLUDED.keys, created = now(), expires = EXCLUDED.expires`

const statements = {
  add: `${PUT} WHERE shared_records.expires < now() RETURNING id`,
  put: PUT,
  get: `SELECT ${FOUND} FROM shared_records WHERE kind = $1 AND id = $2`,
  withKey: `SELECT ${FOUND} FROM shared_records WHERE kind = $1 AND keys @> ARRAY[$2]::text[] ORDER BY number`,
  replace: 'UPDATE shared_records SET text = $4 WHERE kind = $1 AND id = $2 AND text = $3 RETURNING id',
  remove: 'DELETE FROM shared_records WHERE kind = $1 AND id = $2 RETURNING id',
  removeWithKey: 'DELETE FROM shared_records WHERE kind = $1 AND keys @> ARRAY[$2]::text[]',
  clear: 'DELETE FROM shared_records WHERE kind = $1',
  sweep: `DELETE FROM shared_records WHERE kind = $1 AND (expires < now() OR number <= (
    SELECT number FROM shared_records WHERE kind = $1 ORDER BY number DESC OFFSET $2 LIMIT 1))`,
} as const

/** Number of new records after which a node deletes the oldest. Each node can exceed the limit by this number. */
const SWEEP_AFTER = 50

/**
 * Keeps the records of a kind in PostgreSQL. Each call reads or changes the database, so all nodes see the same.
 * @param guarded names the store in the errors of an action
 */
export function databaseRecords(
  database: Database,
  kind: string,
  limit: number,
  guarded: <T>(done: string, work: () => Promise<T>) => Promise<T>,
): Records {
  let added = 0
  const read = <Row>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    guarded('read', () => database.query<Row>(text, [kind, ...values]))
  const change = <Row>(text: string, ...values: unknown[]): Promise<readonly Row[]> =>
    guarded('changed', () => database.query<Row>(text, [kind, ...values]))
  const insert = async (statement: string, id: string, { text, keys = [], lifeMs }: NewRecord) => {
    const rows = await change(statement, id, text, keys, lifeMs)
    if (added++ % SWEEP_AFTER === 0) await change(statements.sweep, limit)
    return rows
  }
  return {
    add: async (id, record) => (await insert(statements.add, id, record)).length > 0,
    async put(id, record) {
      await insert(statements.put, id, record)
    },
    get: async (id) => (await read<StoredRecord>(statements.get, id))[0],
    withKey: (key) => read<StoredRecord>(statements.withKey, key),
    replace: async (id, before, text) => (await change(statements.replace, id, before, text)).length > 0,
    remove: async (id) => (await change(statements.remove, id)).length > 0,
    async removeWithKey(key) {
      await change(statements.removeWithKey, key)
    },
    async clear() {
      await change(statements.clear)
    },
  }
}
