import { StoreError } from '../errors.ts'

/**
 * What the system says where a write found no room. LMDB gives EIO for a write that the system took in part only, as it
 * does when a disk runs full in the middle of one.
 */
const noSpaceCodes = new Set<unknown>([5, 27, 28, 122, -30792, 'EIO', 'EFBIG', 'ENOSPC', 'EDQUOT'])
const readOnlyCodes = new Set<unknown>([1, 13, 30, 'EPERM', 'EACCES', 'EROFS'])

/** An error of LMDB or of the system as the store's own; any other is returned as it is. */
export function storeError(error: unknown): Error {
  if (error instanceof StoreError) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (noSpaceCodes.has(code)) {
    return new StoreError('no-space', `the store's disk takes no more: ${message}`, { cause: error })
  }
  if (readOnlyCodes.has(code)) {
    return new StoreError('read-only', `the store's folder cannot be written to: ${message}`, { cause: error })
  }
  return error instanceof Error ? error : new Error(String(error))
}
