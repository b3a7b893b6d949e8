import type { Logger } from 'pino'
import { OwnValues, type SharedValues } from '../../core/values/shared-values.ts'
import { type Database, DatabaseError, loadSharedValues } from '../../storage/index.ts'
import { StoreError } from '../../storage/store/errors.ts'

/** Opens what a lab keeps besides mail and certificates: in its database, or in this process. @throws StoreError */
export async function openLabValues(database: Database | undefined, log: Logger): Promise<SharedValues> {
  if (!database) return new OwnValues()
  const { PostgresValues } = await loadSharedValues()
  return PostgresValues.open(database, {
    asError: storeError,
    report: (err) => log.error({ err }, 'what the nodes of the lab share could not be read'),
  })
}

/** Returns the error that every protocol answers as a temporary one. */
function storeError(cause: unknown): unknown {
  if (!(cause instanceof DatabaseError)) return cause
  if (cause.code === 'closed') return new StoreError('closed', 'the database of the lab is closed', { cause })
  const code = cause.code === 'no-space' ? 'no-space' : 'failed'
  return new StoreError(code, `the database of the lab failed: ${cause.message}. Try again`, { cause })
}
