import { accessSync, constants, readdirSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { getSystemErrorMap } from 'node:util'

/** Returns why a file cannot be used, in plain words. */
export function fileError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return reasons[code ?? ''] ?? message
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  EACCES: 'permission denied',
}

/** Returns the attributes of a file or folder; undefined if there is none, or a part of the path is a file. */
export function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw error
  }
}

/** Returns why a file, or the files of a folder, cannot be read; undefined if they can. Reads no file. */
export function readObstacle(path: string): string | undefined {
  return attempt(() => {
    if (statSync(path).isDirectory()) readdirSync(path)
    accessSync(path, constants.R_OK)
  })
}

/** Returns why a file cannot be written or created; undefined if it can. Writes nothing. */
export function writeObstacle(path: string): string | undefined {
  if (statsOf(path)?.isDirectory()) return reasons.EISDIR
  const exists = statsOf(path) !== undefined
  if (!exists && !statsOf(dirname(path))?.isDirectory()) return `there is no folder ${dirname(path)}`
  return attempt(() => accessSync(exists ? path : dirname(path), constants.W_OK))
}

function attempt(use: () => void): string | undefined {
  try {
    use()
    return undefined
  } catch (error) {
    return fileError(error)
  }
}

/** Returns the message of `makeFolder` for a folder that cannot be created; undefined if it exists or can be created. */
export function folderObstacle(path: string): string | undefined {
  const found = statsOf(path)
  if (found) return found.isDirectory() ? undefined : cannotCreate(path, systemReason('EEXIST'))
  const parent = dirname(path)
  const above = parent === path ? undefined : folderObstacle(parent)
  if (above !== undefined || !statsOf(parent)) return above
  try {
    accessSync(parent, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return cannotCreate(path, systemReason((error as NodeJS.ErrnoException).code))
  }
}

/** The message of a folder that cannot be created. */
export const cannotCreate = (path: string, reason: string | undefined): string =>
  `the folder ${path} cannot be created: ${reason}`

/** Returns the text of a system error as Node.js writes it: `EACCES: permission denied`. */
const systemReason = (code: string | undefined): string =>
  [...getSystemErrorMap().values()].find(([name]) => name === code)?.join(': ') ?? `${code}`
