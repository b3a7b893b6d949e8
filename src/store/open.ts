import type { Logger } from 'pino'
import type { Clock } from '../common/clock.ts'
import { MemoryStore } from './memory/memory-store.ts'
import type { MessageStore } from './types.ts'

export interface OpenStoreOptions {
  readonly clock: Clock
  readonly log: Logger
}

/** Where messages are stored: in memory, with an optional limit in octets, or with LMDB in a folder (an absolute path). */
export type StoreSetting = 'memory' | { readonly memory: number } | { readonly lmdb: string }

/** Opens a store. Loads LMDB only if it is used. @throws StoreError */
export async function openStore(setting: StoreSetting, { clock, log }: OpenStoreOptions): Promise<MessageStore> {
  if (setting === 'memory') return new MemoryStore({ clock, log })
  if ('memory' in setting) return new MemoryStore({ clock, log, maxOctets: setting.memory })
  const { openLmdbStore } = await import('./lmdb/open.ts')
  return openLmdbStore(setting.lmdb, { clock, log })
}
