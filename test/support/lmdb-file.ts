import { join } from 'node:path'
import type { Database, Key, RootDatabase } from 'lmdb'
import { openSealed } from '../../src/storage/store/engines/lmdb/sealed-tables.ts'

/** A table of the database file. */
export type RawTable = Database<unknown, Key>

/** Opens the tables of a store that is not in use, so that a test can damage or create them. */
export async function withTables<T>(
  folder: string,
  work: (table: (name: string) => RawTable, env: RootDatabase) => T,
): Promise<T> {
  const { open } = await import('lmdb')
  const env = open({ path: join(folder, 'messages.mdb'), noSubdir: true, maxDbs: 24 })
  try {
    const table = (name: string): RawTable => openSealed(env, name, name === 'bodies')
    return env.transactionSync(() => work(table, env))
  } finally {
    await env.close()
  }
}
