import { join } from 'node:path'
import type { Database, Key, RootDatabase } from 'lmdb'

/** A table as it is in the file. */
export type RawTable = Database<unknown, Key>

/** Gives the tables of a store that nobody has open, to be broken or made by hand. */
export async function withTables<T>(
  folder: string,
  work: (table: (name: string) => RawTable, env: RootDatabase) => T,
): Promise<T> {
  const { open } = await import('lmdb')
  const env = open({ path: join(folder, 'messages.mdb'), noSubdir: true, maxDbs: 24 })
  try {
    const table = (name: string): RawTable =>
      env.openDB(name === 'bodies' ? { name, encoding: 'binary' } : { name }) as RawTable
    return env.transactionSync(() => work(table, env))
  } finally {
    await env.close()
  }
}
