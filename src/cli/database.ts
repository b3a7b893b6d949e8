import pino from 'pino'
import { isShared, type ResolvedLab } from '../config/resolve.ts'
import { openLabDatabase } from '../lab/lab-database.ts'
import type { Database } from '../postgres/database.ts'
import { UsageError } from './failure.ts'

/** Connections that a command uses. A change of certificates has one, and reads over another. */
const POOL = 2

/** Connects to the database of a lab for one command. @throws UsageError if the lab has none; DatabaseError */
export async function openDatabaseOf(lab: ResolvedLab): Promise<Database> {
  const { store } = lab
  const database = isShared(store)
    ? await openLabDatabase({ ...lab, store: { ...store, pool: POOL } }, pino({ level: 'silent' }))
    : undefined
  if (!database) throw new UsageError('the lab has no database; set store: { postgres: URL }')
  return database
}
