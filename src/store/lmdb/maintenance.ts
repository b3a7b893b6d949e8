import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { StoreError } from '../errors.ts'
import { type CheckReport, checkTables } from './check.ts'
import { lockFolder } from './lock.ts'
import { DATA_FILE } from './open.ts'
import { openTables, type Tables } from './tables.ts'
import { upgrade } from './upgrade.ts'

/** Looks through a store that no lab has open. @throws StoreError `in-use`, `not-found` */
export function checkStore(folder: string, log: Logger): Promise<CheckReport> {
  return locked(folder, log, (file) => opened(file, log, checkTables))
}

/**
 * Gives the room that deleted messages left back to the file system, by writing the data anew. Sizes in octets.
 * @throws StoreError `in-use`, `not-found`
 */
export function compactStore(folder: string, log: Logger): Promise<{ before: number; after: number }> {
  return locked(folder, log, async (file) => {
    const copy = `${file}.compact`
    rmSync(copy, { force: true })
    await opened(file, log, ({ env }) => env.backup(copy, true))
    const before = statSync(file).size
    renameSync(copy, file)
    return { before, after: statSync(file).size }
  })
}

async function locked<T>(folder: string, log: Logger, work: (file: string) => Promise<T>): Promise<T> {
  const file = join(folder, DATA_FILE)
  if (!existsSync(file)) throw new StoreError('not-found', `there is no store in ${folder}`)
  const unlock = await lockFolder(folder, log)
  try {
    return await work(file)
  } finally {
    await unlock()
  }
}

async function opened<T>(file: string, log: Logger, work: (tables: Tables) => T | Promise<T>): Promise<T> {
  const tables = await openTables({ file, readOnly: false })
  try {
    upgrade(tables, log)
    return await work(tables)
  } finally {
    await tables.env.close()
  }
}
