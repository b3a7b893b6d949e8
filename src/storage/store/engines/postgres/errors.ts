import { DatabaseError } from '../../../database/errors.ts'
import { StoreError, StoreFull } from '../../errors.ts'

/** Converts an error of the database to a StoreError. Returns any other error as it is. */
export function storeError(cause: unknown): Error {
  if (!(cause instanceof DatabaseError)) return cause instanceof Error ? cause : new Error(String(cause))
  const { code, message } = cause
  if (code === 'closed') return new StoreError('closed', 'the store is closed', { cause })
  if (code === 'no-space') {
    const text = 'the disk of the message store’s database is full. Delete messages, or free space on the disk'
    return new StoreFull(text, undefined, { cause })
  }
  const [kind, advice] =
    code === 'unknown'
      ? (['unknown', 'It is not known whether the change was made'] as const)
      : (['failed', 'Nothing was changed: try again'] as const)
  return new StoreError(kind, `the database of the message store failed (${message}). ${advice}`, { cause })
}
