import type { Logger } from 'pino'
import type { MemoryBudget } from '../../core/octets/memory-budget.ts'
import type { Arrivals } from '../../core/time/arrivals.ts'
import type { Clock } from '../../core/time/clock.ts'
import { type BucketSettings, type Database, loadPostgresStore } from '../index.ts'
import type { WhenFull } from './engines/full/limits.ts'
import { MemoryStore } from './engines/memory/memory-store.ts'
import { StoreError } from './errors.ts'
import type { MessageStore } from './types.ts'

interface OpenStoreOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Required for a store in PostgreSQL. */
  readonly database?: Database | undefined
  /** Counts the messages that a store in PostgreSQL keeps in memory. */
  readonly memory?: MemoryBudget | undefined
  /** The messages that clients are sending. */
  readonly arrivals?: Arrivals | undefined
}

/** Limits that all stores have. */
interface CommonLimits {
  /** Number of messages in all folders. */
  readonly messages?: number | undefined
  readonly whenFull?: WhenFull | undefined
}

/** Where messages are stored: in memory, with a limit in octets, with LMDB in a folder (an absolute path), or in PostgreSQL. */
export type StoreSetting =
  | 'memory'
  | (CommonLimits & { readonly memory: number | 'auto' })
  | (CommonLimits & { readonly lmdb: string; readonly size?: number | undefined })
  | (CommonLimits & { readonly postgres: string; readonly bodies?: BucketSettings | undefined })

/** Returns whether a full store deletes its oldest messages. */
export const dropsOldest = (setting: StoreSetting): boolean =>
  typeof setting === 'object' && setting.whenFull === 'drop-oldest'

/** Opens a store. Loads the packages of LMDB and PostgreSQL only if they are used. @throws StoreError */
export async function openStore(
  setting: StoreSetting,
  { clock, log, database, memory, arrivals }: OpenStoreOptions,
): Promise<MessageStore> {
  if (setting === 'memory') return new MemoryStore({ clock, log })
  const { messages, whenFull } = setting
  if ('memory' in setting) {
    const octets = setting.memory === 'auto' ? undefined : setting.memory
    return new MemoryStore({ clock, log, limits: { octets, messages, whenFull } })
  }
  if ('postgres' in setting) {
    if (!database) throw new StoreError('failed', 'the store in PostgreSQL needs an open database')
    const { openPostgresStore } = await loadPostgresStore()
    return openPostgresStore(database, { clock, log, memory, bodies: setting.bodies, limits: { messages, whenFull } })
  }
  const { openLmdbStore } = await import('./engines/lmdb/open.ts')
  return openLmdbStore(setting.lmdb, { clock, log, arrivals, limits: { octets: setting.size, messages, whenFull } })
}
