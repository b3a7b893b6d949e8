import { DatabaseError } from '../../../database/errors.ts'
import { StoreError, StoreFull } from '../../types.ts'

/** Converts an error of the database to a StoreError. Returns any other error as it is. */
export function storeError(cause: unknown): Error {
  if (!(cause instanceof DatabaseError)) return cause instanceof Error ? cause : new Error(String(cause))
  const { code, message } = cause
  if (code === 'closed') return new StoreError('closed', 'the store is closed', { cause })
  if (code === 'no-space') {
    const text = 'the disk of the message store’s database is full. Delete messages, or free space on the disk'
    return new StoreFull(text, undefined, { cause })
  }
  const advice = code === 'unknown' ? 'It is not known whether the change was made' : 'Nothing was changed: try again'
  return new StoreError('failed', `the database of the message store failed (${message}). ${advice}`, { cause })
}
