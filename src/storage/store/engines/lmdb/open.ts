import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { folderObstacle } from '../../../../core/files/file-obstacles.ts'
import { makeFolder, unusedName } from '../../../../core/files/folders.ts'
import { isBinary } from '../../../../core/files/package-files.ts'
import { assertRegularFile } from '../../../../core/files/regular-file.ts'
import { Arrivals } from '../../../../core/time/arrivals.ts'
import type { Clock } from '../../../../core/time/clock.ts'
import { StoreError } from '../../errors.ts'
import type { StoreLimits } from '../full/limits.ts'
import { loadLmdb } from './addon.ts'
import { type CheckReport, checkTables, damagedRows } from './check.ts'
import { storeError } from './errors.ts'
import { numbersOf } from './lmdb-folder.ts'
import { LmdbStore } from './lmdb-store.ts'
import { lockObstacle, lockStoreFolder } from './lock.ts'
import { Space } from './space.ts'
import { openTables, type Tables } from './tables.ts'
import { upgrade } from './upgrade-steps.ts'

const DATA_FILE = 'messages.mdb'

interface OpenLmdbOptions {
  readonly clock: Clock
  readonly log: Logger
  readonly limits?: StoreLimits
  /** The messages that clients are sending. Those that arrive together share a transaction. */
  readonly arrivals?: Arrivals | undefined
}

/**
 * Opens the store in `folder`, which is created if it is missing. If the folder is not writable, the store is read-only.
 * @throws StoreError `in-use`; `read-only` if the folder is not writable and has no store
 */
export async function openLmdbStore(
  folder: string,
  { clock, log, limits = {}, arrivals = new Arrivals() }: OpenLmdbOptions,
): Promise<LmdbStore> {
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
      const space = new Space(tables, file, limits.octets)
      // Gives deletions room even if the disk is full when the first one comes.
      if (!readOnly) await space.prepare(0)
      return new LmdbStore(tables, { clock, log, space, limits, arrivals, unlock })
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
    if (!isBinary) await loadLmdb(folder)
    const why = folderObstacle(folder)
    if (why !== undefined || !existsSync(folder)) return why === undefined ? undefined : new StoreError('failed', why)
    const owner = await lockObstacle(folder)
    const file = join(folder, DATA_FILE)
    if (owner) return owner
    if (existsSync(file)) {
      await assertReadable(file)
      return undefined
    }
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

/** Counts of a store. */
interface StoreCounts {
  readonly folders: number
  readonly messages: number
  /** Octets of the file. */
  readonly sizeOctets: number
}

/**
 * Copies a store as it is at one moment to a file, without unused space. A lab may use the store meanwhile.
 * @throws StoreError `not-found`; `read-only` if it is from a newer version
 */
export async function copyStore(folder: string, to: string): Promise<StoreCounts> {
  const file = join(folder, DATA_FILE)
  if (!existsSync(file)) throw new StoreError('not-found', `${folder} contains no store; check the path`)
  const isInUse = (await lockObstacle(folder)) !== undefined
  const tables = await openTables({ file, readOnly: true, anyOlder: true, isInUse })
  try {
    // The copy is created with the mode that the umask allows, so its folder must be private.
    await tables.env.backup(to, true)
    chmodSync(to, 0o600)
  } catch (error) {
    throw storeError(error)
  } finally {
    await tables.env.close()
  }
  return storeCounts(to, { checkRows: true })
}

/** Checks that this version can read a file. @throws StoreError `read-only` if it is from a newer version */
async function assertReadable(file: string): Promise<void> {
  const tables = await openTables({ file, readOnly: true, anyOlder: true })
  await tables.env.close()
}

/**
 * Reads what a copy holds, which can be of an older format. Leaves no file of LMDB beside it.
 * @param checkRows whether the checksums of all rows are checked
 * @throws StoreError `read-only` if it is from a newer version; `failed` if it is damaged
 */
export async function storeCounts(file: string, { checkRows = false } = {}): Promise<StoreCounts> {
  const lock = `${file}-lock`
  const hadLock = existsSync(lock)
  try {
    const tables = await openTables({ file, readOnly: true, anyOlder: true })
    try {
      if (checkRows) assertIntact(tables, file)
      const folders = Array.from(tables.folders.getRange({}), ({ value }) => numbersOf(tables, value.id))
      const messages = folders.reduce((sum, [, , exists]) => sum + exists, 0)
      return { folders: folders.length, messages, sizeOctets: statSync(file).size }
    } finally {
      await tables.env.close()
    }
  } finally {
    if (!hadLock) rmSync(lock, { force: true })
  }
}

/** @throws StoreError `failed` if a row is damaged */
function assertIntact(tables: Tables, file: string): void {
  for (const fault of damagedRows(tables)) {
    throw new StoreError('failed', `${file}: ${fault}. Run \`sealpost store check\`, and restore an earlier backup`)
  }
}

/**
 * Puts a copy in the place of the store in `folder`.
 * @returns the file that holds the earlier messages now; undefined if there were none
 * @throws StoreError `in-use` if a lab has the store open
 */
export async function restoreStore(folder: string, copy: string, log: Logger): Promise<string | undefined> {
  makeFolder(folder, 0o700)
  const unlock = await lockStoreFolder(folder, log)
  try {
    const file = join(folder, DATA_FILE)
    const incoming = `${file}.restored`
    assertRegularFile(copy)
    copyFileSync(copy, incoming)
    chmodSync(incoming, 0o600)
    const earlier = existsSync(file) ? unusedName(file) : undefined
    if (earlier !== undefined) renameSync(file, earlier)
    renameSync(incoming, file)
    return earlier
  } catch (error) {
    throw storeError(error)
  } finally {
    await unlock()
  }
}

async function withLock<T>(folder: string, log: Logger, work: (file: string) => Promise<T>): Promise<T> {
  const file = join(folder, DATA_FILE)
  if (!existsSync(file)) throw new StoreError('not-found', `${folder} contains no store; check the path`)
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
