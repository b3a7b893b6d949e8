import { getSystemErrorName } from 'node:util'
import { StoreError, StoreFull } from '../../errors.ts'

/** Errors of a write for which there is no room: EFBIG, ENOSPC, EDQUOT, MDB_MAP_FULL. */
const noSpaceCodes = new Set<unknown>([27, 28, 122, -30792, 'EFBIG', 'ENOSPC', 'EDQUOT'])
const readOnlyCodes = new Set<unknown>([1, 13, 30, 'EPERM', 'EACCES', 'EROFS'])
/** Errors of the system that LMDB reports as numbers. */
const LAST_SYSTEM_ERROR = 200

/** Converts an error of LMDB or the system to a StoreError. Returns any other error as it is. */
export function storeError(error: unknown): Error {
  if (error instanceof StoreError) return error
  const { code, message, path } = error as NodeJS.ErrnoException & { code?: unknown }
  if (noSpaceCodes.has(code)) return noSpace(error)
  if (readOnlyCodes.has(code)) {
    const place = path ?? 'the folder of the message store or messages.mdb in it'
    const reason = `${place} is not readable and writable (${nameOf(code)})`
    return new StoreError('read-only', `${reason}. Make it readable and writable for this user`, { cause: error })
  }
  if (isSystemError(code)) {
    const reason = `the disk of the message store failed (${nameOf(code)})`
    return new StoreError('failed', `${reason}. Nothing was changed: try again, or check the disk`, { cause: error })
  }
  return error instanceof Error ? error : new Error(String(message ?? error))
}

export const noSpace = (cause?: unknown): StoreError =>
  new StoreFull('the disk of the message store is full. Delete messages, or free space on the disk', undefined, {
    cause,
  })

const isSystemError = (code: unknown): boolean =>
  typeof code === 'number'
    ? code > 0 && code < LAST_SYSTEM_ERROR
    : typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)

/** LMDB's messages contain its own numbers, and after a failed write unset ones. Only the error's name is of use. */
const nameOf = (code: unknown): string => (typeof code === 'number' ? getSystemErrorName(-code) : String(code))
