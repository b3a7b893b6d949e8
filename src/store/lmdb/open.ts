import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from '../../common/clock.ts'
import { StoreError } from '../errors.ts'
import { storeError } from './errors.ts'
import { LmdbStore } from './lmdb-store.ts'
import { lockFolder } from './lock.ts'
import { openTables } from './tables.ts'
import { upgrade } from './upgrade.ts'

export const DATA_FILE = 'messages.mdb'

export interface OpenLmdbOptions {
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Opens the store in `folder`, made if it is missing. A folder that cannot be written to is served read-only.
 * @throws StoreError `in-use`; `read-only` where there is nothing to serve
 */
export async function openLmdbStore(folder: string, { clock, log }: OpenLmdbOptions): Promise<LmdbStore> {
  const file = join(folder, DATA_FILE)
  let unlock = async (): Promise<void> => {}
  let readOnly = false
  try {
    mkdirSync(folder, { recursive: true })
    unlock = await lockFolder(folder, log)
  } catch (error) {
    const known = storeError(error)
    if (!(known instanceof StoreError) || known.code !== 'read-only' || !existsSync(file)) throw known
    log.warn({ err: known }, 'the store is served read-only')
    readOnly = true
  }
  try {
    const tables = await openTables({ file, readOnly })
    try {
      upgrade(tables, log)
      return new LmdbStore(tables, { clock, log, unlock })
    } catch (error) {
      await tables.env.close()
      throw error
    }
  } catch (error) {
    await unlock()
    throw storeError(error)
  }
}
