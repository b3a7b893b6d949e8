import type { Logger } from 'pino'
import type { Clock } from '../common/clock.ts'
import type { WhenFull } from './full/limits.ts'
import { MemoryStore } from './memory/memory-store.ts'
import type { MessageStore } from './types.ts'

export interface OpenStoreOptions {
  readonly clock: Clock
  readonly log: Logger
}

/** Limits that both stores have. */
interface CommonLimits {
  /** Number of messages in all folders. */
  readonly messages?: number | undefined
  readonly whenFull?: WhenFull | undefined
}

/** Where messages are stored: in memory, with a limit in octets, or with LMDB in a folder (an absolute path). */
export type StoreSetting =
  | 'memory'
  | (CommonLimits & { readonly memory: number | 'auto' })
  | (CommonLimits & { readonly lmdb: string; readonly size?: number | undefined })

/** Returns whether a full store deletes its oldest messages. */
export const dropsOldest = (setting: StoreSetting): boolean =>
  typeof setting === 'object' && setting.whenFull === 'drop-oldest'

/** Opens a store. Loads LMDB only if it is used. @throws StoreError */
export async function openStore(setting: StoreSetting, { clock, log }: OpenStoreOptions): Promise<MessageStore> {
  if (setting === 'memory') return new MemoryStore({ clock, log })
  const { messages, whenFull } = setting
  if ('memory' in setting) {
    const octets = setting.memory === 'auto' ? undefined : setting.memory
    return new MemoryStore({ clock, log, limits: { octets, messages, whenFull } })
  }
  const { openLmdbStore } = await import('./lmdb/open.ts')
  return openLmdbStore(setting.lmdb, { clock, log, limits: { octets: setting.size, messages, whenFull } })
}
