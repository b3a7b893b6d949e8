import { accessSync, constants, readdirSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type FileAction, fileErrorText, reasonText } from './file-errors.ts'

/**
 * Codes of paths that lead nowhere: also those that are too long, have a circle of links, or a NUL (Node.js's own code). What
 * is done with such a path fails for the same reason, and says so.
 */
const NOWHERE = ['ENOTDIR', 'EACCES', 'ENAMETOOLONG', 'ELOOP', 'ERR_INVALID_ARG_VALUE']

/** Returns the attributes of a file or folder; undefined if it does not exist, or the path does not lead to it. */
export function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if (NOWHERE.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Returns why a file, or the files of a folder, cannot be read; undefined if they can. Reads no file. */
export function readObstacle(path: string): string | undefined {
  return attempt('read', () => {
    if (statSync(path).isDirectory()) readdirSync(path)
    accessSync(path, constants.R_OK)
  })
}

/** Returns why a file cannot be written or created; undefined if it can. Writes nothing. */
export function writeObstacle(path: string): string | undefined {
  if (statsOf(path)?.isDirectory()) return reasonText({ code: 'EISDIR' }, 'written')
  const exists = statsOf(path) !== undefined
  if (!exists && !statsOf(dirname(path))?.isDirectory()) return `there is no folder ${dirname(path)}`
  return attempt('written', () => {
    assertPossible(path)
    accessSync(exists ? path : dirname(path), constants.W_OK)
  })
}

/** Throws the error of the system for a path that cannot exist. */
const assertPossible = (path: string): void => void statSync(path, { throwIfNoEntry: false })

function attempt(done: FileAction, use: () => void): string | undefined {
  try {
    use()
    return undefined
  } catch (error) {
    return reasonText(error, done)
  }
}

/** Returns the message of `makeFolder` for a folder that cannot be created; undefined if it exists or can be created. */
export function folderObstacle(path: string): string | undefined {
  const found = statsOf(path)
  if (found) return found.isDirectory() ? undefined : cannotCreate(path, { code: 'EEXIST' })
  const parent = dirname(path)
  const above = parent === path ? undefined : folderObstacle(parent)
  if (above !== undefined || !statsOf(parent)) return above
  try {
    assertPossible(path)
    accessSync(parent, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return cannotCreate(path, error)
  }
}

const cannotCreate = (path: string, error: unknown): string => fileErrorText(error, `the folder ${path}`, 'created')
