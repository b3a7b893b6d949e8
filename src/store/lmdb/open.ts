import { accessSync, chmodSync, constants, existsSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from '../../common/clock.ts'
import { folderObstacle } from '../../common/file-obstacles.ts'
import { makeFolder } from '../../common/folders.ts'
import { StoreError } from '../types.ts'
import { loadLmdb } from './addon.ts'
import { type CheckReport, checkTables } from './check.ts'
import { storeError } from './errors.ts'
import { LmdbStore } from './lmdb-store.ts'
import { lockObstacle, lockStoreFolder } from './lock.ts'
import { Space } from './space.ts'
import { openTables, type Tables } from './tables.ts'
import { upgrade } from './upgrade.ts'

const DATA_FILE = 'messages.mdb'

export interface OpenLmdbOptions {
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Opens the store in `folder`, which is created if it is missing. If the folder is not writable, the store is read-only.
 * @throws StoreError `in-use`; `read-only` if the folder is not writable and has no store
 */
export async function openLmdbStore(folder: string, { clock, log }: OpenLmdbOptions): Promise<LmdbStore> {
  const file = join(folder, DATA_FILE)
  let unlock = async (): Promise<void> => {}
  let readOnly = false
  try {
    makeFolder(folder, 0o700)
    unlock = await lockStoreFolder(folder, log)
  } catch (error) {
    const known = storeError(error)
    // The error of a folder that cannot be created names the folder.
    if (!(known instanceof StoreError) || known.code === 'failed') throw error
    if (known.code !== 'read-only' || !existsSync(file)) throw known
    log.warn({ err: known }, 'the store is read-only')
    readOnly = true
  }
  try {
    const tables = await openTables({ file, readOnly })
    try {
      upgrade(tables, log)
      const space = new Space(tables, file)
      // So that deletions have room even if the disk is full when the first one comes.
      if (!readOnly) await space.prepare(0)
      return new LmdbStore(tables, { clock, log, space, unlock })
    } catch (error) {
      await tables.env.close()
      throw error
    }
  } catch (error) {
    await unlock()
    throw storeError(error)
  }
}

/** Returns the error of `openLmdbStore` in a folder, as far as it can be known without opening the store. */
export async function lmdbObstacle(folder: string): Promise<Error | undefined> {
  try {
    await loadLmdb()
    const why = folderObstacle(folder)
    if (why !== undefined || !existsSync(folder)) return why === undefined ? undefined : new StoreError('failed', why)
    const owner = await lockObstacle(folder)
    if (owner || existsSync(join(folder, DATA_FILE))) return owner
    accessSync(folder, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return storeError(error)
  }
}

/** Checks a store that no lab has open. @throws StoreError `in-use`, `not-found` */
export function checkStore(folder: string, log: Logger): Promise<CheckReport> {
  return withLock(folder, log, (file) => withTables(file, log, checkTables))
}

/**
 * Returns the space of deleted messages to the file system, by copying the data to a new file. Sizes are in octets.
 * @throws StoreError `in-use`, `not-found`
 */
export function compactStore(folder: string, log: Logger): Promise<{ before: number; after: number }> {
  return withLock(folder, log, async (file) => {
    // LMDB creates the copy with the mode that the umask allows, so nobody else may reach it.
    const place = mkdtempSync(join(folder, 'compact-'))
    try {
      const copy = join(place, DATA_FILE)
      await withTables(file, log, ({ env }) => env.backup(copy, true))
      chmodSync(copy, 0o600)
      const before = statSync(file).size
      renameSync(copy, file)
      return { before, after: statSync(file).size }
    } finally {
      rmSync(place, { recursive: true })
    }
  })
}

async function withLock<T>(folder: string, log: Logger, work: (file: string) => Promise<T>): Promise<T> {
  const file = join(folder, DATA_FILE)
  if (!existsSync(file)) throw new StoreError('not-found', `${folder} contains no store`)
  const unlock = await lockStoreFolder(folder, log)
  try {
    return await work(file)
  } finally {
    await unlock()
  }
}

async function withTables<T>(file: string, log: Logger, work: (tables: Tables) => T | Promise<T>): Promise<T> {
  const tables = await openTables({ file, readOnly: false })
  try {
    upgrade(tables, log)
    return await work(tables)
  } finally {
    await tables.env.close()
  }
}
